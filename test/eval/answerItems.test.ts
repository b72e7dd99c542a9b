// Items come back once each, as soon as they are complete, with the answers in the order of their requests.
import t from 'tap';
import { answerItems, type AnsweredItem } from '../../pipeline/eval/answerItems.ts';
import type { EvalItem } from '../../pipeline/eval/evalItem.ts';
import { likelihoodTokens } from '../../pipeline/eval/requestTokens.ts';
import { scoreLikelihoods } from '../../pipeline/eval/scoreLikelihoods.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { makeTinyModel } from '../tinyModel.ts';

const CHOICES = ['zebra', 'ant', 'mule and mare', 'mule'];
const ITEMS: EvalItem[] = ['one', 'two', 'three'].flatMap((word, i): EvalItem[] => [
  {
    ...{ docId: 2 * i, doc: {}, target: '0' },
    requests: CHOICES.map((choice) => ({
      kind: 'loglikelihood',
      context: `Shots that all have. Question ${word}:`,
      continuation: ` ${choice}`,
    })),
  },
  {
    ...{ docId: 2 * i + 1, doc: {}, target: '' },
    requests: [{ kind: 'generate_until', context: `Go on from ${word}`, until: ['.'], maxNewTokens: 3 + i }],
  },
]);

t.test('items of both kinds', async (t) => {
  const folder = t.testdir();
  await makeTinyModel(folder);
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const tokenizer = await loadTokenizer(folder);
  const batches: AnsweredItem[][] = [];
  for await (const batch of answerItems({ decoder, tokenizer }, ITEMS, { batchTokens: 60, rows: 2 }))
    batches.push(batch);
  t.ok(batches.length > 3, 'as they are done, not all at the end');
  const answered = batches.flat();
  t.strictSame(answered.map(({ item }) => item.docId).sort(), [0, 1, 2, 3, 4, 5]);
  for (const { item, answers } of answered) {
    t.equal(answers.length, item.requests.length);
    for (const [i, request] of item.requests.entries()) {
      const answer = answers[i]!;
      if (request.kind !== 'loglikelihood') t.ok('text' in answer);
      else t.ok('logLikelihood' in answer && Math.abs(answer.logLikelihood - (await alone(request))) < 1e-4);
    }
  }
  disposeDecoder(decoder);

  async function alone(request: EvalItem['requests'][number] & { kind: 'loglikelihood' }): Promise<number> {
    const tokens = await likelihoodTokens(tokenizer, [request], { maxLength: 512 });
    for await (const [scored] of scoreLikelihoods(decoder, tokens)) return scored!.likelihood.logLikelihood;
    return NaN;
  }
});

t.test('a damaged model is refused', async (t) => {
  const folder = t.testdir();
  const edit = (name: string, values: Float32Array) => {
    if (name === 'model.norm.weight') values[0] = NaN;
  };
  await makeTinyModel(folder, { edit });
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const tokenizer = await loadTokenizer(folder);
  const before = tf.memory().numTensors;
  for (const item of ITEMS.slice(0, 2))
    await t.rejects(answerItems({ decoder, tokenizer }, [item]).next(), { message: /NaN or infinite/ });
  t.equal(tf.memory().numTensors, before, 'no tensor is left');
  disposeDecoder(decoder);
});
