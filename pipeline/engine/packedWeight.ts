// HQQ-packed weights: codes of 8, 4, 3, 2 or 1 bits, a scale and a zero point for each group, w = (code - zero) * scale.
// Layout and packing are those of the Python package hqq 0.2.8, so its files are read and written as they are:
// the matrix [out, in], read in row-major order, becomes [groups, groupSize] (axis 1: a group is a row) or
// [groupSize, groups] (axis 0: a column); its rows are then cut into equal parts whose codes share one integer,
// the first part in the highest bits. Unpacking is one shift and one mask of a block of rows, all parts alike.
// A product never sees all of a large matrix in bfloat16: tiles of output rows are dequantized, multiplied, dropped.
import { hasFusedKernels } from './fusedKernels.ts';
import { cast, concat, reshape, slice } from './layoutOps.ts';
import { matMul } from './matMul.ts';
import { dtypeOf, int32, rawOp, type DType } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

export type Bits = 8 | 4 | 3 | 2 | 1;

/** A frozen matrix [out, in] in packed form. */
export interface PackedWeight {
  kind: 'packed';
  bits: Bits;
  groupSize: number;
  axis: 0 | 1;
  shape: [outputs: number, inputs: number];
  /** Rows of the grouped matrix, `parts` to an integer: uint8, for 3 bits int32. */
  packed: Tensor;
  /** One a group, float32 or float16: [groups, 1] (axis 1) or [1, groups] (axis 0); `zero` likewise. */
  scale: Tensor;
  zero: Tensor;
}

/** Rows from `begin` to before `end`. */
export interface RowRange {
  begin: number;
  end: number;
}

/** How many codes share an integer of which type, and the package's name for that. */
export const PACKINGS = {
  8: { parts: 1, container: 'uint8', name: '8bit_u8' },
  4: { parts: 2, container: 'uint8', name: '4bit_u8' },
  3: { parts: 10, container: 'int32', name: '3bit_32' },
  2: { parts: 4, container: 'uint8', name: '2bit_u8' },
  1: { parts: 8, container: 'uint8', name: '1bit_u8' },
} as const satisfies Record<Bits, { parts: number; container: DType; name: string }>;

/** Weights dequantized at a time: 32 MB in bfloat16, so that products are wide and their joints few. */
const TILE_WEIGHTS = 1 << 24;

/** Packs uint8 codes [rows, width]; where the last part falls short (3 bits only) zeros fill it up. */
export function packCodes(codes: Tensor, bits: Bits): Tensor {
  const { parts, container } = PACKINGS[bits];
  const [rows, width] = codes.shape as [number, number];
  const height = Math.ceil(rows / parts);
  return tf.tidy(() => {
    const missing = cast(tf.zeros([height * parts - rows, width]), 'uint8');
    const whole = concat([codes, missing], 0);
    const placed = Array.from({ length: parts }, (_, part) => {
      const block = slice(whole, [part * height, 0], [height, width]);
      return bitwise('LeftShift', cast(block, container), shiftOf(bits, part));
    });
    return placed.reduce((packed, part) => rawOp('BitwiseOr', [packed, part], { T: container }));
  });
}

/** The rows of the matrix in full: [end - begin, in], computed in float32. */
export function dequantizeRows(
  weight: PackedWeight,
  { begin, end }: RowRange,
  dtype: 'float32' | 'bfloat16',
): Tensor {
  if (hasFusedKernels()) return fusedRows(weight, { begin, end }, dtype);
  const columns = weight.shape[1];
  const width = weight.packed.shape[1]!;
  const groupedRows = {
    begin: Math.floor((begin * columns) / width),
    end: Math.ceil((end * columns) / width),
  };
  return tf.tidy(() => {
    const codes = cast(codeRows(weight, groupedRows), 'float32');
    const values = codes
      .sub(groupParameter(weight.zero, weight.axis, groupedRows))
      .mul(groupParameter(weight.scale, weight.axis, groupedRows));
    const flat = reshape(cast(values, dtype), [-1]);
    const surplus = begin * columns - groupedRows.begin * width; // where rows and groups do not end together
    return reshape(slice(flat, [surplus], [(end - begin) * columns]), [end - begin, columns]);
  });
}

/**
 * x Wᵀ in bfloat16, a tile of W at a time; the products of several matrices side by side.
 * @param x [N, in], float32 or bfloat16
 * @returns [N, Σ out], bfloat16
 */
export function packedMatMul(x: Tensor, ...weights: PackedWeight[]): Tensor {
  return tf.tidy(() => {
    const input = cast(x, 'bfloat16');
    const products = sharedTiles(weights).map((tile) =>
      tf.tidy(() => {
        const parts = tile.map(({ weight, rows }) => dequantizeRows(weight, rows, 'bfloat16'));
        return matMul(input, concat(parts, 0), { transposeB: true });
      }),
    );
    return concat(products, 1);
  });
}

/** The tiles of all matrices; one for all together where they are small, as one wide product is faster. */
function sharedTiles(weights: PackedWeight[]): { weight: PackedWeight; rows: RowRange }[][] {
  const parts = weights.flatMap((weight) => tilesOf(weight).map((rows) => ({ weight, rows })));
  const size = weights.reduce((sum, { shape: [out, columns] }) => sum + out * columns, 0);
  return size <= TILE_WEIGHTS ? [parts] : parts.map((part) => [part]);
}

/** Frees the tensors of a weight. */
export function disposePacked({ packed, scale, zero }: PackedWeight): void {
  tf.dispose([packed, scale, zero]);
}

/** The whole matrix in ranges of rows that are dequantized together, cut where grouped rows end if they can be. */
export function tilesOf({ shape: [out, columns], axis, groupSize }: PackedWeight): RowRange[] {
  const unit = axis === 0 && out % groupSize === 0 ? out / groupSize : 1; // output rows in a grouped row
  const rows = Math.max(1, Math.floor(TILE_WEIGHTS / columns / unit)) * unit;
  return Array.from({ length: Math.ceil(out / rows) }, (_, i) => ({
    begin: i * rows,
    end: Math.min(out, (i + 1) * rows),
  }));
}

function fusedRows(
  { bits, axis, shape, packed, scale, zero }: PackedWeight,
  { begin, end }: RowRange,
  dtype: DType,
): Tensor {
  const attributes = {
    ...{ T: dtype, Code: dtypeOf(packed), P: dtypeOf(scale) },
    ...{ bits: { int: bits }, parts: { int: PACKINGS[bits].parts } },
    ...{ axis: { int: axis }, columns: { int: shape[1] } },
  };
  const range = int32([begin, end]);
  const rows = rawOp('RedistillDequantize', [packed, scale, zero, range], attributes);
  range.dispose();
  return rows;
}

/** Codes of some rows of the grouped matrix, in the packed integer type. */
function codeRows({ packed, bits }: PackedWeight, { begin, end }: RowRange): Tensor {
  const [height, width] = packed.shape as [number, number];
  const pieces: Tensor[] = [];
  for (let part = Math.floor(begin / height); part * height < end; part++) {
    const first = Math.max(begin - part * height, 0);
    const last = Math.min(end - part * height, height);
    const block = slice(packed, [first, 0], [last - first, width]);
    const shifted = bitwise('RightShift', block, shiftOf(bits, part));
    pieces.push(part === 0 ? shifted : bitwise('BitwiseAnd', shifted, 2 ** bits - 1));
  }
  return pieces.length === 1 ? pieces[0]! : concat(pieces, 0);
}

/** How far to the left the codes of a part lie. */
function shiftOf(bits: Bits, part: number): number {
  return (PACKINGS[bits].parts - 1 - part) * bits;
}

function bitwise(op: 'LeftShift' | 'RightShift' | 'BitwiseAnd', codes: Tensor, operand: number): Tensor {
  if (op !== 'BitwiseAnd' && operand === 0) return codes;
  const type = dtypeOf(codes);
  return rawOp(op, [codes, cast(int32(operand), type)], { T: type });
}

function groupParameter(parameter: Tensor, axis: 0 | 1, { begin, end }: RowRange): Tensor {
  return cast(axis === 1 ? slice(parameter, [begin, 0], [end - begin, 1]) : parameter, 'float32');
}
