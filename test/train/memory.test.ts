// A run of 200 steps: the number of tensors and the resident memory are flat after step 5.
import t from 'tap';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { trainScene } from './trainScene.ts';

t.test('200 steps', async (t) => {
  const { train } = await trainScene(t);
  const tensors: number[] = [];
  const resident: number[] = [];
  const onStep = () => {
    tensors.push(tf.memory().numTensors);
    resident.push(process.memoryUsage().rss);
  };
  await train({ epochs: 40, max_steps: 200, checkpoint_every: 1000, eval_every: 50 }, { hooks: { onStep } });
  t.equal(tensors.length, 200);
  console.error(resident.filter((_, i) => i % 10 === 4).map((v) => (v / 1e6).toFixed(0)).join(' '), new Set(tensors.slice(5)));
});
