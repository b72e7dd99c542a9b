// Prompts against those that lm_eval 0.4.13 builds from the same made-up rows, byte for byte.
import t from 'tap';
import { loadTask } from '../../pipeline/eval/prompts/loadTask.ts';
import { taskItems } from '../../pipeline/eval/prompts/taskItems.ts';
import { readJson } from '../readJson.ts';
import { askedTasks, type AskedTask, type PromptCase } from './promptCases.ts';

const FOLDER = 'test/golden/eval';
const cases = readJson(`${FOLDER}/cases.json`) as PromptCase[];
const golden = readJson(`${FOLDER}/prompts.json`) as Record<string, AskedTask[]>;

for (const each of cases)
  t.test(`as lm_eval: ${each.name}`, async (t) => {
    t.same(await askedTasks(each), golden[each.name]);
  });

t.test('the right choice, what each choice says, and how answers end', async (t) => {
  const { data } = cases.find(({ name }) => name.startsWith('no shots, and a limit'))!;
  const [item] = taskItems(await loadTask('winogrande', { data, numFewshot: 0 }));
  t.match(item, { gold: 0, choices: ['was too big.', 'was too big.'], docId: 0 });
  const [arc] = taskItems(await loadTask('arc_challenge', { data, numFewshot: 0 }), { limit: 1 });
  t.match(arc, { gold: 1, target: '1', choices: ['a stone', 'a cork', 'an anvil', 'a key'] });
  const [gsm] = taskItems(await loadTask('gsm8k', { data, numFewshot: 0 }));
  t.match(gsm!.requests, [{ until: ['Question:', '</s>', '<|im_end|>'], maxNewTokens: 256 }]);
  const { data: bbh } = cases.find(({ name }) => name.startsWith('shots of the benchmark'))!;
  const snarks = taskItems(await loadTask('leaderboard_bbh_snarks', { data: bbh }));
  t.same(
    snarks.map(({ gold }) => gold),
    [0, -1],
    'an answer that is none of the choices',
  );
});

t.test('rows are those lm-eval logs', async (t) => {
  const { data } = cases.find(({ name }) => name.startsWith('one more drawn'))!;
  const { docs } = await loadTask('hellaswag', { data, numFewshot: 1 });
  t.match(docs[0], { query: 'Baking bread: A man kneads DOUGH. The man mcdonald', gold: 1, label: '1' });
});
