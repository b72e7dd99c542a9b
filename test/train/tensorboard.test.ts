// What a run tells: metrics.jsonl and the event files for TensorBoard hold the same figures, each step once, also in a
// run that was stopped and continued.
import t from 'tap';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { isStep, type MetricRecord } from '../../pipeline/train/metrics.ts';
import { TrainingStopped } from '../../pipeline/train/runSteps.ts';
import { readEvents, type Scalar } from './readEvents.ts';
import { readMetrics, trainScene, type TrainScene } from './trainScene.ts';

const PARAMETERS = { epochs: 2, eval_every: 4, checkpoint_every: 3 };

t.test('the figures of every step and evaluation', async (t) => {
  const { train, at } = await trainScene(t);
  const before = tf.memory().numTensors;
  await train(PARAMETERS);
  t.equal(tf.memory().numTensors, before, 'no tensor is left');
  checkEvents(readEvents(at('run/tensorboard')), readMetrics(at('run')));
});

t.test('a run that was stopped and continued writes no step twice', async (t) => {
  const scene = await trainScene(t);
  await scene.train(PARAMETERS);
  await stopAfter(scene, 5);
  // what a killed run has written after its last checkpoint, which was after step 3, is lost
  const written = readEvents(scene.at('stopped/tensorboard'));
  t.equal(Math.max(...written.map(({ step }) => step)), 5);
  await scene.train(PARAMETERS, { out: 'stopped' });
  const metrics = readMetrics(scene.at('stopped'));
  t.same(metrics, readMetrics(scene.at('run')));
  checkEvents(readEvents(scene.at('stopped/tensorboard')), metrics);
});

/** Ends a run with an error after a step that no checkpoint follows, as if it were killed. */
async function stopAfter({ train }: TrainScene, step: number): Promise<void> {
  const onStep = (metrics: { step: number }) => {
    if (metrics.step === step) throw new TrainingStopped('as if killed');
  };
  await t.rejects(train(PARAMETERS, { out: 'stopped', hooks: { onStep } }), TrainingStopped);
}

function checkEvents(events: Scalar[], metrics: MetricRecord[]): void {
  const values = new Map(events.map(({ tag, step, value }) => [`${tag} ${step}`, value]));
  t.equal(values.size, events.length, 'no figure twice');
  const steps = metrics.filter(isStep);
  t.equal(events.length, 6 * steps.length + 4 * (metrics.length - steps.length), 'all figures');
  for (const record of metrics) {
    const figures = isStep(record)
      ? { loss: record.loss, kl: record.divergence, cross_entropy: record.cross_entropy }
      : { 'held_out/kl': record.held_out.kl, 'held_out/agreement': record.held_out.agreement };
    const also = isStep(record)
      ? { learning_rate: record.learning_rate, gradient_norm: record.gradient_norm }
      : { 'held_out/cross_entropy': record.held_out.cross_entropy };
    for (const [tag, value] of Object.entries({ ...figures, ...also }))
      t.equal(values.get(`${tag} ${record.step}`), Math.fround(value), `${tag} after step ${record.step}`);
    if (isStep(record)) t.ok(values.get(`tokens_per_second ${record.step}`)! > 0);
  }
}
