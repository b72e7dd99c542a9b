// AdamW (arXiv 1711.05101), in place: decay first, then Adam's step, as torch.optim.AdamW does:
//   w -= lr λ w;   m = β₁ m + (1-β₁) g;   v = β₂ v + (1-β₂) g²;   w -= lr/(1-β₁ᵗ) m / (√v / √(1-β₂ᵗ) + ε)
// computed in float32 as w -= lr √(1-β₂ᵗ)/(1-β₁ᵗ) m / (√v + ε'), which is the same with ε' = ε √(1-β₂ᵗ).
// What is held in fewer bits than float32 is rounded at random, each weight by 32 bits of its own: 16 for the weight and
// 8 for either moment. To the nearest, a bfloat16 weight would not move at all by steps below its 256th part.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, concat, reshape, slice } from '../engine/layoutOps.ts';
import { bitsFrom, randomBits, type RandomKey } from '../engine/randomBits.ts';
import { roundRandomly } from '../engine/roundRandomly.ts';
import { dtypeOf, int32, rawOps, upload } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { assign, readVariable, withValue } from '../engine/variable.ts';
import {
  CODE_BLOCK,
  decodeFirst,
  decodeSecond,
  encodeFirst,
  encodeSecond,
  type Codes,
} from './momentCodes.ts';
import { refreshCopy, savedVariables, type Moment, type OptimizerState } from './optimizerState.ts';

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
  /** Of this update of this parameter alone; chooses how it is rounded. */
  key?: RandomKey;
}

/** One update of the state by `gradient` (float32 or bfloat16, of the weight's shape). */
export function adamWUpdate(state: OptimizerState, gradient: Tensor, options: AdamOptions): void {
  tf.tidy(() => {
    if (hasFusedKernels()) fusedUpdate(state, gradient, options);
    else composedUpdate(state, gradient, options);
  });
}

/**
 * What |m| / √v cannot exceed, by Cauchy and Schwarz: Σ (1-β₁) β₁ⁱ g over √(Σ (1-β₂) β₂ⁱ g²). Codes of an element with
 * small gradients among large ones can, by far.
 */
function largestQuotient(beta1: number, beta2: number): number {
  return beta1 ** 2 < beta2 ? (1 - beta1) / Math.sqrt((1 - beta2) * (1 - beta1 ** 2 / beta2)) : Infinity;
}

/** What the formula multiplies by, and the largest step of a weight. */
function factorsOf({
  learningRate,
  beta1,
  beta2,
  epsilon,
  weightDecay,
  gradientScale = 1,
  step,
}: AdamOptions) {
  const correction = Math.sqrt(1 - beta2 ** step);
  const stepSize = (learningRate * correction) / (1 - beta1 ** step);
  return {
    ...{ gradientScale, decay: 1 - learningRate * weightDecay, beta1, beta2 },
    ...{ stepSize, epsilon: epsilon * correction, largest: stepSize * largestQuotient(beta1, beta2) },
  };
}

function fusedUpdate(
  { weight, copy, first, second }: OptimizerState,
  gradient: Tensor,
  options: AdamOptions,
) {
  const settings = upload(Float32Array.from(Object.values(factorsOf(options))), [7]);
  const none = upload(new Float32Array(0), [0]);
  const scalesOf = ({ scales }: Moment) => (scales ? readVariable(scales) : none);
  const inputs = [
    ...[readVariable(weight), copy ? readVariable(copy) : cast(none, 'bfloat16')],
    ...[readVariable(first.values), readVariable(second.values)],
    ...[scalesOf(first), scalesOf(second)],
    ...[gradient, settings, int32(options.key ?? NO_KEY)],
  ];
  const attributes = { W: weight.dtype, M: first.values.dtype, G: dtypeOf(gradient) };
  rawOps('RedistillAdamW', inputs, attributes, 0);
}

const NO_KEY: RandomKey = [0, 0]; // of float32 throughout

/** Elements that are updated at once, so that what is computed in float32 on the way stays small. */
const PIECE = 1 << 24;

function composedUpdate(state: OptimizerState, gradient: Tensor, options: AdamOptions): void {
  const pieces: Tensor[][] = [];
  for (let begin = 0; begin < gradient.size; begin += PIECE) {
    const range = { begin, size: Math.min(PIECE, gradient.size - begin) };
    pieces.push(tf.tidy(() => updatedPiece(state, gradient, range, options)));
  }
  savedVariables(state).forEach(([, variable], i) => {
    const whole = concat(
      pieces.map((parts) => parts[i]!),
      0,
    );
    assign(
      variable,
      reshape(
        whole,
        withValue(variable, ({ shape }) => shape),
      ),
    );
  });
  refreshCopy(state);
}

/** Elements of a tensor in row-major order. */
interface Range {
  begin: number; // a multiple of CODE_BLOCK
  size: number;
}

/** The new state of some elements, in the order of `savedVariables`. */
function updatedPiece(state: OptimizerState, gradient: Tensor, range: Range, options: AdamOptions): Tensor[] {
  const { gradientScale, decay, beta1, beta2, stepSize, epsilon, largest } = factorsOf(options);
  const bits = randomBits(options.key ?? NO_KEY, range);
  const g = pieceOf(gradient, range).mul<Tensor>(gradientScale);
  const m = movedTo(g, loadMoment(state.first, range, decodeFirst), 1 - beta1);
  const v = movedTo(g.square(), loadMoment(state.second, range, decodeSecond), 1 - beta2);
  const step = m.mul(stepSize).div(v.sqrt().add(epsilon)).clipByValue(-largest, largest);
  const w = pieceOf(readVariable(state.weight), range).mul(decay).sub<Tensor>(step);
  return [
    state.weight.dtype === 'float32' ? w : roundRandomly(w, bitsFrom(bits, 0, 16)),
    ...storeMoment(m, state.first, { bits8: bitsFrom(bits, 16, 8), encode: encodeFirst }),
    ...storeMoment(v, state.second, { bits8: bitsFrom(bits, 24, 8), encode: encodeSecond }),
  ];
}

/** mean + (x - mean) share */
function movedTo(x: Tensor, mean: Tensor, share: number): Tensor {
  return mean.add(x.sub(mean).mul(share));
}

function pieceOf(tensor: Tensor, { begin, size }: Range): Tensor {
  return cast(slice(reshape(tensor, [-1]), [begin], [size]), 'float32');
}

function loadMoment({ values, scales }: Moment, range: Range, decode: (codes: Codes) => Tensor): Tensor {
  if (!scales) return pieceOf(readVariable(values), range);
  const blocks = { begin: range.begin / CODE_BLOCK, size: Math.ceil(range.size / CODE_BLOCK) };
  return decode({
    codes: pieceOf(readVariable(values), range),
    scales: pieceOf(readVariable(scales), blocks),
  });
}

function storeMoment(
  mean: Tensor,
  { values }: Moment,
  { bits8, encode }: { bits8: Tensor; encode: (mean: Tensor, bits8: Tensor) => Codes },
): Tensor[] {
  if (values.dtype === 'float32') return [mean];
  if (values.dtype === 'bfloat16')
    return [roundRandomly(mean, bits8.mul<Tensor>(int32(256)).add(int32(128)))];
  const { codes, scales } = encode(mean, bits8);
  return [codes, scales];
}
