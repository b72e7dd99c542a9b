// The weights of a quantized teacher: one file for each decoder layer, and one before them for all else.
// A file is finished and committed at a time, and names in its header the teacher that it belongs to and what its
// layers lost. So a killed run loses one layer, and the peak of memory is a packed layer and the largest matrix.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from '../artifact/commitFile.ts';
import { sha256OfFile } from '../artifact/fingerprint.ts';
import { UserError } from '../config/userError.ts';
import { cast } from '../engine/layoutOps.ts';
import { disposePacked, type PackedWeight } from '../engine/packedWeight.ts';
import { tensorFromBytes } from '../engine/tensorBytes.ts';
import { tf } from '../engine/tensorflow.ts';
import { shardName, type Checkpoint } from '../model/checkpoint.ts';
import { toBfloat16, toFloat32 } from '../model/halfPrecision.ts';
import { packedTensors } from '../model/hqqWeights.ts';
import {
  byteLength,
  openSafetensors,
  writeSafetensors,
  type SafetensorsFile,
  type TensorInfo,
  type TensorSource,
} from '../model/safetensors.ts';
import { progressMeter } from '../terminal/progressMeter.ts';
import { quantizeHqq, relativeError, type HqqOptions } from './quantizeHqq.ts';
import type { LayerQuality } from './teacherStatistics.ts';

/** What to make, and where. */
export interface ShardJob {
  checkpoint: Checkpoint;
  /** Of the modules that are to be quantized, by name. */
  options: ReadonlyMap<string, HqqOptions>;
  out: string;
  /** The teacher's. */
  fingerprint: string;
  /** What a complete manifest of this teacher says of its files. */
  trusted: readonly FileRecord[] | undefined;
  progress: (line: string) => void;
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
  const missing = planned.flatMap(({ names, finished }) => (finished ? [] : names));
  const pace = progressMeter({ unit: 'weights', total: weightsToQuantize(missing, job) });
  const shards: TeacherShard[] = [];
  for (const [i, { file, names, finished }] of planned.entries()) {
    const shard = finished ?? (await writeShard(file, names, job));
    shards.push(shard);
    job.progress(`${i + 1}/${planned.length} ${file}: ${finished ? 'kept' : workDone(shard, pace)}`);
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

function weightsToQuantize(names: readonly string[], { checkpoint, options }: ShardJob): number {
  const quantized = names.filter((name) => options.has(moduleOf(name)));
  return quantized.reduce((sum, name) => sum + checkpoint.info(name).shape.reduce((a, b) => a * b), 0);
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

function workDone({ modules, record }: TeacherShard, pace: (weights: number) => string): string {
  const weights = Object.values(modules).reduce((sum, module) => sum + module.weights, 0);
  return `${(record.bytes / 1e6).toFixed(1)} MB` + (weights > 0 ? `, ${pace(weights)}` : '');
}

/** A file of an earlier run of the same teacher, unless it is not what its manifest says. */
async function finishedShard(
  file: string,
  { out, fingerprint, trusted }: ShardJob,
): Promise<TeacherShard | undefined> {
  const path = join(out, file);
  const header = await readHeader(path);
  if (header?.metadata.teacher !== fingerprint) return undefined;
  const record = { file, bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
  const promised = trusted?.find((other) => other.file === file);
  if (promised && promised.sha256 !== record.sha256) return undefined;
  const modules = JSON.parse(header.metadata.quality!) as TeacherShard['modules'];
  return { record, modules, tensors: header.tensors };
}

/** The header of a file, or undefined when it is not there or damaged. */
async function readHeader(path: string): Promise<Pick<SafetensorsFile, 'tensors' | 'metadata'> | undefined> {
  try {
    const file = await openSafetensors(path);
    await file.close();
    return file;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function writeShard(file: string, names: readonly string[], job: ShardJob): Promise<TeacherShard> {
  const tensors: TensorSource[] = [];
  const modules: TeacherShard['modules'] = {};
  for (const name of names) {
    const module = moduleOf(name);
    const options = job.options.get(module);
    if (options) {
      const quantized = await quantizeModule(job.checkpoint, module, options);
      tensors.push(...quantized.tensors);
      modules[module] = quantized.quality;
    } else tensors.push(keptTensor(job.checkpoint, name));
  }
  const metadata = { format: 'pt', teacher: job.fingerprint, quality: JSON.stringify(modules) }; // see finishedShard
  const record = await writeSafetensors(join(job.out, file), tensors, { metadata });
  const infos = tensors.map(({ name, dtype, shape }) => [name, { dtype, shape }] as const);
  return { record, modules, tensors: new Map(infos) };
}

const FLOAT_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** A module's tensors as they are stored, and what was lost. */
async function quantizeModule(checkpoint: Checkpoint, module: string, options: HqqOptions) {
  const { dtype, shape, data } = await checkpoint.read(`${module}.weight`);
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
    throw damaged(checkpoint, module, `${dtype} cannot be quantized; expected F32, F16 or BF16`);
  const weight = tensorFromBytes(data, shape, FLOAT_DTYPES[dtype]);
  const packed = withHalves(quantizeHqq(weight, options));
  const error = relativeError(weight, packed);
  const tensors = packedTensors(module, packed, options);
  disposePacked(packed);
  weight.dispose();
  if (!Number.isFinite(error)) throw damaged(checkpoint, module, 'holds NaN or infinite values');
  const stored = tensors.filter(({ name }) => /\.(W_q|scale|zero)$/.test(name));
  const quality: LayerQuality = {
    bits: options.bits,
    group_size: options.groupSize,
    weights: packed.shape[0] * packed.shape[1],
    bytes: stored.reduce((sum, tensor) => sum + byteLength(tensor), 0),
    relative_error: error,
  };
  return { tensors, quality };
}

/** Scales and zero points as they are stored and computed with: so the error counts their rounding. */
function withHalves(weight: PackedWeight): PackedWeight {
  const [scale, zero] = [cast(weight.scale, 'float16'), cast(weight.zero, 'float16')];
  tf.dispose([weight.scale, weight.zero]);
  return { ...weight, scale, zero };
}

function damaged({ folder }: Checkpoint, module: string, problem: string): UserError {
  return new UserError({ file: folder, field: `${module}.weight`, problem });
}

/** A tensor that is not quantized: floats become bfloat16. */
function keptTensor(checkpoint: Checkpoint, name: string): TensorSource {
  const { dtype, shape } = checkpoint.info(name);
  const read = () => checkpoint.read(name);
  return dtype === 'F32' || dtype === 'F16'
    ? { name, shape, dtype: 'BF16', data: async () => toBfloat16(toFloat32(await read())) }
    : { name, shape, dtype, data: async () => (await read()).data };
}
