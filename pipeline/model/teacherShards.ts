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
import type { Checkpoint } from './checkpoint.ts';
import { quantizeHqq, relativeError, type HqqOptions } from './hqq.ts';
import { packedTensors } from './hqqWeights.ts';
import {
  byteLength,
  openSafetensors,
  toBfloat16,
  toFloat32,
  writeSafetensors,
  type SafetensorsFile,
  type TensorInfo,
  type TensorSource,
} from './safetensors.ts';

/** What became of one linear layer; the error is relative, in the Frobenius norm. */
export type ModuleQuality = {
  bits: number;
  group_size: number;
  weights: number;
  /** Of codes, scales and zero points. */
  bytes: number;
  relative_error: number;
};

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
export interface Shard {
  record: FileRecord;
  tensors: ReadonlyMap<string, TensorInfo>;
  modules: Record<string, ModuleQuality>;
}

/** Makes every file that is not there yet, in order. */
export async function makeShards(job: ShardJob): Promise<Shard[]> {
  const groups = tensorGroups(job.checkpoint.names());
  const shards: Shard[] = [];
  for (const [i, names] of groups.entries()) {
    const file = shardName(i, groups.length);
    const start = performance.now();
    const finished = await finishedShard(file, job);
    const shard = finished ?? (await writeShard(file, names, job));
    const seconds = (performance.now() - start) / 1000;
    shards.push(shard);
    job.progress(`${i + 1}/${groups.length} ${file}: ${finished ? 'kept' : workDone(shard, seconds)}`);
  }
  return shards;
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

/** The usual names of sharded weights, `i` from 0. */
function shardName(i: number, count: number): string {
  const fiveDigits = (n: number) => String(n).padStart(5, '0');
  return `model-${fiveDigits(i + 1)}-of-${fiveDigits(count)}.safetensors`;
}

/** True for a name that `makeShards` gives. */
export function isShard(name: string): boolean {
  return /^model-\d{5}-of-\d{5}\.safetensors$/.test(name);
}

function workDone({ modules, record }: Shard, seconds: number): string {
  const weights = Object.values(modules).reduce((sum, module) => sum + module.weights, 0);
  const rate = (weights / 1e6 / seconds).toFixed(1);
  return `${(record.bytes / 1e6).toFixed(1)} MB` + (weights > 0 ? `, ${rate} M weights/s` : '');
}

/** A file of an earlier run of the same teacher, unless it is not what its manifest says. */
async function finishedShard(
  file: string,
  { out, fingerprint, trusted }: ShardJob,
): Promise<Shard | undefined> {
  const path = join(out, file);
  const header = await readHeader(path);
  if (header?.metadata.teacher !== fingerprint) return undefined;
  const record = { file, bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
  const promised = trusted?.find((other) => other.file === file);
  if (promised && promised.sha256 !== record.sha256) return undefined;
  const modules = JSON.parse(header.metadata.quality!) as Shard['modules'];
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

async function writeShard(file: string, names: readonly string[], job: ShardJob): Promise<Shard> {
  const tensors: TensorSource[] = [];
  const modules: Shard['modules'] = {};
  for (const name of names) {
    const module = name.replace(/\.weight$/, '');
    const options = job.options.get(module);
    if (options && name !== module) {
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
  const quality: ModuleQuality = {
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
