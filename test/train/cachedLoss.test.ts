// The seam between cache and training: with k = V the loss on what the cache gives back is the loss on the live
// teacher's full logits, values and gradients, for every kind of loss and at another temperature.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { gatherRows } from '../../pipeline/engine/layoutOps.ts';
import { int32 } from '../../pipeline/engine/rawOp.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { dumpLogits } from '../../pipeline/logits/dumpLogits.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { batchShape, hiddenStates, logitsOf, type Decoder } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { batchesByLength } from '../../pipeline/mix/batches.ts';
import {
  distillationLoss,
  type DistillationLoss,
  type TeacherTargets,
} from '../../pipeline/train/distillationLoss.ts';
import { LOG_ZERO } from '../../pipeline/train/divergence.ts';
import { trainingBatch, type TrainingBatch } from '../../pipeline/train/trainingBatch.ts';
import { randomSamples, writeTinyMix } from '../tinyMix.ts';
import { makeTinyModel } from '../tinyModel.ts';

const V = 300; // padded to 320 rows in both models
const PLAIN: DistillationLoss = {
  ...{ loss: 'forward_kl', beta: 0.5, temperature: 1, tail: 'bucket' },
  ...{ clip: {}, crossEntropyWeight: 0 },
};
const CASES: Record<string, Partial<DistillationLoss>> = {
  'forward KL': {},
  'forward KL, T = 2': { temperature: 2 },
  'forward KL, tail: drop': { tail: 'drop' },
  'forward KL, relative clip': { clip: { relative: 8 } },
  'forward KL, absolute clip': { clip: { absolute: 4 } },
  'forward KL, both clips': { clip: { relative: 8, absolute: 4 } },
  'reverse KL': { loss: 'reverse_kl' },
  'JSD, T = 2': { loss: 'jsd', beta: 0.3, temperature: 2 },
  'with cross-entropy': { crossEntropyWeight: 0.5 },
};

t.test('cached loss = live loss at k = V', async (t) => {
  const { batchAt, teacher, student, dispose } = await scene(t);
  for (const [name, changes] of Object.entries(CASES)) {
    const loss = { ...PLAIN, ...changes };
    const batch = await batchAt(loss.temperature);
    t.same(batch.targets.ids.shape, [batch.rows.length, V], 'every token is cached');
    const logits = predictions(student, batch);
    const cached = distillationLoss(logits, batch.targets, loss);
    const live = distillationLoss(logits, liveTargets(predictions(teacher, batch), batch, loss), loss);
    const mean = valueOf(cached.divergence.mean().sub(live.divergence.mean()).abs());
    t.ok(mean < 1e-5, `${name}: the batch's loss differs by ${mean}`);
    for (const part of ['divergence', 'crossEntropy', 'dLogits'] as const) {
      const difference = relativeDifference(cached[part], live[part]);
      t.ok(difference < 1e-5, `${name}: ${part} differs by ${difference} of the largest`);
    }
    const apart = valueOf(live.divergence.max());
    t.ok(apart > 0.01, `${name}: teacher and student are ${apart} apart`);
  }
  dispose();
});

t.test('and it is KL(teacher || student) of the two softmaxes, in float64', async (t) => {
  const { batchAt, teacher, student, dispose } = await scene(t);
  const batch = await batchAt(1);
  const [p, q] = [predictions(teacher, batch), predictions(student, batch)];
  const found = distillationLoss(q, batch.targets, PLAIN).divergence.dataSync();
  const rows = (logits: Tensor) => logits.arraySync() as number[][];
  const exact = rows(p).map((row, n) => klOfLogits(row, rows(q)[n]!));
  // Float32 log-probabilities of about -10 are 1e-6 apart, and these KLs are 2 to 9.
  const difference = Math.max(...exact.map((kl, n) => Math.abs(found[n]! / kl - 1)));
  t.ok(difference < 5e-6, `${exact.length} positions differ by ${difference} of the KL at most`);
  dispose();
});

/** A teacher, its cache over a mix (one batch), another model as student, and the batch as training reads it. */
async function scene(t: Test) {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  await makeTinyModel(at('teacher'), { headRows: 320 });
  await makeTinyModel(at('student'), { headRows: 320, seed: 1 });
  const samples = randomSamples(12);
  await writeTinyMix(at('mix'), { tokenizer: at('teacher'), samples });
  const config = logitsConfig.parse({ top_k: V, mass: 1, temperatures: [2], precision: 'float32' });
  await dumpLogits({ config, mix: at('mix'), teacher: at('teacher'), out: at('logits') });
  const cache = await openLogits(at('logits'));
  const [micro] = batchesByLength(samples, 8192);
  const batchAt = (temperature: number) => trainingBatch(micro!, cache, { temperature });
  const teacher = await loadDecoder(at('teacher'), { dtype: 'bfloat16' }); // as the stage loads it
  const student = await loadDecoder(at('student'), { dtype: 'float32' });
  t.teardown(() => cache.close());
  const dispose = () => [teacher, student].forEach(disposeDecoder);
  return { batchAt, teacher, student, dispose };
}

/** A model's logits [n, V] at the positions that predict a target. */
function predictions(decoder: Decoder, { ids, B, T, rows }: TrainingBatch): Tensor {
  return tf.tidy(() => {
    const hidden = hiddenStates(decoder, ids, batchShape(decoder, { B, T }));
    return logitsOf(gatherRows(hidden, int32(rows)), decoder).slice([0, 0], [-1, V]);
  });
}

/** All tokens of the live teacher in order of their ids, at the loss's temperature. */
function liveTargets(
  logits: Tensor,
  { targets: { labels } }: TrainingBatch,
  { temperature }: DistillationLoss,
): TeacherTargets {
  const n = logits.shape[0];
  return {
    ids: tf.tile(tf.range(0, V, 1, 'int32').expandDims(0), [n, 1]),
    logits,
    logSumExp: tf.logSumExp(logits.div(temperature), 1, true),
    logTailMass: tf.fill([n, 1], LOG_ZERO),
    labels,
  };
}

function valueOf(scalar: Tensor): number {
  return scalar.dataSync()[0]!;
}

/** The largest |a - b| over the largest |b|. */
function relativeDifference(a: Tensor, b: Tensor): number {
  return valueOf(a.sub(b).abs().max()) / valueOf(b.abs().max());
}

function klOfLogits(teacher: readonly number[], student: readonly number[]): number {
  const [a, b] = [logSumExp(teacher), logSumExp(student)];
  return teacher.reduce((sum, z, id) => sum + Math.exp(z - a) * (z - a - (student[id]! - b)), 0);
}

function logSumExp(logits: readonly number[]): number {
  const max = Math.max(...logits);
  return max + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - max), 0));
}
