// Our side of the comparison `quantize`: HQQ with its solver at 4 bits in groups of 64, as the stage teacher calls it, on
// a matrix of `batch` rows and `length` columns in bfloat16. Its rate is in weights, not tokens.
import { cast } from '../../pipeline/engine/layoutOps.ts';
import { disposePacked } from '../../pipeline/engine/packedWeight.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { quantizeHqq } from '../../pipeline/teacher/quantizeHqq.ts';

export function quantize({ batch, length }: { batch: number; length: number }): () => Promise<object> {
  const weight = tf.tidy(() => cast(tf.randomNormal([batch, length], 0, 0.02, 'float32', 1), 'bfloat16'));
  return () => {
    disposePacked(quantizeHqq(weight, { bits: 4, groupSize: 64, axis: 1, optimize: true }));
    return Promise.resolve({});
  };
}
