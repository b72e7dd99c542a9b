// A run of 200 steps: the number of tensors and the resident memory are flat after step 5. All samples have one length, as
// TensorFlow keeps what it has prepared for a shape; that is bounded, but takes a while.
import t from 'tap';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { sampleOf } from '../tinyMix.ts';
import { splitSamples, trainScene } from './trainScene.ts';

const LENGTH = 20;

/** Bytes by which the resident memory may grow from the first to the last steps: less than 0.1 MB a step leaked. */
const SLACK = 15e6;

t.test('200 steps', async (t) => {
  const samples = splitSamples(40).map(({ source, split }, i) => {
    const ids = Int32Array.from({ length: LENGTH }, (_, j) => (31 * i + 7 * j * j) % 300);
    return { ...sampleOf(ids, new Uint8Array(LENGTH).fill(1, 1)), source, split };
  });
  const { train } = await trainScene(t, { samples });
  const tensors: number[] = [];
  const resident: number[] = [];
  const onStep = () => {
    tensors.push(tf.memory().numTensors);
    resident.push(process.memoryUsage().rss);
  };
  await train({ epochs: 40, max_steps: 200, checkpoint_every: 1000 }, { hooks: { onStep } });
  t.equal(tensors.length, 200);
  t.equal(new Set(tensors.slice(5)).size, 1, `tensors after each step: ${[...new Set(tensors)].join(', ')}`);
  const [early, late] = [resident.slice(5, 35), resident.slice(-30)].map(median);
  t.ok(late! - early! < SLACK, `resident memory from ${early! / 1e6} MB to ${late! / 1e6} MB`);
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
