// What is fetched first: whatever may be refused comes before the weights, which take long. Seen by what the Hub had to
// send until the refusal.
import { join } from 'node:path';
import t from 'tap';
import { runStage } from '../runStage.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { hubScene, writeFiles, type HubScene } from './hubScene.ts';

const root = t.testdir();
const at = (name: string) => join(root, name);
const [TEACHER, STUDENT] = ['models/org/teacher', 'models/org/student'];
const QUESTIONS = 'datasets/openai/gsm8k';
const GPQA = 'datasets/Idavidrein/gpqa';

const repositories = {
  [TEACHER]: at('teacher'),
  [STUDENT]: at('student'),
  'models/org/stranger': at('stranger'),
  'datasets/org/rows': writeFiles(at('rows'), { 'rows.jsonl': '{"question": "1 + 1?", "answer": "2"}\n' }),
  [QUESTIONS]: writeFiles(at('gsm8k'), {
    'main/train-00000-of-00001.parquet': 'train',
    'main/test-00000-of-00001.parquet': 'test',
  }),
  [GPQA]: writeFiles(at('gpqa'), { 'gpqa_diamond/train-00000-of-00001.parquet': 'gpqa' }),
};

t.before(async () => {
  await makeTinyModel(at('teacher'), { layers: 2 });
  await makeTinyModel(at('student'), { seed: 1 });
  await makeTinyModel(at('stranger'), { vocabSize: 301 });
});

interface Given {
  student?: string;
  decontaminate?: string;
  tasks?: string;
  /** What mix.yaml calls the dataset. */
  source?: string;
  train?: string;
  teacher?: string;
}

/** Runs the stage for a recipe. */
function fetchRecipe({
  student = 'org/student',
  decontaminate = '',
  tasks = 'held_out',
  source = 'rows',
  train = '',
  teacher = '',
}: Given) {
  const recipe = writeFiles(at('recipe'), {
    'sources.yaml': `teacher: org/teacher\nstudent: ${student}\ndatasets: { rows: org/rows }\n`,
    'mix.yaml': `total: 1\nmax_tokens: 99\nsources: { ${source}: { weight: 1 } }\ndecontaminate: { tasks: [${decontaminate}] }\n`,
    'eval.yaml': `tasks: [${tasks}]\n`,
    'train.yaml': train,
    'teacher.yaml': teacher,
  });
  return runStage('fetch', { config: join(recipe, 'sources.yaml'), recipe, out: at('run') });
}

function weightsSent({ hub }: HubScene): string[] {
  return [...hub.sent.keys()].filter((path) => path.endsWith('.safetensors'));
}

t.test('of two vocabularies only the tokenizers are fetched', async (t) => {
  const scene = await hubScene(t, { repositories });
  await t.rejects(fetchRecipe({ student: 'org/stranger' }), {
    code: 1,
    stderr: /\nfetch: student = "org\/stranger": not the vocabulary of the teacher \(org\/teacher\)[^\n]*\n$/,
  });
  t.ok(scene.hub.sent.has(`${TEACHER}/tokenizer.json`));
  t.same(weightsSent(scene), []);
});

t.test('a gated dataset shows before the weights are fetched', async (t) => {
  const scene = await hubScene(t, { repositories, gated: ['datasets/org/rows'] });
  await t.rejects(fetchRecipe({}), {
    code: 1,
    stderr: /\nfetch: org\/rows@main: a gated dataset; accept its terms/,
  });
  t.same(weightsSent(scene), []);
});

t.test('a gated benchmark is told first of all, with the file to leave it out of', async (t) => {
  const scene = await hubScene(t, { repositories, gated: [GPQA] });
  const refused = (remedy: string) =>
    new RegExp(
      `\nfetch: Idavidrein/gpqa@main: a gated dataset; accept its terms on .*, or take ${remedy}\n$`,
    );
  const [one, all] = ['leaderboard_gpqa_diamond', 'leaderboard_gpqa'];
  const mix = fetchRecipe({ decontaminate: one });
  await t.rejects(mix, { code: 1, stderr: refused(`${one} out of mix.yaml`) });
  await t.rejects(fetchRecipe({ tasks: all }), { code: 1, stderr: refused(`${all} out of eval.yaml`) });
  t.same(scene.hub.sent.size, 0);
});

t.test('a mistake in the file of any stage shows before anything is fetched', async (t) => {
  const scene = await hubScene(t, { repositories });
  for (const [given, said] of [
    [
      { train: 'learning_rte: 1e-5\n' },
      /train\.yaml: learning_rte: unknown key; did you mean "learning_rate"\?/,
    ],
    [{ teacher: 'bits: 5\n' }, /teacher\.yaml: bits = 5/],
    [{ tasks: 'foo' }, /eval\.yaml: tasks = "foo": unknown task/],
    [{ decontaminate: 'gsm8' }, /mix\.yaml: tasks = "gsm8": unknown task; did you mean "gsm8k"/],
    [
      { source: 'row' },
      /mix\.yaml: sources\.row: no dataset of this name in sources\.yaml; did you mean "rows"\?/,
    ],
  ] as const)
    await t.rejects(fetchRecipe(given), { code: 1, stderr: said });
  t.same(scene.hub.requests.length, 0);
});

t.test('the splits that benchmarks read are fetched with everything else', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  await fetchRecipe({ decontaminate: 'gsm8k' });
  const sent = () => [...hub.sent.keys()].filter((path) => path.startsWith(QUESTIONS)).sort();
  const [asked, shown] = ['test', 'train'].map(
    (split) => `${QUESTIONS}/main/${split}-00000-of-00001.parquet`,
  );
  t.same(sent(), [asked], 'to keep a mix clean of its questions');
  await fetchRecipe({ tasks: 'gsm8k' });
  t.same(sent(), [asked, shown], 'to be asked, with examples');
});
