// HQQ, half-quadratic quantization (Badri and Shaji, https://mobiusml.github.io/hqq_blog/), as in hqq 0.2.8.
// w = (code - zero) * scale by groups; the scale comes from each group's range, and the zero point is refined
// to minimize a sparsity-promoting norm (p = 0.7) of the error, by alternating a shrinkage of the error with a mean.
// No data is needed. All of it in float32, with the operations in the package's order, so that the codes are equal:
// all of them where the fused kernel takes the step, but one in 100,000 or so in composed ops, which sum in another order.
// What is kept between passes is a scale and a zero point a group; codes are computed from them whenever needed.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, concat, reshape, slice } from '../engine/layoutOps.ts';
import { packCodes, PACKINGS, type Bits, type PackedWeight, type RowRange } from '../engine/packedWeight.ts';
import { dtypeOf, rawOps, type Attributes } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import {
  blockOf,
  groupRanges,
  groupsOf,
  groupTensor,
  orderedBlocks,
  type GroupedMatrix,
  type Grouping,
} from './groupedMatrix.ts';

/** How a matrix is quantized. */
export interface HqqOptions extends Grouping {
  bits: Bits;
  /** Refine the zero points; otherwise round to nearest. */
  optimize: boolean;
}

/** What was found for each group, [groups, 1] (axis 1) or [1, groups] (axis 0), in float32. */
export interface HqqGroups {
  /** Codes per unit of weight: the package works with the inverse of the scale. */
  inverseScale: Tensor;
  zero: Tensor;
}

/** Scale and zero point as they are stored and computed with, of any float dtype and the shape of `HqqGroups`. */
export type StoredGroups = Pick<PackedWeight, 'scale' | 'zero'>;

/** The package's settings. Its `kappa` is left out: version 0.2.8 reads it and never applies it. */
const SOLVER = { norm: 0.7, beta: 10, iterations: 20 };
/** Where |x| = |x|^(p-1) / beta, and a little less: smaller errors are shrunk to zero, whatever the rounding. */
const ALWAYS_SHRUNK = 0.99 * SOLVER.beta ** (-1 / (2 - SOLVER.norm));
const MIN_RANGE = 1e-4; // a group no wider than this gets the scale 1
const MAX_INVERSE_SCALE = 2e4;

/**
 * Quantizes a matrix that is in memory.
 * @param weight [out, in], of any float dtype; left as it is. It must have no `groupingProblem`.
 * @returns codes packed, scale and zero in float32; free them with `disposePacked`.
 */
export function quantizeHqq(weight: Tensor, options: HqqOptions): PackedWeight {
  const { bits, groupSize, axis } = options;
  const tensors = tf.tidy(() => {
    const matrix = groupTensor(weight, { groupSize, axis });
    const groups = solveHqq(matrix, options);
    const flat = [...treeBlocks(matrix, groups, bits)].map((block) => reshape(block, [-1]));
    const packed = reshape(concat(flat, 0), [-1, matrix.width]);
    return { packed, scale: tf.div(1, groups.inverseScale), zero: groups.zero };
  });
  return { kind: 'packed', bits, groupSize, axis, shape: weight.shape as [number, number], ...tensors };
}

/** Finds scale and zero point of every group; free both. */
export function solveHqq(matrix: GroupedMatrix, { bits, optimize }: HqqOptions): HqqGroups {
  return tf.tidy(() => {
    const parts = groupRanges(matrix).map((range) => firstGuess(matrix, range, bits));
    if (optimize) refineZeros(matrix, parts, bits);
    const join = (valuesOf: (part: Part) => Tensor) => concat(parts.map(valuesOf), 1 - matrix.axis);
    return { inverseScale: join(({ inverseScale }) => inverseScale), zero: join(({ zero }) => zero) };
  });
}

/**
 * The packed codes, a block at a time in the order of their bytes (see packedWeight.ts for the layout): uint8, for 3 bits
 * int32; free each.
 */
export function* treeBlocks(matrix: GroupedMatrix, groups: HqqGroups, bits: Bits): Generator<Tensor> {
  const { parts } = PACKINGS[bits];
  const height = Math.ceil(matrix.rows / parts);
  for (const { rows, columns } of orderedBlocks(matrix, { height, parts }))
    yield tf.tidy(() => {
      const codes = Array.from({ length: parts }, (_, part) => ({
        begin: Math.min(rows.begin + part * height, matrix.rows),
        end: Math.min(rows.end + part * height, matrix.rows), // 3 bits: the last parts may fall short
      }))
        .filter(({ begin, end }) => begin < end)
        .map((rows) => {
          const own = matrix.axis === 1 ? rows : columns;
          const [inverseScale, zero] = [groups.inverseScale, groups.zero].map((all) => groupRange(all, own));
          const scaled = tf.mul(blockOf(matrix, { rows, columns }), inverseScale!);
          return cast(codesOf(scaled, zero!, bits), 'uint8');
        });
      return packCodes(concat(codes, 0), bits);
    });
}

/**
 * The Frobenius norm of the error over that of the matrix: what quantization costs.
 * @param stored counts with its rounding
 * @returns also the sum of all squares, which is not finite if the matrix isn't
 */
export function relativeError(
  matrix: GroupedMatrix,
  groups: HqqGroups,
  { bits, stored }: { bits: Bits; stored: StoredGroups },
): { error: number; squares: number } {
  const total = { error: 0, squares: 0 };
  for (const range of groupRanges(matrix)) {
    const [error, squares] = tf.tidy(() => {
      const [inverseScale, first, scale, zero] = [
        ...[groups.inverseScale, groups.zero, stored.scale, stored.zero],
      ].map((all) => cast(groupRange(all, range), 'float32')) as [Tensor, Tensor, Tensor, Tensor];
      const exact = groupsOf(matrix, range);
      const codes = codesOf(tf.mul(exact, inverseScale), first, bits);
      const difference = tf.sub(exact, tf.mul(tf.sub(codes, zero), scale));
      return [difference, exact].map((values) => tf.sum(tf.square(values)).dataSync()[0]!);
    });
    total.error += error!;
    total.squares += squares!;
  }
  return { error: total.error === 0 ? 0 : Math.sqrt(total.error / total.squares), squares: total.squares };
}

/** What is being found for some of the groups. */
interface Part extends HqqGroups {
  range: RowRange;
}

/** Scale and zero point that map a group's range onto the codes; with 4 bits the zero point starts whole. */
function firstGuess(matrix: GroupedMatrix, range: RowRange, bits: Bits): Part {
  const { axis } = matrix;
  const groups = tf.tidy(() => {
    const values = groupsOf(matrix, range);
    const least = tf.min(values, axis, true);
    const spread = tf.sub(tf.max(values, axis, true), least);
    const fitted = tf.mul(tf.div(1, spread), highestCode(bits)); // rounded twice, as PyTorch's number / tensor is
    const usable = tf.where(tf.lessEqual(spread, MIN_RANGE), tf.onesLike(spread), fitted);
    const inverseScale = tf.minimum(usable, MAX_INVERSE_SCALE);
    const zero = tf.mul(tf.neg(least), inverseScale);
    return { inverseScale, zero: bits === 4 ? tf.round(zero) : zero };
  });
  return { range, ...groups };
}

/** Refines until the mean error of the whole matrix falls no more; the step that shows it still counts, as there. */
function refineZeros(matrix: GroupedMatrix, parts: Part[], bits: Bits): void {
  const groups = parts.at(-1)!.range.end;
  const step = hasFusedKernels() ? fusedStep : composedStep;
  let best = Infinity;
  for (let i = 0; i < SOLVER.iterations; i++) {
    let error = 0;
    for (const part of parts) {
      const { meanError, zero } = step(matrix, part, bits);
      error += meanError * ((part.range.end - part.range.begin) / groups);
      part.zero.dispose();
      part.zero = zero;
    }
    if (Math.fround(error) >= best) return;
    best = Math.fround(error);
  }
}

interface Step {
  meanError: number;
  zero: Tensor;
}

/** The mean absolute error of the groups as they stand, and their next zero points. */
function composedStep(matrix: GroupedMatrix, { range, inverseScale, zero }: Part, bits: Bits): Step {
  return tf.tidy(() => {
    const weights = groupsOf(matrix, range);
    const scaled = tf.mul(weights, inverseScale);
    const codes = codesOf(scaled, zero, bits);
    const difference = tf.sub(weights, tf.div(tf.sub(codes, zero), inverseScale));
    const sizes = tf.abs(difference);
    const [meanError, largest] = [tf.mean(sizes), tf.max(sizes)].map((value) => value.dataSync()[0]!);
    // In ordinary models no error is as large as what shrinking takes away: all this is then the weights themselves.
    const target =
      largest! < ALWAYS_SHRUNK ? scaled : tf.mul(tf.sub(weights, shrink(difference, sizes)), inverseScale);
    return { meanError: meanError!, zero: tf.mean(tf.sub(codes, target), matrix.axis, true) };
  });
}

/** `composedStep` in one pass over the weights, with sums over a group in PyTorch's order (native/hqqStep.cc). */
function fusedStep(matrix: GroupedMatrix, { range, inverseScale, zero }: Part, bits: Bits): Step {
  const T = dtypeOf(matrix.pieces[0]!) === 'bfloat16' ? 'bfloat16' : 'float32';
  const attributes: Attributes = {
    ...{ T, axis: { int: matrix.axis }, highest: { int: highestCode(bits) } },
    ...{
      norm: { float: SOLVER.norm },
      beta: { float: SOLVER.beta },
      always_shrunk: { float: ALWAYS_SHRUNK },
    },
  };
  return tf.tidy(() => {
    const inputs = [groupsOf(matrix, range, T), inverseScale, zero];
    const [next, error] = rawOps('RedistillHqqStep', inputs, attributes, 2);
    return { meanError: error!.dataSync()[0]!, zero: next! };
  });
}

/** The proximal operator of the p-norm, approximately: sign(x) max(|x| - |x|^(p-1) / beta, 0). */
function shrink(x: Tensor, sizes: Tensor): Tensor {
  const power = tf.exp(tf.mul(tf.log(sizes), SOLVER.norm - 1)); // five times as fast as tf.pow, and gives the same codes
  return tf.mul(tf.relu(tf.sub(sizes, tf.mul(power, 1 / SOLVER.beta))), tf.sign(x));
}

/** Whole numbers 0 ... 2^bits - 1 in float32, of weights times inverse scale; halves round to even. */
function codesOf(scaled: Tensor, zero: Tensor, bits: Bits): Tensor {
  return tf.tidy(() => tf.clipByValue(tf.round(tf.add(scaled, zero)), 0, highestCode(bits)));
}

function highestCode(bits: Bits): number {
  return 2 ** bits - 1;
}

/** The values of some groups, of all groups' [groups, 1] or [1, groups]. */
function groupRange(values: Tensor, { begin, end }: RowRange): Tensor {
  return values.shape[1] === 1
    ? slice(values, [begin, 0], [end - begin, 1])
    : slice(values, [0, begin], [1, end - begin]);
}
