// What a run does when it must not go on: a NaN planted in the student, a run that only has NaN, signals to the process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { isStep, type StepMetrics } from '../../pipeline/train/metrics.ts';
import { sumsOf } from '../fileBytes.ts';
import { readJson } from '../readJson.ts';
import { stageArguments } from '../runStage.ts';
import { readMetrics, splitSamples, trainScene } from './trainScene.ts';

const HIDDEN = 64;
const POISON = 299; // the token whose embedding is NaN in the student; samples have it only where a test plants it

/** Samples of which those at `poisoned` hold the poison. */
function samplesWith(poisoned: number[]) {
  const samples = splitSamples(40);
  for (const { tokenIds } of samples) tokenIds.forEach((id, j) => (tokenIds[j] = id % POISON));
  for (const i of poisoned) samples[i]!.tokenIds[0] = POISON;
  return samples;
}

const poisonedStudent = {
  tied: false,
  edit: (name: string, values: Float32Array) => {
    if (name === 'model.embed_tokens.weight') values.fill(NaN, POISON * HIDDEN, (POISON + 1) * HIDDEN);
  },
};

t.test('a step with a NaN is skipped, and its samples are named', async (t) => {
  const { samples, train, at } = await trainScene(t, {
    samples: samplesWith([7]),
    student: poisonedStudent,
  });
  const bad: StepMetrics[] = [];
  const manifest = await train({}, { hooks: { onStep: (step) => step.skipped && bad.push(step) } });
  t.equal(bad.length, 1, 'one step');
  t.same(bad[0]?.skipped, [samples[7]!.id], 'the sample of the one micro-batch whose loss is not finite');
  t.equal(manifest.statistics.skipped_steps, 1);
  const steps = readMetrics(at('run')).filter(isStep);
  t.equal(steps.filter(({ gradient_norm }) => gradient_norm === null).length, 1, 'the others are finite');
  t.ok(Number.isFinite(manifest.statistics.final_loss), 'and so is the last');
});

t.test('after max_bad_steps in a row it ends, the last good checkpoint in place', async (t) => {
  const all = Array.from({ length: 40 }, (_, i) => i);
  const good = await trainScene(t, { samples: samplesWith([]), student: poisonedStudent });
  // which samples come first is decided by the seed alone, so take the poisoned ones from the order of a sound run
  const { at, train } = await trainScene(t, { samples: samplesWith(all), student: poisonedStudent });
  await t.rejects(train({ max_bad_steps: 2 }), {
    name: 'UserError',
    message: /^2 steps in a row had no finite loss and gradient, up to step 2 \(samples [0-9a-f]{32}/,
  });
  t.ok(good && at);
});
