// Held-out samples token by token: the first of each source, the teacher's tokens from the cache, and the file read back.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  readSampleTokens,
  sampleTokens,
  shownSamples,
  writeSampleTokens,
} from '../../pipeline/eval/heldOutTokens.ts';
import type { LogitsReader } from '../../pipeline/logits/logitsCache.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';

const sample = (id: string, source: string, length = 5): Sample => ({
  ...{ id, source, split: 'held_out' },
  tokenIds: Int32Array.from({ length }, (_, i) => 10 + i),
  lossMask: Uint8Array.from({ length }, (_, i) => Number(i >= 2)),
});

/** At each of three positions two tokens or one, the most probable first. */
const cache: Pick<LogitsReader, 'read'> = {
  read: () =>
    Promise.resolve({
      ...{ counts: Uint16Array.of(2, 1, 2), ids: Int32Array.of(12, 90, 91, 14, 92) },
      ...{ logProbs: new Float32Array(5), logSumExp: new Float32Array(3) },
      ...{ logSumExpAtTemperature: new Float32Array(3), logTailMass: new Float32Array(3) },
    }),
};
const tokenizer = { decode: (ids: ArrayLike<number>) => Promise.resolve(`<${Array.from(ids).join()}>`) };

t.test('the first sample of each source, six at most', (t) => {
  const sources = ['a', 'b', 'a', 'c', 'b', 'd', 'e', 'f', 'g'];
  const samples = sources.map((source, i) => sample(`${i}`, source));
  t.same(
    shownSamples(samples).map(({ id }) => id),
    ['0', '1', '3', '5', '6', '7'],
  );
  t.end();
});

t.test('each position, and the file', async (t) => {
  const scores = [{ kl: Float32Array.of(0.25, NaN, 3), best: Int32Array.of(12, 13, 14) }];
  const options = { cache: cache as LogitsReader, tokenizer };
  const found = await sampleTokens([sample('s', 'a')], scores, options);
  t.strictSame(found, [
    {
      ...{ id: 's', source: 'a', prompt: '<10,11>', positions: 3 },
      tokens: [
        { text: '<12>', teacher: '<12>', model: '<12>', kl: 0.25 },
        { text: '<13>', teacher: '<91>', model: '<13>', kl: null },
        { text: '<14>', teacher: '<14>', model: '<14>', kl: 3 },
      ],
    },
  ]);
  const folder = t.testdir();
  t.strictSame(await readSampleTokens(folder), [], 'no file');
  await writeSampleTokens(folder, found);
  t.strictSame(await readSampleTokens(folder), found);
  for (const [content, message] of [
    ['{"id":"s"}\n', /tokens_held_out\.jsonl: .*; run "make eval" again$/],
    ['{"id', /tokens_held_out\.jsonl: .*JSON.*; run "make eval" again$/],
  ] as const) {
    await writeFile(join(folder, 'tokens_held_out.jsonl'), content);
    await t.rejects(readSampleTokens(folder), { message });
  }
});
