// A matrix as HQQ groups it: read in row-major order, it becomes [groups, groupSize] (axis 1: a group is a row) or
// [groupSize, groups] (axis 0: a group is a column). It is held in its own dtype, in pieces as they come from a
// checkpoint, and given out in blocks of float32: so it never exists twice, and what is computed on it stays small
// however large it is. Held it must be, as the solver goes over it until the error of the whole falls no more.
import { cast, concat, reshape, slice } from '../engine/layoutOps.ts';
import { PACKINGS, type Bits, type RowRange } from '../engine/packedWeight.ts';
import type { DType } from '../engine/rawOp.ts';
import { tensorFromBytes } from '../engine/tensorBytes.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { UserError } from '../config/userError.ts';
import type { Checkpoint } from '../model/checkpoint.ts';

/** How a matrix is cut into groups. */
export interface Grouping {
  /** Weights that share a scale and a zero point. */
  groupSize: number;
  /** 1: groups lie along the rows of the matrix; 0: across them. */
  axis: 0 | 1;
}

/** A matrix [outputs, inputs] in groups; free it with `disposeGrouped`. */
export interface GroupedMatrix extends Grouping {
  shape: [outputs: number, inputs: number];
  /** Of the grouped matrix. */
  rows: number;
  width: number;
  /** Its rows in order, [rowsPerPiece, width] each; the last may have fewer. */
  pieces: Tensor[];
  rowsPerPiece: number;
}

/** Weights computed on at a time: a few float32 temporaries of this size stay in the processor's cache. */
const BLOCK_WEIGHTS = 1 << 20;
const PIECE_WEIGHTS = 1 << 22;

const DTYPES: Record<string, DType> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** A matrix in memory, of any float dtype; it is shared, not copied. */
export function groupTensor(weight: Tensor, grouping: Grouping): GroupedMatrix {
  const shape = weight.shape as [number, number];
  const { rows, width } = groupedSize(shape, grouping);
  return { shape, ...grouping, rows, width, pieces: [reshape(weight, [rows, width])], rowsPerPiece: rows };
}

/**
 * A matrix of a checkpoint, read piece by piece.
 * @throws UserError naming it when it holds no floats.
 */
export async function readGrouped(
  checkpoint: Checkpoint,
  name: string,
  grouping: Grouping,
): Promise<GroupedMatrix> {
  const info = checkpoint.info(name);
  const dtype = DTYPES[info.dtype];
  if (!dtype) {
    const problem = 'cannot be quantized; expected F32, F16 or BF16';
    throw new UserError({ file: checkpoint.folder, field: name, value: info.dtype, problem });
  }
  const shape = info.shape as [number, number];
  const { rows, width } = groupedSize(shape, grouping);
  const rowsPerPiece = Math.max(1, Math.floor(PIECE_WEIGHTS / width));
  const pieces: Tensor[] = [];
  for (const { begin, end } of rangesOf(rows, rowsPerPiece)) {
    const bytes = await checkpoint.readRange(name, { begin: begin * width, end: end * width });
    pieces.push(tensorFromBytes(bytes, [end - begin, width], dtype));
  }
  return { shape, ...grouping, rows, width, pieces, rowsPerPiece };
}

/** Frees the tensors of a matrix. */
export function disposeGrouped({ pieces }: GroupedMatrix): void {
  tf.dispose(pieces);
}

/**
 * Why a matrix of this shape cannot be quantized so, or undefined. hqq's own limit of multiples of 8 stands in its
 * `BaseQuantizeConfig` alone: what it packs, loads and computes with only needs whole groups, and rows that fill the
 * integers they are packed in; but for 3 bits, which it fills up with zeros and cuts again.
 */
export function groupingProblem(
  shape: readonly [number, number],
  { bits, ...grouping }: Grouping & { bits: Bits },
): string | undefined {
  const [outputs, inputs] = shape;
  const weights = outputs * inputs;
  if (weights % grouping.groupSize !== 0)
    return `does not divide the ${weights} weights of [${outputs}, ${inputs}]`;
  const { rows } = groupedSize(shape, grouping);
  const { parts } = PACKINGS[bits];
  if (bits !== 3 && rows % parts !== 0)
    return (
      `groups [${outputs}, ${inputs}] along axis ${grouping.axis} into ${rows} rows, ` +
      `and ${bits}-bit codes are packed ${parts} rows to a byte`
    );
  return undefined;
}

/** All groups in ranges of at most `BLOCK_WEIGHTS`. */
export function groupRanges({ rows, width, axis, groupSize }: GroupedMatrix): RowRange[] {
  return rangesOf(axis === 1 ? rows : width, Math.max(1, Math.floor(BLOCK_WEIGHTS / groupSize)));
}

/** Some groups: [n, groupSize] (axis 1) or [groupSize, n] (axis 0). */
export function groupsOf(matrix: GroupedMatrix, groups: RowRange, dtype: DType = 'float32'): Tensor {
  const whole = { rows: { begin: 0, end: matrix.rows }, columns: { begin: 0, end: matrix.width } };
  return blockOf(matrix, { ...whole, [matrix.axis === 1 ? 'rows' : 'columns']: groups }, dtype);
}

/** A rectangle of the grouped matrix. */
export interface Block {
  rows: RowRange;
  columns: RowRange;
}

/** The weights of a rectangle. */
export function blockOf(
  { pieces, rowsPerPiece }: GroupedMatrix,
  { rows, columns }: Block,
  dtype: DType = 'float32',
): Tensor {
  return tf.tidy(() => {
    const found: Tensor[] = [];
    for (let i = Math.floor(rows.begin / rowsPerPiece); i * rowsPerPiece < rows.end; i++) {
      const first = Math.max(rows.begin - i * rowsPerPiece, 0);
      const last = Math.min(rows.end - i * rowsPerPiece, rowsPerPiece);
      found.push(slice(pieces[i]!, [first, columns.begin], [last - first, columns.end - columns.begin]));
    }
    return cast(concat(found, 0), dtype);
  });
}

/**
 * The first `height` rows in rectangles whose cells follow one another in row-major order, cut so that `parts` of each
 * are at most `BLOCK_WEIGHTS`.
 */
export function orderedBlocks(
  { width }: GroupedMatrix,
  { height, parts }: { height: number; parts: number },
): Block[] {
  const columnsAtOnce = Math.min(width, Math.floor(BLOCK_WEIGHTS / parts));
  const rowsAtOnce = Math.max(1, Math.floor(BLOCK_WEIGHTS / parts / columnsAtOnce));
  return rangesOf(height, columnsAtOnce < width ? 1 : rowsAtOnce).flatMap((rows) =>
    rangesOf(width, columnsAtOnce).map((columns) => ({ rows, columns })),
  );
}

function groupedSize([outputs, inputs]: readonly [number, number], { groupSize, axis }: Grouping) {
  const groups = (outputs * inputs) / groupSize;
  return axis === 1 ? { rows: groups, width: groupSize } : { rows: groupSize, width: groups };
}

function rangesOf(total: number, step: number): RowRange[] {
  return Array.from({ length: Math.ceil(total / step) }, (_, i) => ({
    begin: i * step,
    end: Math.min(total, (i + 1) * step),
  }));
}
