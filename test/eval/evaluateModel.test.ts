// The stage on tiny models and made-up rows: its files, what it does not do twice, what a killed one ends with, and the
// comparison of two evaluations.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { compareEvaluations, comparisonText } from '../../pipeline/eval/compareEvaluations.ts';
import { evalConfig } from '../../pipeline/eval/evalConfig.ts';
import { evaluateModel, type EvalHooks } from '../../pipeline/eval/evaluateModel.ts';
import { readSampleScores, samplesPath } from '../../pipeline/eval/scores/samplesFile.ts';
import { readResults } from '../../pipeline/eval/scores/resultsFile.ts';
import { writeMixParquet } from '../../pipeline/mix/mixParquet.ts';
import { makeTinyModel } from '../tinyModel.ts';

const VERBS = ['walks', 'runs', 'swims', 'sings'];
const STORY = 'In a small town by the sea there lived an old man with a dog';

async function scene(t: Test) {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  const endings = (i: number) => VERBS.map((verb) => `${verb} ${i} miles.`);
  const rows = Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({
      ...{
        activity_label: 'Test',
        ctx_a: i === 5 ? STORY : `Person ${i} gets up.`,
        ctx_b: 'then it',
        ctx: '',
      },
      ...{ endings: endings(i), label: String(i % 4) },
    }),
  );
  writeFileSync(at('rows.jsonl'), rows.join('\n') + '\n');
  for (const seed of [1, 2]) await makeTinyModel(at(`model-${seed}`), { seed, maxPositions: 400 });
  const config = evalConfig.parse({
    ...{ tasks: ['hellaswag'], num_fewshot: 2, batch_tokens: 200 },
    data: { hellaswag: { train: at('rows.jsonl'), validation: at('rows.jsonl') } },
  });
  const evaluate = (seed: number, out: string, hooks: EvalHooks = {}) =>
    evaluateModel(
      config,
      { model: at(`model-${seed}`), out: at(out), mix: at('mix'), logits: at('logits') },
      hooks,
    );
  return { at, config, evaluate };
}

t.test('scores and files, made once', async (t) => {
  const { at, evaluate } = await scene(t);
  const notes: string[] = [];
  const hooks = { progress: (line: string) => notes.push(line) };
  const manifest = await evaluate(1, 'out', hooks);
  t.same(manifest.files.map(({ file }) => file).sort(), ['results.json', 'samples_hellaswag.jsonl']);
  const { results } = await readResults(at('out'));
  const items = [...(await readSampleScores(samplesPath(at('out'), 'hellaswag'))).values()];
  t.equal(items.length, 12);
  const mean = items.reduce((sum, scores) => sum + Number(scores['acc,none']) / 12, 0);
  t.ok(Math.abs(Number(results.hellaswag!['acc,none']) - mean) < 1e-12);
  t.equal(
    (manifest.statistics.hellaswag as { 'acc,none': number })['acc,none'],
    results.hellaswag!['acc,none'],
  );
  t.notOk(existsSync(at('out/answers')), 'the answers of a finished evaluation lie in its samples alone');
  let asked = false;
  await evaluate(1, 'out', { onAnswers: () => (asked = true) });
  t.notOk(asked, 'nothing is asked again');
  const isAskedAfter = async (change: () => void) => {
    change();
    asked = false;
    await evaluate(1, 'out', { onAnswers: () => (asked = true) });
    return asked;
  };
  const rows = readFileSync(at('rows.jsonl'));
  t.ok(await isAskedAfter(() => appendFileSync(at('rows.jsonl'), rows)), 'other rows are');
  const template = at('model-1/chat_template.jinja');
  t.ok(await isAskedAfter(() => writeFileSync(template, '{{ messages }}')), 'so is another template');
});

t.test('killed after any batch it ends with the same bytes', async (t) => {
  const { evaluate } = await scene(t);
  let batches = 0;
  const whole = await evaluate(1, 'whole', { onAnswers: () => (batches += 1) });
  t.ok(batches > 2, `${batches} batches`);
  for (let stop = 1; stop <= batches; stop++) {
    let left = stop;
    const kill = () => {
      if (--left === 0) throw new Error('as if killed');
    };
    await t.rejects(evaluate(1, `killed-${stop}`, { onAnswers: kill }), { message: 'as if killed' });
    t.same((await evaluate(1, `killed-${stop}`)).files, whole.files, `after batch ${stop}`);
  }
});

t.test('before and after: differences, and items that stand in the mix', async (t) => {
  const { at, config, evaluate } = await scene(t);
  await evaluate(1, 'before');
  await evaluate(2, 'after');
  const row = {
    id: 'a',
    source: 's',
    file: 'f',
    row: 0,
    prompt: `Tell me. ${STORY}`,
    response: '',
    token_count: 9,
  };
  await writeMixParquet(at('mix'), [{ ...row, split: 'train' }]);
  const comparison = await compareEvaluations(config, {
    out: at('after'),
    before: at('before'),
    mix: at('mix'),
  });
  t.same(comparison.contamination, { hellaswag: { items: 12, ids: [5] } });
  const scoreOf = async (out: string) => Number((await readResults(at(out))).results.hellaswag!['acc,none']);
  const { before, after, difference } = comparison.benchmarks.find(({ metric }) => metric === 'acc,none')!;
  t.same([before, after], [await scoreOf('before'), await scoreOf('after')]);
  t.ok(Math.abs(difference - (after - before)) < 1e-12);
  t.match(
    comparisonText(comparison),
    /hellaswag: 1 of 12 items share 13 words in a row with the training mix/,
  );
  t.same(
    JSON.parse(readFileSync(at('after/comparison.json'), 'utf8')),
    JSON.parse(JSON.stringify(comparison)),
  );
  await writeMixParquet(at('mix'), [{ ...row, split: 'held_out' }]);
  const untrained = await compareEvaluations(config, {
    out: at('after'),
    before: at('before'),
    mix: at('mix'),
  });
  t.same((await compareEvaluations({ ...config, limit: 5 }, { out: at('after'), before: at('before'), mix: at('mix') })).contamination.hellaswag!.items, 5); // prettier-ignore
  t.same(untrained.contamination.hellaswag!.ids, [], 'what is held out is not trained on');
});

t.test('the words that every prompt of a task has are no overlap, those of its row are', async (t) => {
  const { at } = await scene(t);
  const question = 'What happens to you if you eat the seeds of a watermelon';
  const targets = { choices: ['The seeds pass through your digestive system', 'You grow'], labels: [1, 0] };
  writeFileSync(at('questions.jsonl'), JSON.stringify({ question, mc1_targets: targets }) + '\n');
  const config = evalConfig.parse({
    tasks: ['truthfulqa_mc1'],
    data: { truthfulqa_mc1: { validation: at('questions.jsonl') } },
  });
  const found = async (prompt: string) => {
    const row = { id: 'a', source: 's', file: 'f', row: 0, split: 'train', response: '', token_count: 9 };
    await writeMixParquet(at('mix'), [{ ...row, prompt }]);
    const { contamination } = await compareEvaluations(config, {
      out: at('b'),
      before: at('a'),
      mix: at('mix'),
    });
    return contamination.truthfulqa_mc1!.ids;
  };
  const fixed =
    'Who was president of the United States in 1955? Dwight D. Eisenhower was president of the United States in 1955.';
  t.same(await found(fixed), []);
  t.same(await found(`${question}? ${targets.choices[0]}.`), [0]);
});
