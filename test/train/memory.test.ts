// A run of 200 steps: the number of tensors and the resident memory are flat after step 5. All samples have one length, as
// TensorFlow keeps what it has prepared for a shape; that is bounded, but takes a while. Garbage is collected before
// memory is read: V8 lets some 27 kB a step pile up until its heap has doubled, after 1,100 of these steps, and is
// then flat itself (measured over 6,000).
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import type { StepMetrics } from '../../pipeline/train/metrics.ts';
import { sampleOf } from '../tinyMix.ts';
import { splitSamples, trainScene } from './trainScene.ts';

const LENGTH = 20;

/** Bytes by which the resident memory may grow from the first to the last steps, as if 40 kB a step leaked: 3 to 4.5 MB are
 * what the C allocator takes until it fits, which it does for good after some 400 steps. */
const SLACK = 7e6;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

t.test('200 steps', async (t) => {
  const samples = splitSamples(40).map(({ source, split }, i) => {
    const ids = Int32Array.from({ length: LENGTH }, (_, j) => (31 * i + 7 * j * j) % 300);
    return { ...sampleOf(ids, new Uint8Array(LENGTH).fill(1, 1)), source, split };
  });
  const { train } = await trainScene(t, { samples });
  const tensors: number[] = [];
  const early: number[] = [];
  const late: number[] = [];
  const onStep = ({ step }: StepMetrics) => {
    tensors.push(tf.memory().numTensors);
    const resident = step > 5 && step <= 35 ? early : step > 170 ? late : undefined;
    if (!resident || step % 3 > 0) return;
    collectGarbage();
    resident.push(process.memoryUsage().rss);
  };
  await train({ epochs: 40, max_steps: 200, checkpoint_every: 1000 }, { hooks: { onStep } });
  t.equal(tensors.length, 200);
  t.equal(new Set(tensors.slice(5)).size, 1, `tensors after each step: ${[...new Set(tensors)].join(', ')}`);
  t.equal(late.length, early.length);
  const [from, to] = [median(early), median(late)];
  t.ok(to - from < SLACK, `resident memory from ${from / 1e6} MB to ${to / 1e6} MB`);
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
