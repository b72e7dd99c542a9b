// make compare on a made-up run: what differs, final figures, and what is missing or out of date.
import { appendFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { compareRuns, type FinishedModels } from '../../pipeline/report/compareRuns.ts';
import { readRun } from '../../pipeline/report/readRun.ts';
import { writeComparison } from '../../pipeline/eval/scores/comparisonFile.ts';
import { artifact, comparison, metrics, scores } from './madeUpRun.ts';

const PARAMETERS = { loss: 'forward_kl', clip: {}, seed: 0 };

/** Runs `main`, `slow` and `clipped`, trained and evaluated; the models that they exported. */
async function threeRuns(t: Test) {
  const folder = join(t.testdir(), 'recipe');
  const runs = {
    main: { learning_rate: 0.0002 },
    slow: { learning_rate: 0.00002 },
    clipped: { learning_rate: 0.0002, clip: { relative: 12 } },
  };
  const models: FinishedModels = new Map();
  for (const [i, [name, changes]] of Object.entries(runs).entries()) {
    const parameters = { ...PARAMETERS, ...changes };
    await artifact(join(folder, 'train', name), 'train', {
      statistics: { steps: 25, tokens: 103058 },
      parameters,
    });
    const inputs = { model: `model of ${name}` };
    await artifact(join(folder, 'eval', name), 'eval', { statistics: scores(1 + i), inputs });
    models.set(name, { model: inputs.model, seconds: 83 });
  }
  await artifact(join(folder, 'eval', 'before'), 'eval', { statistics: scores(4.5) });
  return { folder, models };
}

t.test('what differs, and the final figures', async (t) => {
  const { folder, models } = await threeRuns(t);
  t.equal(
    compareRuns(await readRun(folder), models),
    [
      'run      clip.relative  learning_rate  held-out KL  cross-entropy  agreement  steps   tokens        time',
      'before                                         4.5            2.5        0.5',
      'clipped             12         0.0002            3            2.5        0.5     25  103,058  1 min 23 s',
      'main                 –         0.0002            1            2.5        0.5     25  103,058  1 min 23 s',
      'slow                 –        0.00002            2            2.5        0.5     25  103,058  1 min 23 s\n',
    ].join('\n'),
  );
});

t.test('what training changed, and whether it is more than noise', async (t) => {
  const { folder, models } = await threeRuns(t);
  await writeComparison(join(folder, 'eval/main'), comparison());
  await writeComparison(join(folder, 'eval/slow'), comparison({ kl: 2 }));
  models.set('slow', { model: 'another', seconds: undefined });
  const [, changes] = compareRuns(await readRun(folder), models).split('\n\n');
  t.equal(
    changes,
    [
      'run       task                     score  before   after     difference     95 % interval      p',
      'main  held_out                        kl   4.500   1.250         -3.250  -3.500 to -3.000      –  more than noise',
      'main  held_out                 agreement  10.0 %  50.0 %  +40.00 points  +35.00 to +45.00      –  more than noise',
      'main     gsm8k  exact_match,strict-match  40.0 %  50.0 %  +10.00 points   +2.00 to +18.00  0.012  more than noise',
      'main      mmlu                       acc  40.0 %  41.0 %   +1.00 points    -2.00 to +4.00  0.012     may be noise',
      'slow was trained again since its evaluation; to evaluate it: make eval RECIPE=recipe RUN=slow\n',
    ].join('\n'),
    'not of a model that is no longer there',
  );
});

t.test('what is missing or out of date, and the command for it', async (t) => {
  const { folder, models } = await threeRuns(t);
  await rm(join(folder, 'train/slow/manifest.json'));
  await appendFile(join(folder, 'train/slow/metrics.jsonl'), metrics([4.61, 2.5]));
  models.delete('slow');
  models.set('main', { model: 'another', seconds: undefined });
  await rm(join(folder, 'eval/clipped'), { recursive: true });
  await mkdir(join(folder, 'args'));
  await appendFile(join(folder, 'args/train-jsd'), '--loss jsd\n');
  t.equal(
    compareRuns(await readRun(folder), models),
    [
      'run      clip.relative  held-out KL  cross-entropy  agreement  steps   tokens        time',
      'before                          4.5            2.5        0.5',
      'clipped             12            –              –          –     25  103,058  1 min 23 s',
      'main                 –            –              –          –     25  103,058           –',
      'slow                 –            –              –          –      –        –           –',
      'clipped is not evaluated; to evaluate it: make eval RECIPE=recipe RUN=clipped',
      'main was trained again since its evaluation; to evaluate it: make eval RECIPE=recipe RUN=main',
      'slow is not finished, steps so far: 2; to continue: make train RECIPE=recipe RUN=slow',
      "jsd is not trained; to train it: make train RECIPE=recipe RUN=jsd ARGS='--loss jsd'\n",
    ].join('\n'),
  );
});

t.test('no run at all', async (t) => {
  const folder = join(t.testdir(), 'recipe');
  await mkdir(folder);
  t.match(
    compareRuns(await readRun(folder), new Map()),
    /\nno run is trained; to train one: make train RECIPE=recipe\n$/,
  );
});
