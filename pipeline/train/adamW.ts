// AdamW (arXiv 1711.05101), in place, in float32: decay first, then Adam's step, as torch.optim.AdamW does:
//   w -= lr λ w;   m = β₁ m + (1-β₁) g;   v = β₂ v + (1-β₂) g²;   w -= lr/(1-β₁ᵗ) m / (√v / √(1-β₂ᵗ) + ε)
// TensorFlow's ResourceApplyAdam computes w -= lr √(1-β₂ᵗ)/(1-β₁ᵗ) m / (√v + ε'), which is the same
// with ε' = ε √(1-β₂ᵗ).
import { rawOps } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { assign, createVariable, disposeVariable, readVariable, type Variable } from '../engine/variable.ts';

/** One parameter's float32 value and moments. */
export interface AdamState {
  weight: Variable;
  firstMoment: Variable;
  secondMoment: Variable;
}

export interface AdamOptions {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** The number of this update, from 1. */
  step: number;
}

/** State for a parameter that starts at `initial` (float32). */
export function adamState(initial: Tensor): AdamState {
  return { weight: createVariable(initial), firstMoment: zeros(initial), secondMoment: zeros(initial) };
}

/** One update of the state by `gradient` (float32, of the weight's shape). */
export function adamWUpdate(
  { weight, firstMoment, secondMoment }: AdamState,
  gradient: Tensor,
  options: AdamOptions,
): void {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step } = options;
  tf.tidy(() => {
    if (weightDecay > 0) decay(weight, 1 - learningRate * weightDecay);
    const beta1Power = beta1 ** step;
    const beta2Power = beta2 ** step;
    const scalars = [beta1Power, beta2Power, learningRate, beta1, beta2, epsilon * Math.sqrt(1 - beta2Power)];
    const inputs = [
      weight.handle,
      firstMoment.handle,
      secondMoment.handle,
      ...scalars.map((value) => tf.scalar(value)),
      gradient,
    ];
    rawOps('ResourceApplyAdam', inputs, { T: 'float32', use_locking: false, use_nesterov: false }, 0);
  });
}

export function disposeAdamState({ weight, firstMoment, secondMoment }: AdamState): void {
  [weight, firstMoment, secondMoment].forEach(disposeVariable);
}

function zeros(like: Tensor): Variable {
  const values = tf.zerosLike(like);
  const variable = createVariable(values);
  values.dispose();
  return variable;
}

function decay(weight: Variable, factor: number): void {
  assign(weight, readVariable(weight).mul(factor));
}
