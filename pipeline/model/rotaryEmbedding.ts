// Rotary position embedding (arXiv 2104.09864) in the half-split layout of Hugging Face checkpoints: the pair of
// dimension i is i + hd/2. rope(x) = x cos + swap(x) sin, where swap exchanges the halves and the sine's first half
// is negated. A rotation's gradient is the rotation back: the same with the sine negated.
import type { ModelConfig } from './modelConfig.ts';
import { dtypeOf, int32, rawOp } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';

/** Cosines and signed sines of every position, [1, T, 1, hd] float32. */
export interface RotaryTables {
  cos: Tensor;
  sin: Tensor;
}

/** The tables for positions `0 .. length-1`. */
export function rotaryTables({
  length,
  ...config
}: Pick<ModelConfig, 'rope' | 'headDim'> & { length: number }): RotaryTables {
  return rotaryTablesAt(
    Array.from({ length }, (_, position) => position),
    config,
  );
}

/** The tables for any positions, one after the other. Angles are computed in float64. */
export function rotaryTablesAt(
  positions: ArrayLike<number>,
  { rope, headDim }: Pick<ModelConfig, 'rope' | 'headDim'>,
): RotaryTables {
  const { length } = positions;
  const frequencies = inverseFrequencies(rope, headDim);
  const half = frequencies.length;
  const cos = new Float32Array(length * headDim);
  const sin = new Float32Array(length * headDim);
  for (let t = 0; t < length; t++)
    frequencies.forEach((frequency, i) => {
      const at = t * headDim + i;
      cos[at] = cos[at + half] = Math.cos(positions[t]! * frequency);
      sin[at + half] = Math.sin(positions[t]! * frequency);
      sin[at] = -sin[at + half]!;
    });
  const shape: [number, number, number, number] = [1, length, 1, headDim];
  return { cos: tf.tensor(cos, shape), sin: tf.tensor(sin, shape) };
}

/** Rotates heads [B, T, H, hd] (float32) by their positions. */
export function rotate(x: Tensor, { cos, sin }: RotaryTables): Tensor {
  return x.mul(cos).add(swapHalves(x).mul(sin));
}

/** The inverse of `rotate`, and its gradient. */
export function rotateBack(x: Tensor, { cos, sin }: RotaryTables): Tensor {
  return rotate(x, { cos, sin: sin.neg() });
}

function swapHalves(x: Tensor): Tensor {
  const shift = int32([x.shape.at(-1)! / 2]);
  const axis = int32([x.rank - 1]);
  return rawOp('Roll', [x, shift, axis], { T: dtypeOf(x), Tshift: 'int32', Taxis: 'int32' });
}

/** theta^(-2i/hd) for each pair, rescaled as `rope.scaling` says; for `llama3` as in Meta's llama-models (apply_scaling). */
function inverseFrequencies({ theta, scaling }: ModelConfig['rope'], headDim: number): number[] {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  if (scaling.type === 'linear') return plain.map((frequency) => frequency / scaling.factor);
  if (scaling.type !== 'llama3') return plain;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  return plain.map((frequency) => {
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI); // rotations within the original context
    const kept = Math.min(1, Math.max(0, (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)));
    return kept * frequency + ((1 - kept) * frequency) / factor;
  });
}
