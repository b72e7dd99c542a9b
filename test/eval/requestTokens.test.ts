// Requests as token ids against lm-evaluation-harness 0.4.13's own code (test/golden/eval/makeRequestTokens.py).
import { join } from 'node:path';
import t from 'tap';
import { generationTokens, likelihoodTokens } from '../../pipeline/eval/answers/requestTokens.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { readJson } from '../readJson.ts';

interface Requests {
  likelihoods: { context: string; continuation: string; ids: number[]; targets: number }[];
  generations: { context: string; ids: number[] }[];
}

const { maxLength, maxNewTokens, ...goldens } = readJson('test/golden/eval/requestTokens.json') as {
  maxLength: number;
  maxNewTokens: number;
  'tiny-chatml': Requests;
  'tiny-r1': Requests;
};

for (const [name, { likelihoods, generations }] of Object.entries(goldens)) {
  t.test(`${name}: contexts and continuations`, async (t) => {
    const tokenizer = await loadTokenizer(join('test/golden/mix', name));
    const requests = likelihoods.map((request) => ({ kind: 'loglikelihood', ...request }) as const);
    const tokens = await likelihoodTokens(tokenizer, requests, { maxLength });
    const whole = await likelihoodTokens(tokenizer, requests, { maxLength: 1000 });
    tokens.forEach(({ ids, targets, truncated }, i) => {
      const { ids: expected, context, continuation } = likelihoods[i]!;
      const what = JSON.stringify(context + '|' + continuation);
      t.strictSame({ ids: [...ids], targets }, { ids: expected, targets: likelihoods[i]!.targets }, what);
      t.equal(truncated, whole[i]!.ids.length - ids.length, `${what}: what was cut`);
    });
    t.ok(tokens.some(({ truncated }) => truncated > 0));
  });

  t.test(`${name}: contexts to go on from`, async (t) => {
    const tokenizer = await loadTokenizer(join('test/golden/mix', name));
    const requests = generations.map(
      ({ context }) => ({ kind: 'generate_until', context, until: ['\n'], maxNewTokens }) as const,
    );
    const tokens = await generationTokens(tokenizer, requests, { maxLength });
    t.strictSame(
      tokens.map(({ ids }) => [...ids]),
      generations.map(({ ids }) => ids),
    );
    t.equal(tokens.at(-1)!.ids.length, maxLength - maxNewTokens);
    t.ok(tokens.at(-1)!.truncated > 0);
    const tooLong = generationTokens(tokenizer, requests, { maxLength: maxNewTokens });
    await t.rejects(tooLong, { message: /max_gen_toks.*8.*holds 8 tokens/ });
  });
}

t.test('an empty context that no BOS begins is the BOS token', async (t) => {
  const tokenizer = await loadTokenizer('test/golden/mix/tiny-chatml');
  const request = { kind: 'generate_until', context: '', until: [], maxNewTokens } as const;
  const [tokens] = await generationTokens(tokenizer, [request], { maxLength });
  t.strictSame([...tokens!.ids], [tokenizer.vocabulary.get('<|im_start|>')]);
});
