// Random-sampling sketches of the teacher's distributions (arXiv 2503.16870): N tokens drawn at each position, with
// replacement. They are drawn from p itself, so the importance weights p / q are all 1 and a token's weight is how often
// it was drawn, over N: on average p, and every loss that is linear in p has the right gradient on average.
// The j-th draw is uniform in the j-th N-th of the distribution function instead of all of it: the average stays what
// it is, and a token of probability p is drawn N p times, give or take one.
// Only sums of blocks and the blocks that are hit are read back, not the vocabulary; sums are then taken in float64.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { fingerprint } from '../artifact/fingerprint.ts';
import { cast, gatherRows, reshape, slice } from '../engine/layoutOps.ts';
import { linear, type Weight } from '../engine/linear.ts';
import { download, int32 } from '../engine/rawOp.ts';
import { softmax } from '../engine/softmax.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { tidyValue } from '../engine/tidyValue.ts';
import { lossPositions } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import type { SampleLogits } from './shardColumns.ts';

/** Columns of a block: a few hundred sums a row, and not much read back for each block that is hit. */
const BLOCK_WIDTH = 256;

/** What was drawn at one position. */
export interface DrawnTokens {
  /** The most probable token, drawn or not, then the others by number of draws. */
  ids: Int32Array; // [k]
  draws: Uint16Array; // [k]
  logSumExp: number;
  /** Of the whole distribution, in nats. */
  entropy: number;
}

interface DrawOptions {
  /** Tokens there are; rows of the head beyond them are padding and never drawn. */
  vocabularySize: number;
  /** Where in the distribution function a row's tokens are drawn: ascending, in [0, 1). Asked for row by row. */
  places: (row: number) => Float64Array;
}

/**
 * Goes through `rows` of the hidden states a block at a time.
 * @param hidden [N, D]
 * @param rows of `hidden`, [n] int32; `places` goes by their index
 * @returns of each row what was drawn, or undefined when one of its logits is NaN or infinite
 */
export function* sampledTokens(
  hidden: Tensor,
  rows: Int32Array,
  head: Weight,
  { blockRows = 128, vocabularySize, places }: DrawOptions & { blockRows?: number },
): Generator<(DrawnTokens | undefined)[]> {
  for (let start = 0; start < rows.length; start += blockRows) {
    const chosen = rows.slice(start, start + blockRows);
    const options = { vocabularySize, places: (row: number) => places(start + row) };
    yield tidyValue(() => drawTokens(linear(gatherRows(hidden, int32(chosen)), { weight: head }), options));
  }
}

/** @param logits [n, R] with R >= V, in any precision */
export function drawTokens(
  logits: Tensor,
  { vocabularySize, places }: DrawOptions,
): (DrawnTokens | undefined)[] {
  return tidyValue(() => {
    const z = slice(cast(logits, 'float32'), [0, 0], [-1, vocabularySize]);
    const p = softmax(z);
    const blocks = inBlocks(p);
    const rows = describeRows(z, p, blocks.sum(2));
    const hits = rows.map(({ total, sums }, i) => (Number.isFinite(total) ? hitsOf(sums, places(i)) : []));
    const contents = contentsOf(blocks, hits);
    let next = 0;
    return rows.map((row, i) => {
      const drawn = hits[i]!.flatMap((block) =>
        hitsOf(contents[next++]!, block.places).map(({ index, places }) => ({
          id: block.index * BLOCK_WIDTH + index,
          times: places.length,
        })),
      );
      return drawn.length > 0 ? drawnTokens(row, drawn) : undefined;
    });
  });
}

interface Row {
  /** The most probable token, its logit and its probability before these are made to add up to 1. */
  first: number;
  max: number;
  pMax: number;
  /** Σ p z */
  mean: number;
  /** Σ p, over the blocks and in all. */
  sums: Float32Array;
  total: number;
}

function describeRows(z: Tensor, p: Tensor, sums: Tensor): Row[] {
  const floats = (tensor: Tensor) => download(tensor) as Float32Array;
  const [first, max, pMax] = [download(z.argMax(1)), floats(z.max(1)), floats(p.max(1))];
  const [mean, allSums, C] = [floats(p.mul(z).sum(1)), floats(sums), sums.shape[1]!];
  return Array.from(first, (id, i) => {
    const own = allSums.subarray(i * C, (i + 1) * C);
    const total = own.reduce((sum, one) => sum + one, 0);
    return { first: id, max: max[i]!, pMax: pMax[i]!, mean: mean[i]!, sums: own, total };
  });
}

/** What is in the blocks that were hit, row after row. */
function contentsOf(blocks: Tensor, hits: readonly Hit[][]): Float32Array[] {
  const C = blocks.shape[1]!;
  const wanted = hits.flatMap((ofRow, row) => ofRow.map(({ index }) => row * C + index));
  const read = download(gatherRows(reshape(blocks, [-1, BLOCK_WIDTH]), int32(wanted))) as Float32Array;
  return wanted.map((_, i) => read.subarray(i * BLOCK_WIDTH, (i + 1) * BLOCK_WIDTH));
}

function drawnTokens(
  { first, max, pMax, mean, total }: Row,
  drawn: readonly { id: number; times: number }[],
): DrawnTokens {
  const isFirst = ({ id }: { id: number }) => Number(id === first);
  const listed = drawn.some(isFirst) ? [...drawn] : [...drawn, { id: first, times: 0 }];
  listed.sort((a, b) => isFirst(b) - isFirst(a) || b.times - a.times || a.id - b.id);
  const logSumExp = max - Math.log(pMax / total);
  return {
    ids: Int32Array.from(listed, ({ id }) => id),
    draws: Uint16Array.from(listed, ({ times }) => times),
    logSumExp,
    entropy: logSumExp - mean / total,
  };
}

/** [n, V] as [n, C, BLOCK_WIDTH], the last block filled up with zeros. */
function inBlocks(p: Tensor): Tensor {
  const [n, V] = p.shape as [number, number];
  const missing = (BLOCK_WIDTH - (V % BLOCK_WIDTH)) % BLOCK_WIDTH;
  const padded = tf.pad(p, [
    [0, 0],
    [0, missing],
  ]);
  return reshape(padded, [n, -1, BLOCK_WIDTH]);
}

/** A weight that places fall on, and where on it they fall, from 0 to 1. */
interface Hit {
  index: number;
  places: number[];
}

/** Lays the weights end to end, scaled to length 1, and finds which ones the ascending `places` fall on. */
function hitsOf(weights: ArrayLike<number>, places: ArrayLike<number>): Hit[] {
  let [last, total] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    total += weights[i]!;
    if (weights[i]! > 0) last = i;
  }
  const hits: Hit[] = [];
  let [i, before] = [0, 0];
  for (let j = 0; j < places.length; j++) {
    const target = places[j]! * total;
    while (i < last && before + weights[i]! <= target) before += weights[i++]!;
    if (hits.at(-1)?.index !== i) hits.push({ index: i, places: [] });
    hits.at(-1)!.places.push((target - before) / weights[i]!);
  }
  return hits;
}

/** Places for the rows of a batch, asked for in their order; a sample's depend on nothing but its id and the seed. */
export function placesOfRows(
  batch: readonly Sample[],
  draws: number,
  seed?: number,
): (row: number) => Float64Array {
  const streams = batch.flatMap((sample) => {
    const digits = seed === undefined ? sample.id : fingerprint([sample.id, seed]);
    const state = digits.match(/.{8}/g)!.map((digits) => parseInt(digits, 16) | 0);
    return new Array<RandomGenerator>(lossPositions([sample])).fill(xoroshiro128plusFromState(state));
  });
  return (row) => stratifiedPlaces(streams[row]!, draws);
}

/** One at random in each N-th of [0, 1). */
export function stratifiedPlaces(stream: RandomGenerator, draws: number): Float64Array {
  return Float64Array.from({ length: draws }, (_, j) => (j + uniformFloat64(stream)) / draws);
}

/** Puts the positions of a sample together, in order. */
export function joinDraws(id: string, positions: readonly DrawnTokens[], draws: number): SampleLogits {
  const logSumExp = Float32Array.from(positions, (drawn) => drawn.logSumExp);
  return {
    id,
    counts: Uint16Array.from(positions, ({ ids }) => ids.length),
    ids: Int32Array.from(positions.flatMap(({ ids }) => [...ids])),
    logProbs: Float32Array.from(
      positions.flatMap((drawn) => [...drawn.draws]),
      (times) => Math.log(times / draws),
    ),
    atTemperature: [{ logSumExp, logTailMass: new Float32Array(positions.length).fill(-Infinity) }],
    entropy: Float32Array.from(positions, ({ entropy }) => entropy),
  };
}
