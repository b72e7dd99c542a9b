// Greedy answers of many requests at once against one full forward pass a token, and how an answer ends.
import t from 'tap';
import { generateGreedily, type GeneratedAnswer } from '../../pipeline/eval/answers/generateGreedily.ts';
import type { GenerationTokens } from '../../pipeline/eval/answers/requestTokens.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { loadTokenizer, type ChatTokenizer } from '../../pipeline/mix/tokenizer.ts';
import type { Decoder } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { greedy, sequenceLogits } from '../real/decoderLogits.ts';
import { makeTinyModel, type TinyModelOptions, TINY_SPECIAL_TOKENS } from '../tinyModel.ts';

const END = TINY_SPECIAL_TOKENS['<|im_end|>'];

/** A model whose answers vary: the tokens of the byte alphabet, never special ones or fillers. */
async function tinyModel(
  folder: string,
  options: TinyModelOptions = {},
): Promise<{ decoder: Decoder; tokenizer: ChatTokenizer }> {
  await makeTinyModel(folder, { vocabSize: 259, tied: false, seed: 3, ...options });
  return { decoder: await loadDecoder(folder, { dtype: 'float32' }), tokenizer: await loadTokenizer(folder) };
}

const prompt = (length: number, seed: number) =>
  Int32Array.from({ length }, (_, i) => 3 + ((i * i * 7 + i * 13 + seed * 31) % 200));
const request = (ids: Int32Array, options: Partial<GenerationTokens> = {}): GenerationTokens => ({
  ...{ ids, until: [], maxNewTokens: 20, truncated: 0 },
  ...options,
});

t.test('as one forward pass a token', async (t) => {
  const { decoder, tokenizer } = await tinyModel(t.testdir());
  const requests = [3, 90, 17, 41, 17, 8, 64].map((length, seed) =>
    request(prompt(length, seed), { maxNewTokens: [1, 5, 90, 30][seed % 4]!, truncated: seed }),
  );
  const before = tf.memory().numTensors;
  const expected = await Promise.all(
    requests.map(async ({ ids, maxNewTokens: count, truncated }) => {
      const tokens = greedy(decoder, [...ids], { count, stopAt: decoder.config.eosTokenIds });
      return { text: await tokenizer.decode(tokens, { skipSpecialTokens: true }), truncated };
    }),
  );
  t.equal(new Set(expected.map(({ text }) => text)).size, expected.length, 'answers differ');
  for (const options of [{ rows: 1 }, { rows: 3 }, { rows: 3, batchTokens: 60 }, { rows: 16 }])
    t.strictSame(
      await allOf(generateGreedily(decoder, tokenizer, requests, options)),
      expected,
      JSON.stringify(options),
    );
  t.equal(tf.memory().numTensors, before, 'no tensor is left');
  disposeDecoder(decoder);
});

t.test('answers end before stop texts, and come when they end', async (t) => {
  const { decoder, tokenizer } = await tinyModel(t.testdir());
  const ids = prompt(30, 1);
  const tokens = greedy(decoder, [...ids], { count: 60 });
  const whole = await tokenizer.decode(tokens, { skipSpecialTokens: true });
  const stop = whole.slice(9, 11); // bytes that are no UTF-8 decode to one character each here
  t.not(whole.indexOf(stop), -1);
  const requests = [
    request(ids, { maxNewTokens: 60 }),
    request(ids, { maxNewTokens: 60, until: ['not in it', stop] }),
    request(ids, { maxNewTokens: 60, until: [whole.slice(3, 4), stop] }),
  ];
  const before = tf.memory().numTensors;
  const batches: GeneratedAnswer[][] = [];
  for await (const batch of generateGreedily(decoder, tokenizer, requests)) batches.push(batch);
  const answers = batches.flat().sort((a, b) => a.index - b.index);
  t.strictSame(
    answers.map(({ generation }) => generation.text),
    [whole, whole.split(stop)[0], whole.split(whole.slice(3, 4))[0]!.split(stop)[0]],
  );
  t.strictSame(
    batches.at(-1)!.map(({ index }) => index),
    [0],
    'the longest answer comes last and alone',
  );
  for await (const batch of generateGreedily(decoder, tokenizer, requests)) if (batch.length > 0) break;
  t.equal(tf.memory().numTensors, before, 'nothing is left of a run that is broken off');
  disposeDecoder(decoder);
});

t.test('an end token ends an answer and is not part of it', async (t) => {
  const { decoder, tokenizer } = await tinyModel(t.testdir());
  const ids = prompt(30, 1);
  const tokens = greedy(decoder, [...ids], { count: 10 });
  const ending = { ...decoder, config: { ...decoder.config, eosTokenIds: [END, tokens[4]!] } };
  const [found] = await allOf(generateGreedily(ending, tokenizer, [request(ids)]));
  const first = tokens.indexOf(tokens[4]!);
  t.equal(found!.text, await tokenizer.decode(tokens.slice(0, first + 1), { skipSpecialTokens: true }));
  disposeDecoder(decoder);
});

for (const [signs, options] of Object.entries({ both: {}, negative: { edit: lowerLogits } }))
  t.test(`the repetition penalty is that of transformers, logits of ${signs} signs`, async (t) => {
    const { decoder, tokenizer } = await tinyModel(t.testdir(), options);
    const prompts = [prompt(30, 1), prompt(12, 2)];
    for (const repetitionPenalty of [1.7, 1]) {
      const count = { count: 20, repetitionPenalty };
      const expected = prompts.map((ids) => tokenizer.decode(penalizedGreedy(decoder, [...ids], count)));
      const requests = prompts.map((ids) => request(ids));
      const found = await allOf(generateGreedily(decoder, tokenizer, requests, { repetitionPenalty }));
      t.strictSame(
        found.map(({ text }) => text),
        await Promise.all(expected),
        `${repetitionPenalty}`,
      );
    }
    disposeDecoder(decoder);
  });

/** One dimension of the states is made large, and heads take it off every logit. */
function lowerLogits(name: string, values: Float32Array): void {
  const value = { 'model.embed_tokens.weight': 20, 'lm_head.weight': -1 }[name];
  if (value !== undefined) for (let i = 0; i < values.length; i += 64) values[i] = value;
}

function penalizedGreedy(
  decoder: Decoder,
  ids: number[],
  { count, repetitionPenalty: p }: { count: number; repetitionPenalty: number },
): number[] {
  const all = [...ids];
  while (all.length < ids.length + count) {
    const logits = sequenceLogits(decoder, all).at(-1)!;
    const scores = [...logits].map((x, id) => (all.includes(id) ? (x < 0 ? x * p : x / p) : x));
    all.push(scores.indexOf(Math.max(...scores)));
  }
  return all.slice(ids.length);
}

async function allOf(batches: AsyncIterable<GeneratedAnswer[]>) {
  const all: GeneratedAnswer[] = [];
  for await (const batch of batches) all.push(...batch);
  return all.sort((a, b) => a.index - b.index).map(({ generation }) => generation);
}
