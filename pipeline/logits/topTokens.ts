// The teacher's most probable tokens and how much probability lies outside them, from the hidden states of some rows.
// Logits of a block of rows are made, used and dropped: [N, V] never exists, and only what is kept reaches JavaScript.
// Top-k is exact in two stages. A block of columns that holds one of the k largest logits has one of the k largest
// maxima, so the k best blocks are searched and no others; with these in ascending order, ties fall to the lowest id
// as in TopKV2. The probability outside is summed over the tokens outside: 1 minus the others would lose its digits.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, gatherRows, reshape, slice } from '../engine/layoutOps.ts';
import { linear, type Weight } from '../engine/linear.ts';
import { download, dtypeOf, int32, rawOp, rawOps } from '../engine/rawOp.ts';
import { gatherPerRow, scatterAddPerRow, topKPerRow } from '../engine/rowOps.ts';
import { softmax } from '../engine/softmax.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { tidyValue } from '../engine/tidyValue.ts';

/** Columns of a block: of 16 to 256, the fastest on a CPU from V = 49,152 to 152,064. */
const BLOCK_WIDTH = 32;

/** What is known of n consecutive rows. */
export type TopTokens = {
  n: number;
  K: number;
  ids: Int32Array; // [n, K], most probable first
  logits: Float32Array; // [n, K]
  /** One for each temperature asked for, in that order. */
  atTemperature: {
    firstProbability: Float32Array; // [n], of the most probable token
    outside: Float32Array; // [n], probability of all tokens but the K
  }[];
};

interface TopTokensOptions {
  /** Tokens of each row; all of them where the vocabulary has no more. */
  k: number;
  /** Tokens there are; rows of the head beyond them are padding and never seen. */
  vocabularySize: number;
  temperatures?: readonly number[];
}

/**
 * Goes through `rows` of the hidden states a block at a time.
 * @param hidden [N, D]
 * @param rows of `hidden`, [n] int32
 * @param blockRows rows whose logits are in memory at a time
 */
export function* topTokens(
  hidden: Tensor,
  rows: Int32Array,
  head: Weight,
  { blockRows = 128, ...options }: TopTokensOptions & { blockRows?: number },
): Generator<TopTokens> {
  for (let start = 0; start < rows.length; start += blockRows) {
    const chosen = rows.slice(start, start + blockRows);
    yield tidyValue(() => topOfLogits(linear(gatherRows(hidden, int32(chosen)), { weight: head }), options));
  }
}

/** @param logits [n, R] with R >= V, in any precision; a NaN in a row makes its probabilities NaN. */
export function topOfLogits(
  logits: Tensor,
  { k, vocabularySize: V, temperatures = [1] }: TopTokensOptions,
): TopTokens {
  return tidyValue(() => {
    const n = logits.shape[0];
    const K = Math.min(k, V);
    if (hasFusedKernels()) return fusedTop(logits, { K, V, temperatures });
    const z = cast(wholeBlocks(logits, V), 'float32');
    const found = topInBlocks(z, K);
    const atTemperature = temperatures.map((T) => probabilities(T === 1 ? z : z.div(T), found));
    return {
      ...{ n, K },
      ids: download(found.ids) as Int32Array,
      logits: download(found.values) as Float32Array,
      atTemperature,
    };
  });
}

function fusedTop(
  logits: Tensor,
  { K, V, temperatures }: { K: number; V: number; temperatures: readonly number[] },
): TopTokens {
  const n = logits.shape[0];
  const attributes = { T: dtypeOf(logits), k: { int: K }, vocabulary: { int: V } };
  const inputs = [logits, tf.tensor1d([...temperatures])];
  const [values, ids, first, outside] = rawOps('RedistillTopTokens', inputs, attributes, 4).map(download);
  const row = (all: Int32Array | Float32Array | undefined, t: number) =>
    (all as Float32Array).subarray(t * n, (t + 1) * n);
  return {
    ...{ n, K },
    ids: ids as Int32Array,
    logits: values as Float32Array,
    atTemperature: temperatures.map((_, t) => ({
      firstProbability: row(first, t),
      outside: row(outside, t),
    })),
  };
}

/** Cuts the padding of the head off, then fills the last block of columns with tokens that cannot be. */
function wholeBlocks(logits: Tensor, V: number): Tensor {
  const [n, R] = logits.shape as [number, number];
  const real = R === V ? logits : slice(logits, [0, 0], [n, V]);
  const missing = -V & (BLOCK_WIDTH - 1);
  if (missing === 0) return real;
  const T = dtypeOf(real);
  const paddings = reshape(int32([0, 0, 0, missing]), [2, 2]);
  return rawOp('PadV2', [real, paddings, cast(tf.scalar(-Infinity), T)], { T, Tpaddings: 'int32' });
}

/** The K best tokens of each row, and where among the candidates they were found. */
interface Found {
  values: Tensor; // [n, K]
  ids: Tensor; // [n, K]
  blocks: Tensor; // [n, C] blocks searched, ascending
  places: Tensor; // [n, K] in the C blocks, laid end to end
}

function topInBlocks(z: Tensor, K: number): Found {
  const maxima = tf.max(inBlocks(z), 2);
  const C = Math.min(K, maxima.shape[1]!);
  const blocks = ascending(topKPerRow(maxima, C).ids);
  const { values, ids: places } = topKPerRow(gatherBlocks(z, blocks), K);
  const columns = tf.mod(places, int32(BLOCK_WIDTH));
  const ids = gatherPerRow(blocks, tf.floorDiv(places, int32(BLOCK_WIDTH)))
    .mul<Tensor>(int32(BLOCK_WIDTH))
    .add<Tensor>(columns);
  return { values, ids, blocks, places };
}

/**
 * The most probable token and the rest, of the softmax of `z`: the tokens found are set to 0 and the others summed.
 * Over 10^5 tokens the softmax adds up to 1 within some 10^-6 only; dividing by the sum of the blocks mends that.
 */
function probabilities(z: Tensor, { blocks, places }: Found): TopTokens['atTemperature'][number] {
  return tidyValue(() => {
    const p = softmax(z);
    const searched = gatherBlocks(p, blocks);
    const blockSums = tf.sum(inBlocks(p), 2);
    const total = blockSums.sum(1, true);
    const outside = withoutEntries(searched, places)
      .sum(1, true)
      .add(withoutEntries(blockSums, blocks).sum(1, true));
    const first = gatherPerRow(searched, slice(places, [0, 0], [-1, 1]));
    return {
      firstProbability: download(first.div(total)) as Float32Array,
      outside: download(outside.div(total)) as Float32Array,
    };
  });
}

/** The matrix with entries of each row set to 0 (x - x is exact). */
function withoutEntries(matrix: Tensor, ids: Tensor): Tensor {
  return scatterAddPerRow(matrix, ids, gatherPerRow(matrix, ids).neg());
}

function inBlocks(z: Tensor): Tensor {
  return reshape(z, [z.shape[0], -1, BLOCK_WIDTH]);
}

/** Blocks of each row, end to end: [n, V] by [n, C] to [n, C BLOCK_WIDTH]. */
function gatherBlocks(z: Tensor, blocks: Tensor): Tensor {
  return reshape(gatherPerRow(inBlocks(z), blocks), [z.shape[0], -1]);
}

function ascending(ids: Tensor): Tensor {
  return topKPerRow(ids.neg(), ids.shape[1]!).values.neg();
}
