// The answers to the items of a task, and that an evaluation that ends early at any batch gives the very same ones when
// it goes on, without asking again for what it has.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { answerItems, type Answer, type Respondent } from '../../pipeline/eval/answers/answerItems.ts';
import { openAnswerLog } from '../../pipeline/eval/answers/answerLog.ts';
import type { EvalItem } from '../../pipeline/eval/prompts/evalItem.ts';
import { likelihoodTokens } from '../../pipeline/eval/answers/requestTokens.ts';
import { scoreLikelihoods } from '../../pipeline/eval/answers/scoreLikelihoods.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { makeTinyModel } from '../tinyModel.ts';

const WORDS = ['one', 'two', 'three', 'four', 'five'];
const CHOICES = ['zebra', 'ant', 'mule and mare', 'mule'];

const CHOOSING = WORDS.map((word, docId): EvalItem => {
  const context = `Shots that all have. Question ${word}:`;
  const requests = CHOICES.map((choice) => ({
    ...{ kind: 'loglikelihood' as const, context, continuation: ` ${choice}` },
  }));
  return { docId, doc: {}, target: '0', gold: 0, requests };
});

const WRITING = Array.from({ length: 70 }, (_, docId): EvalItem => {
  const context = `Go on from ${WORDS[docId % 5]} ${'and on '.repeat(docId % 7)}`;
  return {
    ...{ docId, doc: {}, target: '' },
    requests: [{ kind: 'generate_until', context, until: ['.'], maxNewTokens: 2 + (docId % 3) }],
  };
});

async function scene(
  t: Test,
  dtype: 'float32' | 'bfloat16' = 'bfloat16',
  model: Parameters<typeof makeTinyModel>[1] = {},
) {
  const folder = t.testdir();
  await makeTinyModel(folder, model);
  const decoder = await loadDecoder(folder, { dtype });
  t.teardown(() => disposeDecoder(decoder));
  const tokenizer = await loadTokenizer(folder);
  const generating = { rows: 8, batchTokens: 60 };
  const respondent: Respondent = { decoder, tokenizer, batchTokens: 60, headBlock: 16, generating };
  let asked = 0;
  const answer = async (name: string, items: EvalItem[], stopAfter = Infinity) => {
    const log = await openAnswerLog<Answer>(join(folder, name), 'plan');
    const onProgress = () => {
      asked++;
      if (--stopAfter === 0) throw new Error('as if killed');
    };
    return answerItems(items, { log, respondent: () => Promise.resolve(respondent), onProgress });
  };
  return { answer, respondent, batchesAsked: () => asked };
}

for (const [kind, items] of Object.entries({ CHOOSING, WRITING }))
  t.test(`${kind.toLowerCase()}: resumed after each batch`, async (t) => {
    const { answer, batchesAsked } = await scene(t);
    const whole = await answer('whole', items);
    const batches = batchesAsked();
    t.ok(batches > 1, `${batches} batches`);
    for (let stop = 1; stop < batches; stop++) {
      await t.rejects(answer(`stop-${stop}`, items, stop), { message: 'as if killed' });
      const before = batchesAsked();
      t.strictSame(await answer(`stop-${stop}`, items), whole, `ended after batch ${stop}: the same answers`);
      t.equal(batchesAsked() - before, batches - stop, 'and only those that were missing');
    }
    t.strictSame(await answer('whole', items), whole, 'from the log alone');
  });

t.test('an answer is that to its own request', async (t) => {
  const { answer, respondent } = await scene(t, 'float32');
  const responses = await answer('all', CHOOSING);
  for (const [i, { requests }] of CHOOSING.entries()) {
    t.equal(responses[i]!.length, requests.length);
    for (const [r, request] of requests.entries()) {
      if (request.kind !== 'loglikelihood') throw new Error('expected a choice');
      const tokens = await likelihoodTokens(respondent.tokenizer, [request], { maxLength: 512 });
      for await (const [alone] of scoreLikelihoods(respondent.decoder, tokens)) {
        const found = responses[i]![r]!;
        const difference = 'text' in found ? NaN : found.logLikelihood - alone!.likelihood.logLikelihood;
        t.ok(Math.abs(difference) < 1e-4, `${i}, ${r}: ${difference}`);
      }
    }
  }
});

t.test('a damaged model is refused', async (t) => {
  const edit = (name: string, values: Float32Array) => {
    if (name === 'model.norm.weight') values[0] = NaN;
  };
  const { answer } = await scene(t, 'float32', { edit });
  const before = tf.memory().numTensors;
  for (const items of [CHOOSING, WRITING])
    await t.rejects(answer(`damaged-${items.length}`, items.slice(0, 2)), { message: /NaN or infinite/ });
  t.equal(tf.memory().numTensors, before, 'no tensor is left');
});
