// Prompts on real benchmark rows: against lm_eval's logged runs in ../shared/lm_eval/goldens, and, where there is a
// Python with lm_eval 0.4.13, against its task objects on whole files of ../shared/data. Nothing is tolerated: every
// context and continuation must be equal byte for byte.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import type { Doc } from '../../pipeline/eval/prompts/evalItem.ts';
import { loadTask } from '../../pipeline/eval/prompts/loadTask.ts';
import { pythonRandom } from '../../pipeline/eval/prompts/pythonRandom.ts';
import { expandTasks } from '../../pipeline/eval/prompts/taskCatalog.ts';
import { taskItems } from '../../pipeline/eval/prompts/taskItems.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { askedTasks, comparable, type AskedTask, type PromptCase } from '../eval/promptCases.ts';
import { readJson } from '../readJson.ts';
import { allOf } from './figures.ts';
import { FIXTURES, lmEvalPython, RUN, without } from './needs.ts';
import { SHARED, sharedData } from './sharedData.ts';

const GOLDENS = '../shared/lm_eval/goldens';
const DATA = SHARED;
const data = sharedData;

interface Logged {
  task: string;
  doc_id: number;
  doc: Doc;
  target: string;
  context?: string;
  requests?: { context: string; continuation: string }[];
}

const goldens = without('fixtures')
  ? []
  : readdirSync(GOLDENS).filter((name) => name !== 'winogrande5__winogrande.jsonl');

for (const name of goldens) {
  const isChat = name.includes('_chat_');
  void t.test(`as logged: ${name}`, { skip: isChat && without('models') }, async (t) => {
    const logged = logsOf(name);
    const shots = name.startsWith('arc100') ? { numFewshot: 0 } : {};
    const chat = isChat ? { chat: { tokenizer: await loadTokenizer(`${RUN}/sources/teacher`) } } : {};
    const items = taskItems(await loadTask(logged[0]!.task, { data, ...shots }), chat);
    const equal = logged.filter((each) => {
      const item = items[each.doc_id]!;
      return isDeepStrictEqual({ ...comparable(item), doc: item.doc }, askedIn(each));
    });
    allOf(t, name.replace('.jsonl', ''), equal.length, logged.length);
  });
}

function logsOf(name: string): Logged[] {
  const lines = readFileSync(join(GOLDENS, name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Logged);
}

function askedIn({ target, doc, context, requests = [] }: Logged): AskedTask['items'][number] & { doc: Doc } {
  const pairs = requests.map((request) => [request.context, request.continuation]);
  return { target, doc, requests: context === undefined ? pairs : [[context]] };
}

// Its shots were drawn from all 1,267 rows of the validation split, of which ../shared has the first 600; the places of
// the others are kept, and the shots that come from them are not compared.
void t.test('as logged: winogrande', { skip: without('fixtures') }, async (t) => {
  const known = readFileSync(data.winogrande!.train!, 'utf8').trimEnd().split('\n');
  const unknown = Array.from({ length: 1267 - known.length }, (_, i) =>
    JSON.stringify({ sentence: `unknown ${i} _ .`, option1: '', option2: '', answer: '1' }),
  );
  const folder = t.testdir({ 'pool.jsonl': [...known, ...unknown].join('\n') });
  const winogrande = { ...data.winogrande!, train: join(folder, 'pool.jsonl') };
  const items = taskItems(await loadTask('winogrande', { data: { winogrande } }));
  const pairs = logsOf('winogrande5__winogrande.jsonl').flatMap((logged) => {
    const { requests } = askedIn(logged);
    return comparable(items[logged.doc_id]!).requests.map((ours, i) => ({ ours, theirs: requests[i]! }));
  });
  const parts = pairs.flatMap(({ ours, theirs }) => {
    const expected = theirs[0]!.split('\n\n');
    return ours[0]!.split('\n\n').map((part, i) => ({ part, expected: expected[i] }));
  });
  const compared = parts.filter(({ part }) => !part.startsWith('unknown'));
  const equal = compared.filter(({ part, expected }) => part === expected);
  allOf(
    t,
    `winogrande, shots and questions (${parts.length - compared.length} unknown)`,
    equal.length,
    compared.length,
  );
  t.ok(pairs.every(({ ours, theirs }) => ours[1] === theirs[1]));
});

void t.test('draws as in CPython', { skip: without('fixtures') }, (t) => {
  interface Sample {
    seed: number;
    n: number;
    k: number;
    draws: number[][];
  }
  const { sample } = readJson(`${FIXTURES}/pyrandom/python_random.json`) as { sample: Sample[] };
  for (const { seed, n, k, draws } of sample) {
    const random = pythonRandom(seed);
    const population = Array.from({ length: n }, (_, i) => i);
    t.same(
      draws.map(() => random.sample(population, k)),
      draws,
      `${k} of ${n}`,
    );
  }
  t.end();
});

const bbh = ['date_understanding', 'object_counting', 'geometric_shapes', 'salient_translation_error_detection',
  'logical_deduction_five_objects', 'reasoning_about_colored_objects', 'sports_understanding',
  'tracking_shuffled_objects_three_objects'].map((name) => `leaderboard_bbh_${name}`); // prettier-ignore
const mmlu = ['astronomy', 'professional_law', 'us_foreign_policy', 'security_studies'].map(
  (name) => `mmlu_${name}`,
);
const gpqa = ['diamond', 'extended', 'main'].map((name) => `leaderboard_gpqa_${name}`);
const musr = ['murder_mysteries', 'object_placements', 'team_allocation'].map(
  (name) => `leaderboard_musr_${name}`,
);

const r1 = { data, limit: 100, template: resolve(`${FIXTURES}/templates/deepseek-r1-distill.jinja`) };

const runs: PromptCase[] = [
  { name: '25 shots', data, tasks: ['arc_challenge'], numFewshot: 25 },
  { name: '10 shots', data, tasks: ['hellaswag'], numFewshot: 10 },
  { name: '5 shots', data, tasks: ['gsm8k', 'winogrande', 'leaderboard_mmlu_pro', ...mmlu], numFewshot: 5 },
  { name: 'own shots', data, tasks: [...bbh, 'truthfulqa_mc1', 'truthfulqa_mc2', ...musr] },
  { name: '2 shots', data, tasks: musr.slice(1), numFewshot: 2 },
  { name: 'shuffled', data, tasks: gpqa },
  {
    name: 'every subject',
    data: {
      mmlu: { test: `${DATA}/mmlu/test/astronomy.jsonl`, dev: `${DATA}/mmlu/dev/astronomy.jsonl` },
      leaderboard_bbh: { test: `${DATA}/bbh/date_understanding.jsonl` },
    },
    tasks: (await expandTasks(['mmlu', 'leaderboard_bbh'])).tasks,
    numFewshot: 3,
    limit: 2,
  },
  {
    name: 'chat',
    ...r1,
    tasks: ['leaderboard_ifeval', 'gsm8k', 'mmlu_astronomy', 'winogrande', bbh[0]!],
    numFewshot: 3,
    systemPrompt: 'Think first.',
  },
  {
    name: 'chat in one turn',
    ...r1,
    tasks: ['gsm8k', 'mmlu_astronomy', 'hellaswag'],
    numFewshot: 3,
    fewshotAsMultiturn: false,
  },
];

void t.test('as lm_eval builds them now', { skip: without('fixtures', 'lmEval') }, async (t) => {
  const folder = t.testdir({});
  Object.assign(data, gpqaData(folder));
  const files = ['cases.json', 'prompts.json'].map((name) => join(folder, name));
  writeFileSync(files[0]!, JSON.stringify(runs));
  execFileSync(lmEvalPython, ['test/golden/eval/lmEvalPrompts.py', ...files], { stdio: 'ignore' });
  const theirs = readJson(files[1]!) as Record<string, AskedTask[]>;
  for (const each of runs)
    for (const [i, { task, items }] of (await askedTasks(each)).entries()) {
      const expected = theirs[each.name]![i]!.items;
      const equal = items.filter((item, at) => isDeepStrictEqual(item, expected[at]));
      allOf(t, `${each.name}: ${task}`, equal.length, expected.length);
    }
});

/** Questions of ARC with four choices, in GPQA's columns: GPQA itself is not to be shown in plain text. */
function gpqaData(folder: string): PromptCase['data'] {
  const lines = readFileSync(data.arc_challenge!.test!, 'utf8').trimEnd().split('\n');
  const rows = lines
    .map((line) => JSON.parse(line) as { question: string; choices: { text: string[] } })
    .filter(({ choices }) => choices.text.length === 4)
    .map(({ question, choices: { text } }) => ({
      Question: question,
      'Correct Answer': text[0],
      'Incorrect Answer 1': text[1],
      'Incorrect Answer 2': text[2],
      'Incorrect Answer 3': text[3],
    }));
  const entries = gpqa.map((task, i) => {
    const file = join(folder, `${task}.jsonl`);
    const part = rows.slice(i * 150, (i + 1) * 150);
    writeFileSync(file, part.map((row) => JSON.stringify(row) + '\n').join(''));
    return [task, { train: file }] as const;
  });
  return Object.fromEntries(entries);
}
