// The teacher stage: a checkpoint whose linear layers are quantized by HQQ, in a folder that is one in turn: config.json
// says so as transformers and hqq do, and the tokenizer comes along. The weights are made matrix by matrix, so that the
// model may be any size (teacherShards.ts). The same model and parameters give the same bytes, also after an interruption.
import { readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from '../artifact/commitFile.ts';
import {
  findManifest,
  planFingerprint,
  reuseFinished,
  writeManifest,
  type Manifest,
  type ManifestPlan,
} from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import {
  commitIndex,
  isShardName,
  modelFingerprint,
  openCheckpoint,
  type Checkpoint,
} from '../model/checkpoint.ts';
import { copyModelFiles, dtypeSetting } from '../model/copyModelFiles.ts';
import { decoderShapes, requireShape } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { byteLength } from '../model/safetensors.ts';
import { requireMemory } from '../plan/requireMemory.ts';
import { requireDiskForTeacher } from '../plan/stageDisk.ts';
import { quantizedBytes, teacherMemory } from '../plan/stageMemory.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { groupingProblem } from './groupedMatrix.ts';
import { quantizationSettings } from './quantizationSettings.ts';
import { removeModules } from './quantizedModules.ts';
import type { HqqOptions } from './quantizeHqq.ts';
import { idleOverride, optionsOf, type TeacherConfig } from './teacherConfig.ts';
import { makeTeacherShards, type TeacherShard } from './teacherShards.ts';
import { teacherStatistics } from './teacherStatistics.ts';

/** Raised whenever the same model and parameters give another teacher. */
export const TEACHER_FORMAT_VERSION = 1;

const EMBEDDING = 'model.embed_tokens.weight'; // looked up, not multiplied with: never quantized

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
  progress?: Progress;
}): Promise<{ manifest: Manifest; upToDate: boolean }> {
  const checkpoint = await openCheckpoint(model);
  try {
    await refuseSameFolder(model, out);
    refuseIncomplete(checkpoint);
    const planned = layerOptions(checkpoint, config);
    const options = new Map([...planned].flatMap(([module, own]) => (own ? [[module, own] as const] : [])));
    const plan = teacherPlan(config, await modelFingerprint(model));
    const finished = await reuseFinished(out, plan);
    if (finished) return { manifest: finished, upToDate: true };
    await requireRoom(out, { model: checkpoint.config, config, progress });
    const fingerprint = planFingerprint(plan);
    const damaged = await findManifest(out);
    const trusted = damaged?.fingerprint === fingerprint ? damaged.files : undefined;
    const shards = await makeTeacherShards({ checkpoint, options, out, fingerprint, trusted, progress });
    const settings = quantizationSettings(planned);
    return { manifest: await finish(shards, { model, out, settings, plan }), upToDate: false };
  } finally {
    await checkpoint.close();
  }
}

/** Tells when memory may not suffice. @throws UserError when the disk does not */
async function requireRoom(
  out: string,
  { model, config, progress }: { model: ModelConfig; config: TeacherConfig; progress: Progress },
): Promise<void> {
  const remedy = 'make the teacher on a machine with more memory';
  await requireMemory(teacherMemory(model), { remedy, progress });
  await requireDiskForTeacher(out, { bytes: quantizedBytes(model, config) });
}

/** Writes all that stands beside the weights, the manifest last, and removes what another teacher left. */
async function finish(
  shards: readonly TeacherShard[],
  { model, out, settings, plan }: { model: string; out: string; settings: object; plan: ManifestPlan },
): Promise<Manifest> {
  const tensors = shards.flatMap((shard) =>
    [...shard.tensors].map(([name, info]) => ({ ...info, name, file: shard.record.file })),
  );
  const files = [
    ...shards.map(({ record }) => record),
    await commitIndex(out, tensors),
    ...(await copyModelFiles({
      ...{ from: model, to: out },
      change: (raw) => ({ ...dtypeSetting(raw, 'bfloat16'), quantization_config: settings }),
    })),
  ];
  const modules = Object.assign({}, ...shards.map((shard) => shard.modules)) as TeacherShard['modules'];
  const bytes = tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0);
  await removeModules({ out });
  const manifest = await writeManifest(out, plan, { statistics: teacherStatistics(modules, bytes), files });
  await removeOldShards(out, files);
  return manifest;
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

/** Refuses a checkpoint that is not all that its config.json says, before hours are spent on it. */
function refuseIncomplete(checkpoint: Checkpoint): void {
  const packed = checkpoint.names().find((name) => name.endsWith('.W_q'));
  if (packed !== undefined)
    throw new UserError({
      ...{ file: checkpoint.folder, field: packed, problem: 'the model is quantized already' },
      remedy: 'name the unquantized checkpoint, or give this folder to the logits stage as it is',
    });
  for (const [name, expected] of decoderShapes(checkpoint.config))
    requireShape(checkpoint, name, { found: checkpoint.info(name).shape, expected });
}

/** How each linear layer is quantized, by name: undefined where it is skipped. */
function layerOptions(checkpoint: Checkpoint, config: TeacherConfig): Map<string, HqqOptions | undefined> {
  const planned = new Map(
    checkpoint
      .names()
      .filter((name) => isLinear(checkpoint, name))
      .map((name) => name.slice(0, -'.weight'.length))
      .map((module) => [module, optionsOf(config, module)] as const),
  );
  const quantized = [...planned].flatMap(([module, own]) => (own ? [[module, own] as const] : []));
  const idle = idleOverride(
    config,
    quantized.map(([module]) => module),
  );
  if (idle !== undefined)
    throw new UserError({ field: 'modules', value: idle, problem: 'fits no linear layer that is quantized' });
  for (const [module, own] of quantized) refuseUngrouped(checkpoint, module, own);
  if (quantized.length > 0) return planned;
  throw new UserError({
    file: checkpoint.folder,
    problem: 'there is no linear layer to quantize',
    remedy: 'an unquantized teacher is the checkpoint folder itself',
  });
}

function isLinear(checkpoint: Checkpoint, name: string): boolean {
  return name.endsWith('.weight') && name !== EMBEDDING && checkpoint.info(name).shape.length === 2;
}

function refuseUngrouped(checkpoint: Checkpoint, module: string, options: HqqOptions): void {
  const shape = checkpoint.info(`${module}.weight`).shape as [number, number];
  const problem = groupingProblem(shape, options);
  if (problem)
    throw new UserError({
      ...{ field: 'group_size', value: options.groupSize, problem: `${problem}, ${module}` },
      remedy: 'choose another size, or name this layer under skip or modules',
    });
}

/** Files of weights that another teacher left in the folder. */
async function removeOldShards(out: string, files: readonly FileRecord[]): Promise<void> {
  const listed = new Set(files.map(({ file }) => file));
  for (const name of await readdir(out))
    if (isShardName(name.replace(/\.tmp$/, '')) && !listed.has(name)) await rm(join(out, name));
}
