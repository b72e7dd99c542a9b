// Held-out evaluation in a run: the best state is exported on request, also by a run that was killed after it, and
// patience ends a run that gets no better. The learning rate is far too high, so the KL falls and then rises again.
import { readdirSync } from 'node:fs';
import t from 'tap';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { meanScores, scoreSamples } from '../../pipeline/train/heldOut.ts';
import { isStep, type HeldOutMetrics } from '../../pipeline/train/metrics.ts';
import { badStepsInARow, bestEvaluation, isOutOfPatience } from '../../pipeline/train/runDecisions.ts';
import { readMetrics, trainScene, type TrainScene } from './trainScene.ts';

const PARAMETERS = {
  ...{ learning_rate: 3e-2, schedule: 'constant', epochs: 4, eval_every: 2 },
  ...{ checkpoint_every: 4, export: 'best', export_dtype: 'float32' },
};

t.test('the exported model is the best of the run', async (t) => {
  const scene = await trainScene(t);
  const manifest = await scene.train(PARAMETERS);
  const evaluations = evaluationsOf(scene.at('run'));
  const [best] = evaluations.slice(1).sort((a, b) => a.held_out.kl - b.held_out.kl);
  const last = evaluations.at(-1)!;
  t.ok(
    best!.held_out.kl < 0.98 * last.held_out.kl,
    `KL ${best!.held_out.kl}, in the end ${last.held_out.kl}`,
  );
  t.match(manifest.statistics, {
    exported_step: best!.step,
    held_out: { before: { step: 0 }, best: best!.held_out, last: { step: last.step } },
  });
  const found = await scoresOf(scene, 'run/model');
  t.ok(Math.abs(found.kl / best!.held_out.kl - 1) < 1e-5, `KL of the folder ${found.kl}`);

  await t.test('also when it was killed after it', async (t) => {
    const newest = best!.step - (best!.step % 4) + 4; // the first checkpoint after it
    const onStep = ({ step }: { step: number }) => {
      if (step === newest + 1) throw new Error('as if killed');
    };
    await t.rejects(scene.train(PARAMETERS, { out: 'killed', hooks: { onStep } }), {
      message: 'as if killed',
    });
    const fileOf = (step: number) => `step-${String(step).padStart(6, '0')}.safetensors`;
    const kept = readdirSync(scene.at('killed/checkpoint')).sort();
    t.same(kept, ['state.json', fileOf(best!.step), fileOf(newest)], 'the best and the newest are kept');
    t.same((await scene.train(PARAMETERS, { out: 'killed' })).files, manifest.files);
  });

  await t.test('with patience it ends earlier, with the same model', async (t) => {
    const { statistics, files } = await scene.train({ ...PARAMETERS, patience: 3 }, { out: 'patient' });
    t.equal(statistics.steps, best!.step + 3 * 2);
    const models = (all: typeof files) => all.filter(({ file }) => /^model\/(?!README)/.test(file)); // the card tells of patience
    t.same(models(files), models(manifest.files));
  });
});

t.test('what cannot be evaluated is refused', async (t) => {
  const { train } = await trainScene(t);
  await t.rejects(train({ patience: 2 }), {
    message: /^train.yaml: eval_every: missing, and "patience" goes by /,
  });
  await t.rejects(train({ export: 'best' }), { message: /eval_every: missing, and "export: best" / });
  await t.rejects(train({ source_weights: { eve: 2 } }), {
    message: /source_weights.eve: no sample .* its sources are even, odd; did you mean "even"\?$/,
  });
  await t.rejects(train({ loss_on: 'all' }), {
    message:
      /loss_on = "all": the mix was made with "response", .* "loss_on: all" in mix.yaml and run "make train"/,
  });
});

t.test('decisions by figures', (t) => {
  const at = (step: number, kl: number) =>
    ({ step, held_out: { kl, cross_entropy: 1, perplexity: Math.E, agreement: 0, positions: 1 } }) as const;
  const metrics = [at(0, 1), at(2, 5), at(4, 3), at(6, 3), at(8, NaN)];
  t.equal(bestEvaluation(metrics)?.step, 4, 'the untrained student does not count, nor do equals or NaN');
  t.same(bestEvaluation(JSON.parse(JSON.stringify(metrics)) as typeof metrics), metrics[2], 'also read back');
  t.equal(bestEvaluation([at(0, 1)]), undefined);
  t.same(
    [1, 2, 3, undefined].map((n) => isOutOfPatience(metrics, n)),
    [true, true, false, false],
  );
  const step = {
    loss: 1,
    divergence: 1,
    cross_entropy: 1,
    learning_rate: 1,
    gradient_norm: 1,
    tokens: 1,
    loss_positions: 1,
  };
  const [good, bad] = [
    { ...step, step: 1 },
    { ...step, step: 2, skipped: ['a'] },
  ];
  t.same([[], [bad], [good], [bad, good], [good, bad, at(2, 1), bad]].map(badStepsInARow), [0, 1, 0, 0, 2]);
  t.end();
});

function evaluationsOf(folder: string): HeldOutMetrics[] {
  return readMetrics(folder).filter((record): record is HeldOutMetrics => !isStep(record));
}

/** What evaluation of a model folder gives. */
async function scoresOf({ at, samples }: TrainScene, model: string) {
  const [decoder, cache] = [
    await loadDecoder(at(model), { dtype: 'float32' }),
    await openLogits(at('logits')),
  ];
  const heldOut = samples.filter(({ split }) => split === 'held_out');
  const scores = await scoreSamples(decoder, heldOut, cache, { batchTokens: 100, headBlock: 16 });
  disposeDecoder(decoder);
  await cache.close();
  return meanScores(scores);
}
