// Likelihoods by shared beginnings against log-softmax over the plain decoder's logits of each whole sequence: with
// batches of every size, requests that are beginnings of others or the same, and a quantized model.
import t, { type Test } from 'tap';
import type { LikelihoodTokens } from '../../pipeline/eval/answers/requestTokens.ts';
import { scoreLikelihoods, type ScoredRequest } from '../../pipeline/eval/answers/scoreLikelihoods.ts';
import { cast } from '../../pipeline/engine/layoutOps.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { quantizeHqq } from '../../pipeline/teacher/quantizeHqq.ts';
import type { Decoder } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { argmax, logSumExp, sequenceLogits } from '../real/decoderLogits.ts';
import { makeTinyModel } from '../tinyModel.ts';

const tokens = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => 3 + ((i * i * 7 + i * 13 + seed * 31) % 200));
const request = (context: number[], continuation: number[], truncated = 0): LikelihoodTokens => ({
  ids: Int32Array.from([...context, ...continuation]),
  targets: continuation.length,
  truncated,
});

const SHOTS = tokens(50, 1);
const REQUESTS: LikelihoodTokens[] = [
  ...[2, 3, 4].flatMap((question) => {
    const context = [...SHOTS, ...tokens(10 + question, question)];
    return [[7], [8], [9, 10], [9, 11, 12], tokens(30, question)].map((choice) => request(context, choice));
  }),
  request(SHOTS, [20, 21], 5), // what it asks for lies within what others begin with
  request(SHOTS.slice(0, 40), [SHOTS[40]!, SHOTS[41]!]),
  request([1], [5, 6, 7]),
  request([1], [5, 6, 7]),
  request(tokens(300, 9), tokens(4, 9)), // longer than most batches below
];

t.test('whatever the batches', async (t) => {
  const folder = t.testdir();
  await makeTinyModel(folder, { modelType: 'qwen2' });
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const greedy = argmax(sequenceLogits(decoder, SHOTS).at(-1)!);
  const requests = [...REQUESTS, request(SHOTS, [greedy])];
  const before = tf.memory().numTensors;
  const expected = requests.map((one) => plainly(decoder, one));
  t.ok(expected.some(({ isGreedy }) => isGreedy) && expected.some(({ isGreedy }) => !isGreedy));
  for (const batchTokens of [1, 40, 90, 200, 4096])
    for (const headBlock of [1, 7, 512]) {
      const scored = await allOf(scoreLikelihoods(decoder, requests, { batchTokens, headBlock }));
      t.equal(scored.length, requests.length);
      const found = scored.sort((a, b) => a.index - b.index).map(({ likelihood }) => likelihood);
      const differences = found.map(({ logLikelihood }, i) =>
        Math.abs(logLikelihood - expected[i]!.logLikelihood),
      );
      t.ok(
        Math.max(...differences) < 1e-4,
        `${batchTokens} tokens, ${headBlock} rows: ${Math.max(...differences)}`,
      );
      t.strictSame(
        found.map(({ isGreedy, truncated }) => ({ isGreedy, truncated })),
        expected.map(({ isGreedy, truncated }) => ({ isGreedy, truncated })),
      );
    }
  t.equal(tf.memory().numTensors, before, 'no tensor is left');
  disposeDecoder(decoder);
});

t.test('nothing is left of a run that is broken off', async (t) => {
  const folder = t.testdir();
  await makeTinyModel(folder);
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const before = tf.memory().numTensors;
  for await (const scored of scoreLikelihoods(decoder, REQUESTS, { batchTokens: 40 }))
    if (scored.length > 0) break;
  t.equal(tf.memory().numTensors, before);
  t.strictSame(await allOf(scoreLikelihoods(decoder, [])), []);
  disposeDecoder(decoder);
});

t.test('a bfloat16 and a quantized model', async (t) => {
  const folder = t.testdir();
  await makeTinyModel(folder, { dtype: 'BF16' });
  const decoder = await loadDecoder(folder, { dtype: 'bfloat16' });
  await compare(t, decoder, 'bfloat16');
  quantizeLayers(decoder);
  await compare(t, decoder, 'quantized');
  disposeDecoder(decoder);
});

/** To bfloat16's digits: logits around 4 are 2^-6 apart. */
async function compare(t: Test, decoder: Decoder, what: string): Promise<void> {
  for (const { index, likelihood } of await allOf(scoreLikelihoods(decoder, REQUESTS, { batchTokens: 90 }))) {
    const { targets } = REQUESTS[index]!;
    const expected = plainly(decoder, REQUESTS[index]!);
    const difference = Math.abs(likelihood.logLikelihood - expected.logLikelihood) / targets;
    t.ok(difference < 2 ** -5, `${what}, request ${index}: ${difference} a token`);
  }
}

function quantizeLayers(decoder: Decoder): void {
  for (const layer of decoder.layers)
    for (const role of ['query', 'key', 'value', 'output', 'gate', 'up', 'down'] as const) {
      const { weight } = layer[role];
      if (weight.kind !== 'dense') continue;
      const full = cast(weight.values, 'float32');
      layer[role].weight = quantizeHqq(full, { bits: 4, groupSize: 32, axis: 1, optimize: false });
      tf.dispose([full, weight.values]);
    }
}

function plainly(decoder: Decoder, { ids, targets, truncated }: LikelihoodTokens) {
  const logits = sequenceLogits(decoder, ids.subarray(0, -1)).slice(-targets);
  const asked = [...ids.subarray(-targets)];
  const logProbs = logits.map((row, i) => row[asked[i]!]! - logSumExp(row));
  return {
    logLikelihood: logProbs.reduce((sum, value) => sum + value, 0),
    isGreedy: logits.every((row, i) => argmax(row) === asked[i]),
    truncated,
  };
}

async function allOf(batches: AsyncIterable<ScoredRequest[]>): Promise<ScoredRequest[]> {
  const all: ScoredRequest[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}
