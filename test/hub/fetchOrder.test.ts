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
}

/** Runs the stage for a recipe. */
function fetchRecipe({ student = 'org/student', decontaminate = '', tasks = 'held_out' }: Given) {
  const recipe = writeFiles(at('recipe'), {
    'sources.yaml': `teacher: org/teacher\nstudent: ${student}\ndatasets: { rows: org/rows }\n`,
    'mix.yaml': `total: 1\nmax_tokens: 99\nsources: { rows: { weight: 1 } }\ndecontaminate: { tasks: [${decontaminate}] }\n`,
    'eval.yaml': `tasks: [${tasks}]\n`,
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
  const refused = (file: string) =>
    new RegExp(
      `\nfetch: Idavidrein/gpqa@main: a gated dataset; accept its terms on .*, or leave the task leaderboard_gpqa_diamond out of ${file}\n$`,
    );
  const gpqa = 'leaderboard_gpqa_diamond';
  await t.rejects(fetchRecipe({ decontaminate: gpqa }), { code: 1, stderr: refused('mix.yaml') });
  await t.rejects(fetchRecipe({ tasks: gpqa }), { code: 1, stderr: refused('eval.yaml') });
  t.same(scene.hub.sent.size, 0);
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
