// HQQ, half-quadratic quantization (Badri and Shaji, https://mobiusml.github.io/hqq_blog/), as in hqq 0.2.8.
// w = (code - zero) * scale by groups; the scale comes from each group's range, and the zero point is refined
// to minimize a sparsity-promoting norm (p = 0.7) of the error, by alternating a shrinkage of the error with a mean.
// No data is needed. All of it in float32, with the operations in the package's order, so that the codes are equal.
// A matrix is worked through in blocks of groups: temporaries stay small however large it is.
import { cast, concat, reshape, slice } from '../engine/layoutOps.ts';
import {
  dequantizeRows,
  packCodes,
  PACKINGS,
  tilesOf,
  type Bits,
  type PackedWeight,
} from '../engine/packedWeight.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';

/** How a matrix is quantized. */
export interface HqqOptions {
  bits: Bits;
  /** Weights that share a scale and a zero point. */
  groupSize: number;
  /** 1: groups lie along the rows of the matrix; 0: across them. */
  axis: 0 | 1;
  /** Refine the zero points; otherwise round to nearest. */
  optimize: boolean;
}

/** The package's settings. Its `kappa` is left out: version 0.2.8 reads it and never applies it. */
const SOLVER = { norm: 0.7, beta: 10, iterations: 20 };
const MIN_RANGE = 1e-4; // a group no wider than this gets the scale 1
const MAX_INVERSE_SCALE = 2e4;
const BLOCK_WEIGHTS = 1 << 20;

/** Groups being quantized: weights [groups, groupSize] (axis 1) or [groupSize, groups]; the rest one value a group. */
interface Block {
  weights: Tensor;
  /** Codes per unit of weight: the package works with the inverse of the scale. */
  inverseScale: Tensor;
  zero: Tensor;
}

/**
 * Quantizes a matrix.
 * @param weight [out, in], of any float dtype; left as it is. It must have no `groupingProblem`.
 * @returns codes packed, scale and zero in float32; free them with `disposePacked`.
 */
export function quantizeHqq(weight: Tensor, { bits, groupSize, axis, optimize }: HqqOptions): PackedWeight {
  const tensors = tf.tidy(() => {
    const blocks = blocksOf(weight, { groupSize, axis }).map((weights) =>
      firstGuess(weights, { bits, axis }),
    );
    if (optimize) refineZeros(blocks, { bits, axis });
    const join = (valuesOf: (block: Block) => Tensor) => concat(blocks.map(valuesOf), 1 - axis);
    const codes = (block: Block) => tf.tidy(() => cast(codesOf(block, bits), 'uint8'));
    return {
      packed: packCodes(join(codes), bits),
      scale: join(({ inverseScale }) => tf.div(1, inverseScale)),
      zero: join(({ zero }) => zero),
    };
  });
  return { kind: 'packed', bits, groupSize, axis, shape: weight.shape as [number, number], ...tensors };
}

/** Why a matrix of this shape cannot be quantized so, or undefined. */
export function groupingProblem(
  [outputs, inputs]: readonly [number, number],
  { bits, groupSize, axis }: Omit<HqqOptions, 'optimize'>,
): string | undefined {
  const weights = outputs * inputs;
  if (weights % groupSize !== 0) return `does not divide the ${weights} weights of [${outputs}, ${inputs}]`;
  const rows = axis === 1 ? weights / groupSize : groupSize;
  const { parts } = PACKINGS[bits];
  if (bits !== 3 && rows % parts !== 0)
    return `gives [${outputs}, ${inputs}] ${rows} rows to pack, and ${bits}-bit codes are packed ${parts} by ${parts}`;
  return undefined;
}

/** The Frobenius norm of the error over that of the matrix: what quantization costs; not finite if the matrix isn't. */
export function relativeError(weight: Tensor, packed: PackedWeight): number {
  let error = 0;
  let total = 0;
  for (const { begin, end } of tilesOf(packed)) {
    const sums = tf.tidy(() => {
      const exact = cast(slice(weight, [begin, 0], [end - begin, -1]), 'float32');
      const difference = tf.sub(exact, dequantizeRows(packed, { begin, end }, 'float32'));
      return [difference, exact].map((values) => tf.sum(tf.square(values)).dataSync()[0]!);
    });
    error += sums[0]!;
    total += sums[1]!;
  }
  return error === 0 ? 0 : Math.sqrt(error / total);
}

/** The matrix in blocks of whole groups. */
function blocksOf(weight: Tensor, { groupSize, axis }: Pick<HqqOptions, 'groupSize' | 'axis'>): Tensor[] {
  const groups = weight.size / groupSize;
  const perBlock = Math.max(1, Math.floor(BLOCK_WEIGHTS / groupSize));
  const grouped = reshape(weight, axis === 1 ? [groups, groupSize] : [groupSize, groups]);
  return Array.from({ length: Math.ceil(groups / perBlock) }, (_, i) => {
    const count = Math.min(perBlock, groups - i * perBlock);
    return axis === 1
      ? slice(grouped, [i * perBlock, 0], [count, groupSize])
      : slice(grouped, [0, i * perBlock], [groupSize, count]);
  });
}

interface Coding {
  bits: Bits;
  axis: 0 | 1;
}

/** Scale and zero point that map a group's range onto the codes; with 4 bits the zero point starts whole. */
function firstGuess(weights: Tensor, { bits, axis }: Coding): Block {
  const { inverseScale, zero } = tf.tidy(() => {
    const values = cast(weights, 'float32');
    const least = tf.min(values, axis, true);
    const range = tf.sub(tf.max(values, axis, true), least);
    const fitted = tf.mul(tf.div(1, range), highestCode(bits)); // rounded twice, as PyTorch's number / tensor is
    const usable = tf.where(tf.lessEqual(range, MIN_RANGE), tf.onesLike(range), fitted);
    const inverseScale = tf.minimum(usable, MAX_INVERSE_SCALE);
    const zero = tf.mul(tf.neg(least), inverseScale);
    return { inverseScale, zero: bits === 4 ? tf.round(zero) : zero };
  });
  return { weights, inverseScale, zero };
}

/** Refines until the mean error of the whole matrix falls no more; the step that shows it still counts, as there. */
function refineZeros(blocks: Block[], coding: Coding): void {
  const total = blocks.reduce((sum, { weights }) => sum + weights.size, 0);
  let best = Infinity;
  for (let i = 0; i < SOLVER.iterations; i++) {
    let error = 0;
    for (const block of blocks) {
      const { meanError, zero } = solverStep(block, coding);
      error += (meanError * block.weights.size) / total;
      block.zero.dispose();
      block.zero = zero;
    }
    if (Math.fround(error) >= best) return;
    best = Math.fround(error);
  }
}

/** The mean absolute error of the block as it stands, and its next zero points. */
function solverStep(block: Block, { bits, axis }: Coding): { meanError: number; zero: Tensor } {
  const { error, zero } = tf.tidy(() => {
    const weights = cast(block.weights, 'float32');
    const codes = codesOf(block, bits);
    const difference = tf.sub(weights, tf.div(tf.sub(codes, block.zero), block.inverseScale));
    const target = tf.mul(tf.sub(weights, shrink(difference)), block.inverseScale);
    return { error: tf.mean(tf.abs(difference)), zero: tf.mean(tf.sub(codes, target), axis, true) };
  });
  const meanError = error.dataSync()[0]!;
  error.dispose();
  return { meanError, zero };
}

/** The proximal operator of the p-norm, approximately: sign(x) max(|x| - |x|^(p-1) / beta, 0). */
function shrink(x: Tensor): Tensor {
  const size = tf.abs(x);
  const power = tf.exp(tf.mul(tf.log(size), SOLVER.norm - 1)); // five times as fast as tf.pow, and gives the same codes
  return tf.mul(tf.relu(tf.sub(size, tf.mul(power, 1 / SOLVER.beta))), tf.sign(x));
}

/** Whole numbers 0 ... 2^bits - 1 in float32; halves round to even. */
function codesOf({ weights, inverseScale, zero }: Block, bits: Bits): Tensor {
  return tf.tidy(() => {
    const exact = tf.add(tf.mul(cast(weights, 'float32'), inverseScale), zero);
    return tf.clipByValue(tf.round(exact), 0, highestCode(bits));
  });
}

function highestCode(bits: Bits): number {
  return 2 ** bits - 1;
}
