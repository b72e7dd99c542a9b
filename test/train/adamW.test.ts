// Ten updates against torch.optim.AdamW (test/golden/train/makeAdamW.py).
import t, { type Test } from 'tap';
import { withoutFusedKernels } from '../../pipeline/engine/fusedKernels.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { withValue } from '../../pipeline/engine/variable.ts';
import { adamWUpdate } from '../../pipeline/train/adamW.ts';
import { disposeState, optimizerState } from '../../pipeline/train/optimizerState.ts';
import { readJson } from '../readJson.ts';

interface Golden {
  options: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  start: number[];
  gradients: number[][];
  end: number[];
}

function equalsTorch(t: Test): void {
  const golden = readJson('test/golden/train/adamW.json') as Golden;
  const { lr, betas, eps, weight_decay } = golden.options;
  const before = tf.memory().numTensors;
  const initial = tf.tensor2d(golden.start, [6, 5]);
  const state = optimizerState(initial, { dtype: 'float32' });
  initial.dispose();
  golden.gradients.forEach((gradient, i) => {
    tf.tidy(() => {
      const options = {
        learningRate: lr,
        beta1: betas[0],
        beta2: betas[1],
        epsilon: eps,
        weightDecay: weight_decay,
      };
      const scaled = tf.tensor2d(gradient, [6, 5]).mul<Tensor>(4);
      adamWUpdate(state, scaled, { ...options, gradientScale: 0.25, step: i + 1 });
    });
  });
  const end = withValue(state.weight, (value) => value.dataSync());
  const worst = Math.max(...golden.end.map((value, i) => Math.abs(end[i]! - value)));
  t.ok(worst <= 1e-6, `largest difference ${worst}`);
  disposeState(state);
  t.equal(tf.memory().numTensors, before, 'nothing is left behind');
}

t.test('ten updates equal torch.optim.AdamW', (t) => {
  equalsTorch(t);
  withoutFusedKernels(() => equalsTorch(t));
  t.end();
});
