// Packed sequences through a tiny decoder against each sequence through the plain one: with and without a cached
// beginning, with fused kernels and composed ops; and rows continued token by token against the whole sequences.
import t from 'tap';
import { withoutFusedKernels } from '../../pipeline/engine/fusedKernels.ts';
import { cast, gatherRows } from '../../pipeline/engine/layoutOps.ts';
import { int32 } from '../../pipeline/engine/rawOp.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { batchShape, hiddenStates, type Decoder } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import {
  disposeTokenCache,
  extendTokenCache,
  NO_TOKENS,
  treeStates,
} from '../../pipeline/model/treeDecoder.ts';
import { compareSequences, tokenTree } from '../../pipeline/model/tokenTree.ts';
import { capacityOf, disposeRowCache, joinRows, prefill, step } from '../../pipeline/model/rowCache.ts';
import { makeTinyModel } from '../tinyModel.ts';

const TOLERANCE = { float32: 2e-6, bfloat16: 2 ** -6 }; // relative to the largest value; a bfloat16's digits are 2^-8 apart

/** Three questions with their choices after a common beginning, longer than a block of queries. */
const SEQUENCES = [0, 1, 2]
  .flatMap((question) =>
    [0, 1, 2, 3].map((choice) =>
      Int32Array.from([
        ...tokens(300, 5),
        ...tokens(40 + 9 * question, question),
        ...tokens(3 + 2 * choice, choice),
      ]),
    ),
  )
  .sort(compareSequences);

function tokens(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => 3 + ((i * i * 7 + i * 13 + seed * 31) % 200));
}

const WAYS: [string, <R>(f: () => R) => R][] = [
  ['fused kernels', (f) => f()],
  ['composed ops', withoutFusedKernels],
];

for (const dtype of ['float32', 'bfloat16'] as const)
  for (const [way, run] of WAYS) {
    t.test(`a tree, ${dtype}, ${way}`, async (t) => {
      const decoder = await tinyDecoder(t.testdir(), dtype);
      const before = tf.memory().numTensors;
      const plain = SEQUENCES.map((sequence) => plainStates(decoder, sequence));
      for (const cached of [0, 200, 300]) {
        const difference = run(() => treeDifference(decoder, plain, cached));
        t.ok(difference < TOLERANCE[dtype], `${cached} cached tokens: ${difference}`);
      }
      t.equal(tf.memory().numTensors, before, 'no tensor is left');
      disposeDecoder(decoder);
    });

    t.test(`rows continued, ${dtype}, ${way}`, async (t) => {
      const decoder = await tinyDecoder(t.testdir(), dtype);
      const before = tf.memory().numTensors;
      const difference = run(() => continuedDifference(decoder));
      t.ok(difference < TOLERANCE[dtype], `${difference}`);
      t.equal(tf.memory().numTensors, before, 'no tensor is left');
      disposeDecoder(decoder);
    });
  }

async function tinyDecoder(folder: string, dtype: 'float32' | 'bfloat16'): Promise<Decoder> {
  await makeTinyModel(folder, { modelType: 'qwen2', layers: 3 });
  return loadDecoder(folder, { dtype });
}

/** [T, D] of one sequence alone. */
function plainStates(decoder: Decoder, ids: Int32Array): Float32Array {
  const shape = { B: 1, T: ids.length };
  return tidyValue(() => values(hiddenStates(decoder, ids, batchShape(decoder, shape))));
}

/** The largest difference of the states after the first `cached` tokens. */
function treeDifference(decoder: Decoder, plain: Float32Array[], cached: number): number {
  const beginning = tokenTree([SEQUENCES[0]!.subarray(0, cached)]);
  const cache = cached > 0 ? extendTokenCache(decoder, beginning) : NO_TOKENS;
  const tree = tokenTree(SEQUENCES, { start: cached });
  const D = decoder.config.hiddenSize;
  const differences = tidyValue(() => {
    const states = treeStates(decoder, tree, { cached: cache });
    return tree.places.map((places, s) =>
      relativeDifference(values(gatherRows(states, int32(places))), plain[s]!.subarray(cached * D)),
    );
  });
  disposeTokenCache(cache);
  return Math.max(...differences);
}

/** Prompts of unequal length, continued, thinned out, joined by another one and continued again. */
function continuedDifference(decoder: Decoder): number {
  const known = [40, 320, 335, 330].map((length, s) => ({
    ids: SEQUENCES[s]!.subarray(0, length + 6),
    read: length,
  }));
  const D = decoder.config.hiddenSize;
  const differences: number[] = [];
  const check = (states: Tensor, rows: typeof known) => {
    const found = values(states);
    rows.forEach(({ ids, read }, b) => {
      const expected = plainStates(decoder, ids.subarray(0, read)).subarray((read - 1) * D);
      differences.push(relativeDifference(found.subarray(b * D, (b + 1) * D), expected));
    });
    states.dispose();
  };
  const begin = (rows: typeof known) => {
    const { cache, states } = prefill(
      decoder,
      rows.map(({ ids, read }) => ids.subarray(0, read)),
    );
    check(states, rows);
    return cache;
  };
  const advance = (rows: typeof known, cache: ReturnType<typeof begin>) => {
    const next = rows.map((row) => row.ids[row.read++]!);
    check(step(decoder, next, cache), rows);
  };
  const first = known.slice(0, 3);
  const sorted = [...first].sort((a, b) =>
    compareSequences(a.ids.subarray(0, a.read), b.ids.subarray(0, b.read)),
  );
  let cache = joinRows([{ cache: begin(sorted), rows: [0, 1, 2] }], 2);
  advance(sorted, cache);
  advance(sorted, cache);
  const later = [sorted[2]!, sorted[0]!, known[3]!];
  cache = joinRows(
    [
      { cache, rows: [2, 0] },
      { cache: begin([known[3]!]), rows: [0] },
    ],
    3,
  );
  const room = capacityOf(cache) - Math.max(...cache.lengths);
  for (let i = 0; i < room; i++) advance(later, cache);
  disposeRowCache(cache);
  return Math.max(...differences);
}

function values(states: Tensor): Float32Array {
  return tidyValue(() => cast(states, 'float32').dataSync() as Float32Array);
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  const largest = (values: Float32Array) =>
    values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest(a.map((value, i) => value - b[i]!)) / largest(b);
}
