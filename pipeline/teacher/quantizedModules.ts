// Quantized linear layers on their way into a teacher: each is a small safetensors file of its own until the file of its
// decoder layer can be put together from them. So an interrupted run loses one matrix at most, the users' files stay a
// handful, each of them is committed whole, and the packed codes go to disk block by block instead of piling up.
// It costs writing the codes twice: minutes for a model whose quantization takes hours.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { cast } from '../engine/layoutOps.ts';
import { bytesOf } from '../engine/tensorBytes.ts';
import { tf } from '../engine/tensorflow.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { packedTensors } from '../model/hqqWeights.ts';
import { byteLength, openSafetensors, writeSafetensors, type SafetensorsFile } from '../model/safetensors.ts';
import { disposeGrouped, readGrouped, type GroupedMatrix } from './groupedMatrix.ts';
import {
  treeBlocks,
  relativeError,
  solveHqq,
  type HqqGroups,
  type HqqOptions,
  type StoredGroups,
} from './quantizeHqq.ts';
import type { LayerQuality } from './teacherStatistics.ts';

/** Whose layers, for which teacher, and where. */
export interface ModuleJob {
  checkpoint: Checkpoint;
  /** Of the modules that are to be quantized, by name. */
  options: ReadonlyMap<string, HqqOptions>;
  /** The teacher's folder. */
  out: string;
  /** The teacher's, written into every file. */
  fingerprint: string;
}

/** A quantized layer on disk; `close` its file. */
export interface QuantizedModule {
  file: SafetensorsFile;
  quality: LayerQuality;
}

/** The layer as an earlier run of the same teacher left it, or undefined. */
export async function findModule(job: ModuleJob, module: string): Promise<QuantizedModule | undefined> {
  const file = await openIntact(fileOf(job, module));
  if (!file) return undefined;
  if (file.metadata.teacher === job.fingerprint)
    return { file, quality: JSON.parse(file.metadata.quality!) as LayerQuality };
  await file.close();
  return undefined;
}

/**
 * Quantizes a layer into its file. In memory are the matrix in its own dtype, its scales and zero points, and blocks.
 * @throws UserError naming the layer for what cannot be quantized.
 */
export async function makeModule(job: ModuleJob, module: string): Promise<QuantizedModule> {
  const options = job.options.get(module)!;
  const matrix = await readGrouped(job.checkpoint, `${module}.weight`, options);
  const groups = solveHqq(matrix, options);
  const stored = halvesOf(groups);
  try {
    const { error, squares } = relativeError(matrix, groups, { bits: options.bits, stored });
    refuseUnusable(job, module, { error, squares });
    const codes = () => packedBytes(matrix, groups, options);
    const tensors = packedTensors(module, { ...options, shape: matrix.shape, ...stored, codes });
    const weighty = tensors.filter(({ name }) => /\.(W_q|scale|zero)$/.test(name));
    const quality: LayerQuality = {
      bits: options.bits,
      group_size: options.groupSize,
      weights: matrix.shape[0] * matrix.shape[1],
      bytes: weighty.reduce((sum, tensor) => sum + byteLength(tensor), 0),
      relative_error: error,
    };
    const metadata = { teacher: job.fingerprint, quality: JSON.stringify(quality) };
    await writeSafetensors(fileOf(job, module), tensors, { metadata });
    return { file: await openSafetensors(fileOf(job, module)), quality };
  } finally {
    disposeGrouped(matrix);
    tf.dispose([groups.inverseScale, groups.zero, stored.scale, stored.zero]);
  }
}

/** Removes the files of layers: some, or all that there are. */
export async function removeModules(job: Pick<ModuleJob, 'out'>, modules?: readonly string[]): Promise<void> {
  const paths = modules?.map((module) => fileOf(job, module)) ?? [join(job.out, FOLDER)];
  for (const path of paths) await rm(path, { recursive: true, force: true });
}

const FOLDER = 'unfinished';

function fileOf({ out }: Pick<ModuleJob, 'out'>, module: string): string {
  return join(out, FOLDER, `${module}.safetensors`);
}

/** An open file, or undefined when it is not there or damaged. */
export async function openIntact(path: string): Promise<SafetensorsFile | undefined> {
  try {
    return await openSafetensors(path);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Scales and zero points as hqq stores them. */
function halvesOf({ inverseScale, zero }: HqqGroups): StoredGroups {
  return tf.tidy(() => ({
    scale: cast(tf.div(1, inverseScale), 'float16'),
    zero: cast(zero, 'float16'),
  }));
}

function refuseUnusable(
  { checkpoint }: ModuleJob,
  module: string,
  { error, squares }: { error: number; squares: number },
): void {
  if (Number.isFinite(error)) return;
  const where = { file: checkpoint.folder, field: `${module}.weight` };
  if (!Number.isFinite(squares)) throw new UserError({ ...where, problem: 'holds NaN or infinite values' });
  throw new UserError({
    ...where,
    problem: 'a group of nearly equal, large values has a zero point beyond float16',
    remedy: 'name this layer under skip, or give it another group_size',
  });
}

function* packedBytes(matrix: GroupedMatrix, groups: HqqGroups, { bits }: HqqOptions) {
  for (const block of treeBlocks(matrix, groups, bits)) {
    yield bytesOf(block);
    block.dispose();
  }
}
