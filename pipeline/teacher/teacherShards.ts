// The weights of a quantized teacher: one file for each decoder layer, and one before them for all else.
// A file is put together on disk when its quantized layers are there (quantizedModules.ts), committed whole, and names
// in its header the teacher that it belongs to and what its layers lost. What stays bfloat16 is copied in pieces. So no
// more than one matrix is ever in memory.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from '../artifact/commitFile.ts';
import { sha256OfFile } from '../artifact/fingerprint.ts';
import { UserError } from '../config/userError.ts';
import { shardName, type Checkpoint } from '../model/checkpoint.ts';
import { hasNonFinite, toBfloat16, toFloat32 } from '../model/halfPrecision.ts';
import {
  readPieces,
  writeSafetensors,
  type SafetensorsFile,
  type TensorInfo,
  type TensorSource,
} from '../model/safetensors.ts';
import { progressMeter } from '../terminal/progressMeter.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import {
  findModule,
  makeModule,
  openIntact,
  removeModules,
  type ModuleJob,
  type QuantizedModule,
} from './quantizedModules.ts';
import type { LayerQuality } from './teacherStatistics.ts';

/** What to make, and where. */
export interface ShardJob extends ModuleJob {
  /** What a complete manifest of this teacher says of its files. */
  trusted: readonly FileRecord[] | undefined;
  progress: Progress;
}

/** One file of weights and what is in it. */
export interface TeacherShard {
  record: FileRecord;
  tensors: ReadonlyMap<string, TensorInfo>;
  modules: Record<string, LayerQuality>;
}

/** Makes every file that is not there yet, in order. */
export async function makeTeacherShards(job: ShardJob): Promise<TeacherShard[]> {
  const planned = await findFinished(job);
  const pace = progressMeter({ unit: 'weights', total: await weightsToQuantize(planned, job) });
  const shards: TeacherShard[] = [];
  for (const [i, { finished, ...plan }] of planned.entries()) {
    const tell: Progress = (line, kind) =>
      job.progress(`${i + 1}/${planned.length} ${plan.file}: ${line}`, kind);
    const moduleDone = (module: string, { weights }: LayerQuality) =>
      tell(`${module}, ${pace(weights)}`, 'pace');
    const moduleKept = (module: string) => tell(`${module} kept`);
    const shard = finished ?? (await writeShard(plan, { ...job, moduleDone, moduleKept }));
    shards.push(shard);
    const quantized = Object.keys(shard.modules).length > 0;
    tell(finished ? 'kept' : `${(shard.record.bytes / 1e6).toFixed(1)} MB${quantized ? `, ${pace(0)}` : ''}`);
  }
  return shards;
}

interface PlannedShard {
  file: string;
  /** Of its tensors in the checkpoint. */
  names: string[];
  finished: TeacherShard | undefined;
}

async function findFinished(job: ShardJob): Promise<PlannedShard[]> {
  const groups = tensorGroups(job.checkpoint.names());
  const planned: PlannedShard[] = [];
  for (const [i, names] of groups.entries()) {
    const file = shardName(i, groups.length);
    planned.push({ file, names, finished: await finishedShard(file, job) });
  }
  return planned;
}

/** Those of the layers that are neither in a finished file nor finished by themselves. */
async function weightsToQuantize(planned: readonly PlannedShard[], job: ShardJob): Promise<number> {
  const missing = planned.filter(({ finished }) => !finished);
  let weights = 0;
  for (const module of missing.flatMap(({ names }) => modulesAmong(names, job))) {
    const found = await findModule(job, module);
    await found?.file.close();
    if (!found) weights += job.checkpoint.info(`${module}.weight`).shape.reduce((a, b) => a * b);
  }
  return weights;
}

function modulesAmong(names: readonly string[], { options }: ShardJob): string[] {
  return names.map(moduleOf).filter((module) => options.has(module));
}

/** The module whose weight this is; no module's name for any other tensor. */
function moduleOf(name: string): string {
  return name.endsWith('.weight') ? name.slice(0, -'.weight'.length) : '';
}

/** The tensors of each file: first those outside the decoder layers, then layer by layer. */
function tensorGroups(names: readonly string[]): string[][] {
  const groups = new Map<number, string[]>();
  for (const name of names) {
    const layer = Number(/^model\.layers\.(\d+)\./.exec(name)?.[1] ?? -1);
    groups.set(layer, [...(groups.get(layer) ?? []), name]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** A file of an earlier run of the same teacher, unless it is not what its manifest says. */
async function finishedShard(
  file: string,
  { out, fingerprint, trusted }: ShardJob,
): Promise<TeacherShard | undefined> {
  const path = join(out, file);
  const header = await openIntact(path);
  await header?.close();
  if (header?.metadata.teacher !== fingerprint) return undefined;
  const record = { file, bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
  const promised = trusted?.find((other) => other.file === file);
  if (promised && promised.sha256 !== record.sha256) return undefined;
  const modules = JSON.parse(header.metadata.quality!) as TeacherShard['modules'];
  return { record, modules, tensors: header.tensors };
}

/** Quantizes what is not quantized yet, then puts the file together. */
async function writeShard(
  { file, names }: Omit<PlannedShard, 'finished'>,
  job: ShardJob & {
    moduleDone: (module: string, quality: LayerQuality) => void;
    moduleKept: (module: string) => void;
  },
): Promise<TeacherShard> {
  const made = new Map<string, QuantizedModule>();
  try {
    for (const module of modulesAmong(names, job)) {
      const found = await findModule(job, module);
      const quantized = found ?? (await makeModule(job, module));
      made.set(module, quantized);
      if (found) job.moduleKept(module);
      else job.moduleDone(module, quantized.quality);
    }
    const tensors = names.flatMap((name) => {
      const quantized = made.get(moduleOf(name));
      return quantized ? storedTensors(quantized.file) : [keptTensor(job.checkpoint, name)];
    });
    const modules = Object.fromEntries([...made].map(([module, { quality }]) => [module, quality]));
    const metadata = { format: 'pt', teacher: job.fingerprint, quality: JSON.stringify(modules) }; // see finishedShard
    const record = await writeSafetensors(join(job.out, file), tensors, { metadata });
    await removeModules(job, [...made.keys()]);
    const infos = tensors.map(({ name, dtype, shape }) => [name, { dtype, shape }] as const);
    return { record, modules, tensors: new Map(infos) };
  } finally {
    for (const { file } of made.values()) await file.close();
  }
}

function storedTensors(file: SafetensorsFile): TensorSource[] {
  return [...file.tensors].map(([name, info]) => ({
    ...{ name, ...info },
    data: () => readPieces(file, { name, ...info }),
  }));
}

/** A tensor that is not quantized: floats become bfloat16. */
function keptTensor(checkpoint: Checkpoint, name: string): TensorSource {
  const { dtype, shape } = checkpoint.info(name);
  const isFloat = dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
  async function* data() {
    for await (const piece of readPieces(checkpoint, { name, dtype, shape })) {
      const bytes =
        dtype === 'F32' || dtype === 'F16' ? toBfloat16(toFloat32({ dtype, data: piece })) : piece;
      if (isFloat && hasNonFinite(bytes))
        throw new UserError({
          file: checkpoint.folder,
          field: name,
          problem: 'holds NaN or infinite values',
        });
      yield bytes;
    }
  }
  return { name, shape, dtype: isFloat ? 'BF16' : dtype, data };
}
