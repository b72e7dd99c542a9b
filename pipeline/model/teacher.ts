// The teacher stage: a checkpoint whose linear layers are quantized by HQQ, in a folder that is one in turn: config.json
// says so as transformers and hqq do, and the tokenizer comes along. The weights are made layer by layer
// (teacherShards.ts). The same model and parameters give the same bytes, also after an interruption.
import { readdir, readFile, realpath, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import type { Json } from '../artifact/fingerprint.ts';
import {
  filesAreIntact,
  findManifest,
  planFingerprint,
  writeManifest,
  type Manifest,
  type ManifestPlan,
} from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import { modelFingerprint, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { groupingProblem, type HqqOptions } from './hqq.ts';
import { readJsonObject } from './modelConfig.ts';
import { byteLength } from './safetensors.ts';
import { idleOverride, optionsOf, type TeacherConfig } from './teacherConfig.ts';
import { isShard, makeShards, type ModuleQuality, type Shard } from './teacherShards.ts';

/** Raised whenever the same model and parameters give another teacher. */
export const TEACHER_FORMAT_VERSION = 1;

const INDEX = 'model.safetensors.index.json';
const EMBEDDING = 'model.embed_tokens.weight'; // looked up, not multiplied with: never quantized

/** The statistics in the manifest of a teacher. */
export type TeacherStatistics = {
  modules: Record<string, ModuleQuality>;
  total: {
    quantized_weights: number;
    bits_per_weight: number;
    mean_relative_error: number;
    max_relative_error: number;
    /** Of all tensors, those left in bfloat16 included. */
    bytes: number;
  };
};

/**
 * Quantizes the checkpoint `model` into `out`, or finds that it is there already (then manifest.json only gets the
 * present time, for make).
 * @param progress told of each file as it is done.
 * @throws UserError on anything in parameters or checkpoint that the user can mend; what can be seen without reading
 * the weights, before anything is written.
 */
export async function makeTeacher({
  config,
  model,
  out,
  progress = () => undefined,
}: {
  config: TeacherConfig;
  model: string;
  out: string;
  progress?: (line: string) => void;
}): Promise<{ manifest: Manifest; upToDate: boolean }> {
  const checkpoint = await openCheckpoint(model);
  try {
    await refuseSameFolder(model, out);
    const options = moduleOptions(checkpoint, config);
    const plan = teacherPlan(config, await modelFingerprint(model));
    const fingerprint = planFingerprint(plan);
    const found = await findManifest(out);
    const present = found?.fingerprint === fingerprint ? found : undefined;
    if (present && (await filesAreIntact(out, present))) {
      await utimes(join(out, 'manifest.json'), new Date(), new Date());
      return { manifest: present, upToDate: true };
    }
    const job = { checkpoint, options, out, fingerprint, trusted: present?.files, progress };
    const shards = await makeShards(job);
    const files = [
      ...shards.map(({ record }) => record),
      await writeIndex(out, shards),
      await writeConfig({ model, out, config }),
      ...(await copyTokenizer(model, out)),
    ];
    const manifest = await writeManifest(out, plan, { statistics: statisticsOf(shards), files });
    await removeOldShards(out, files);
    return { manifest, upToDate: false };
  } finally {
    await checkpoint.close();
  }
}

function teacherPlan(config: TeacherConfig, model: string): ManifestPlan {
  const parameters = { ...config, method: 'hqq', dtype: 'bfloat16', scale_dtype: 'float16' };
  return { kind: 'teacher', formatVersion: TEACHER_FORMAT_VERSION, inputs: { model }, parameters };
}

async function refuseSameFolder(model: string, out: string): Promise<void> {
  const target = await realpath(out).catch(() => undefined);
  if (target === (await realpath(model)))
    throw new UserError({ field: '--out', value: out, problem: 'is the folder of the model itself' });
}

/** The linear layers to quantize by name, each checked to be divisible as it has to be. */
function moduleOptions(checkpoint: Checkpoint, config: TeacherConfig): Map<string, HqqOptions> {
  const matrices = checkpoint
    .names()
    .filter(
      (name) => name.endsWith('.weight') && name !== EMBEDDING && checkpoint.info(name).shape.length === 2,
    )
    .map((name) => name.slice(0, -'.weight'.length));
  const idle = idleOverride(config, matrices);
  if (idle !== undefined)
    throw new UserError({ field: 'modules', value: idle, problem: 'fits no linear layer of the model' });
  const planned = new Map<string, HqqOptions>();
  for (const module of matrices) {
    const options = optionsOf(config, module);
    if (options) planned.set(module, options);
    const problem = options && groupingProblem(matrixShape(checkpoint, module), options);
    if (problem)
      throw new UserError({
        field: 'group_size',
        value: options.groupSize,
        problem: `${problem}, ${module}`,
        remedy: 'choose another size, or name this layer under skip or modules',
      });
  }
  if (planned.size > 0) return planned;
  throw new UserError({
    file: checkpoint.folder,
    problem: 'there is no linear layer to quantize',
    remedy: 'an unquantized teacher is the checkpoint folder itself',
  });
}

function matrixShape(checkpoint: Checkpoint, module: string): [number, number] {
  return checkpoint.info(`${module}.weight`).shape as [number, number];
}

function writeIndex(out: string, shards: readonly Shard[]): Promise<FileRecord> {
  const entries = shards
    .flatMap(({ record, tensors }) =>
      [...tensors].map(([name, info]) => ({ name, file: record.file, bytes: byteLength(info) })),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const index = {
    metadata: { total_size: totalOf(entries) },
    weight_map: Object.fromEntries(entries.map(({ name, file }) => [name, file])),
  };
  return commitBytes(join(out, INDEX), JSON.stringify(index, null, 2) + '\n');
}

function totalOf(items: readonly { bytes: number }[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** config.json with the quantization as transformers and hqq name it; layers that differ say so in their tensors. */
async function writeConfig({
  model,
  out,
  config,
}: {
  model: string;
  out: string;
  config: TeacherConfig;
}): Promise<FileRecord> {
  const raw = (await readJsonObject(join(model, 'config.json')))!;
  const weightParameters = {
    nbits: config.bits,
    channel_wise: true,
    group_size: config.group_size,
    optimize: config.optimize,
    round_zero: config.bits === 4,
    axis: config.axis,
    view_as_float: false,
  };
  const quantization = {
    quant_method: 'hqq',
    quant_config: {
      weight_quant_params: weightParameters,
      scale_quant_params: null,
      zero_quant_params: null,
      offload_meta: false,
    },
    skip_modules: config.skip,
  };
  const dtypeKey = 'dtype' in raw ? 'dtype' : 'torch_dtype'; // transformers 5 and before
  const content = { ...raw, [dtypeKey]: 'bfloat16', quantization_config: quantization };
  return commitBytes(join(out, 'config.json'), JSON.stringify(content, null, 2) + '\n');
}

const TOKENIZER_FILES =
  /^(tokenizer|tokenizer_config|special_tokens_map|generation_config)\.json$|^chat_template\.\w+$/;

async function copyTokenizer(model: string, out: string): Promise<FileRecord[]> {
  const names = (await readdir(model)).filter((name) => TOKENIZER_FILES.test(name)).sort();
  const records: FileRecord[] = [];
  for (const name of names)
    records.push(await commitBytes(join(out, name), await readFile(join(model, name))));
  return records;
}

/** Files of weights that another teacher left in the folder. */
async function removeOldShards(out: string, files: readonly FileRecord[]): Promise<void> {
  const listed = new Set(files.map(({ file }) => file));
  for (const name of await readdir(out))
    if (isShard(name.replace(/\.tmp$/, '')) && !listed.has(name)) await rm(join(out, name));
}

function statisticsOf(shards: readonly Shard[]): TeacherStatistics & Record<string, Json> {
  const modules = Object.assign({}, ...shards.map((shard) => shard.modules)) as Shard['modules'];
  const all = Object.values(modules);
  const weights = all.reduce((sum, module) => sum + module.weights, 0);
  const errors = all.map((module) => module.relative_error);
  const tensors = shards.flatMap((shard) => [...shard.tensors.values()]);
  return {
    modules,
    total: {
      quantized_weights: weights,
      bits_per_weight: (8 * totalOf(all)) / weights,
      mean_relative_error: errors.reduce((sum, error) => sum + error, 0) / errors.length,
      max_relative_error: Math.max(...errors),
      bytes: totalOf(tensors.map((info) => ({ bytes: byteLength(info) }))),
    },
  };
}
