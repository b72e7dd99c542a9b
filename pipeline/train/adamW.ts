// AdamW (arXiv 1711.05101), in place, in float32: decay first, then Adam's step, as torch.optim.AdamW does:
//   w -= lr λ w;   m = β₁ m + (1-β₁) g;   v = β₂ v + (1-β₂) g²;   w -= lr/(1-β₁ᵗ) m / (√v / √(1-β₂ᵗ) + ε)
// TensorFlow's ResourceApplyAdam, as our own kernel, computes w -= lr √(1-β₂ᵗ)/(1-β₁ᵗ) m / (√v + ε'), which is the
// same with ε' = ε √(1-β₂ᵗ).
import { hasFusedKernels } from '../engine/fusedKernels.ts';
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
  /** What the gradient is multiplied by first, such as a clipped norm over the norm. */
  gradientScale?: number;
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
  const { learningRate, beta1, beta2, epsilon, weightDecay, gradientScale = 1, step } = options;
  const decayFactor = 1 - learningRate * weightDecay;
  const correction = Math.sqrt(1 - beta2 ** step);
  const variables = [weight, firstMoment, secondMoment];
  tf.tidy(() => {
    if (hasFusedKernels()) {
      const stepSize = (learningRate * correction) / (1 - beta1 ** step);
      const settings = [gradientScale, decayFactor, beta1, beta2, stepSize, epsilon * correction];
      rawOps('RedistillAdamW', [...variables.map(readVariable), gradient, tf.tensor1d(settings)], {}, 0);
      return;
    }
    if (weightDecay > 0) assign(weight, readVariable(weight).mul(decayFactor));
    const scalars = [beta1 ** step, beta2 ** step, learningRate, beta1, beta2, epsilon * correction];
    const inputs = [
      ...variables.map(({ handle }) => handle),
      ...scalars.map((value) => tf.scalar(value)),
      gradientScale === 1 ? gradient : gradient.mul(gradientScale),
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
