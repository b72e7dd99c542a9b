// The whole chain through make, on a tiny random teacher and a few real samples: it ends in a report, the student
// comes closer to its teacher, a second make does nothing, one changed stage reruns only what follows it, a run with
// another RUN stands beside the first, and a training killed without warning ends with the very same bytes.
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Manifest } from '../pipeline/artifact/manifest.ts';
import type { HeldOutScores } from '../pipeline/train/heldOut.ts';
import { readJson } from './readJson.ts';
import { runMake } from './runMake.ts';
import { runStage, watchStage } from './runStage.ts';
import { makeTinyModel } from './tinyModel.ts';

const base = t.testdir();
const recipe = join(base, 'recipe');
const run = join(base, 'run');

const RECIPE = {
  sources: `
teacher: ${join(base, 'model')}
student: { prune: { from: teacher, keep_layers: [0, 2] } }
datasets:
  metamathqa: data/samples/MetaMathQA
  evol_code: data/samples/Evol-Instruct-Code-80k-v1
`,
  mix: `
total: 60
held_out: 12
max_tokens: 400
overlength: truncate
sources:
  metamathqa: { weight: 2, format: metamathqa }
  evol_code: { weight: 1, format: evol_code }
`,
  teacher: 'bits: 8\n',
  logits: 'top_k: 32\nbatch_tokens: 1024\n',
  train: 'learning_rate: 3e-3\nbatch_tokens: 2048\nmicro_batch_tokens: 2048\ncheckpoint_every: 3\n',
  eval: 'dtype: float32\n',
};

/** Runs make for the tiny recipe; gives the names of the stages that ran, in order. */
async function make(...words: string[]): Promise<string[]> {
  const env = { REDISTILL_CACHE: join(base, 'cache') };
  return (await runMake(words, { recipe, run, env })).stages;
}

function manifestOf(...path: string[]): Manifest {
  return readJson(join(run, ...path, 'manifest.json')) as Manifest;
}

function heldOut(model: string): HeldOutScores {
  return manifestOf('eval', model).statistics.held_out as unknown as HeldOutScores;
}

t.before(async () => {
  await mkdir(recipe, { recursive: true });
  await makeTinyModel(join(base, 'model'), { layers: 3 });
  for (const [stage, yaml] of Object.entries(RECIPE)) await writeFile(join(recipe, `${stage}.yaml`), yaml);
});

t.test('make, from nothing to the report', async (t) => {
  t.same((await make()).sort(), ['eval', 'eval', 'fetch', 'logits', 'mix', 'report', 'teacher', 'train']);
  t.ok(existsSync(join(run, 'report.html')), 'there is a report');
  const [before, after] = [heldOut('before'), heldOut('main')];
  t.ok(after.kl < before.kl * 0.9, `KL to the teacher from ${before.kl} to ${after.kl}`);
  t.ok(after.agreement > before.agreement, `agreement from ${before.agreement} to ${after.agreement}`);
});

t.test('a second make does nothing', async (t) => {
  t.same(await make(), []);
});

t.test('after a change in train.yaml, train and what follows run', async (t) => {
  await writeFile(join(recipe, 'train.yaml'), RECIPE.train + 'weight_decay: 0.01\n');
  t.same(await make(), ['train', 'eval', 'report']);
});

t.test('ARGS and RUN make a second student beside the first', async (t) => {
  const first = manifestOf('train', 'main');
  t.same(await make('train', 'RUN=slow', 'ARGS=--learning-rate 5e-5'), ['train']);
  t.same(await make('train', 'RUN=slow', 'ARGS=--learning-rate 5e-5'), [], 'unchanged ARGS do not rerun');
  const slow = manifestOf('train', 'slow');
  t.equal(slow.parameters.learning_rate, 5e-5);
  t.not(slow.fingerprint, first.fingerprint);
  t.same(manifestOf('train', 'main'), first, 'the first is as it was');
  const { stdout } = await runStage('compare', { run });
  t.match(stdout, /^run +learning_rate +held-out KL .*\nbefore .*\nmain +0\.003 .*\nslow +0\.00005 +–/);
  t.match(stdout, /\nslow is not evaluated; to evaluate it: make eval RECIPE=run RUN=slow\n$/);
});

t.test('a training killed at any step ends with the same bytes', async (t) => {
  const uninterrupted = manifestOf('train', 'main');
  await rm(join(run, 'train', 'main'), { recursive: true });
  for (const step of [1, 5]) await killAtStep(step);
  t.ok(
    existsSync(join(run, 'train', 'main', 'checkpoint', 'state.json')),
    'the killed run left a checkpoint',
  );
  t.notOk(existsSync(join(run, 'train', 'main', 'manifest.json')), 'and no manifest');
  t.same(await make('train'), ['train']);
  t.same(manifestOf('train', 'main').files, uninterrupted.files);
});

t.test('eval finds mix and logits beside the folder it writes to', async (t) => {
  const [model, out] = [join(run, 'train/main/model'), join(run, 'eval/main')];
  const flags = { config: join(recipe, 'eval.yaml'), model, out, tasks: 'held_out' };
  const { stdout } = await runStage('eval', flags);
  t.equal(stdout, `${model} held_out ${JSON.stringify(heldOut('main'))}\n`);
});

/** Starts the training and kills it with SIGKILL when it reports `step`. */
async function killAtStep(step: number): Promise<void> {
  const at = (name: string) => join(run, name);
  const inputs = { mix: at('mix'), logits: at('logits'), student: at('sources/student') };
  const config = join(recipe, 'train.yaml');
  const child = watchStage('train', { config, ...inputs, out: at('train/main') });
  child.stderr.on('data', (text: string) => {
    if (text.includes(`step ${step}/`)) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.on('close', resolve));
}
