// Head and loss together, one block of positions at a time: logits, loss and their gradient exist for a block only,
// and what remains is dHidden and dWeight. So memory does not grow with tokens times vocabulary.
// With z = h Wᵀ:  dh = dz W,  dW = Σ_blocks dzᵀ h.
import { cast, slice } from '../engine/layoutOps.ts';
import { linear, type DenseWeight } from '../engine/linear.ts';
import { matMul } from '../engine/matMul.ts';
import { dtypeOf } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import {
  distillationLoss,
  rowsOfTargets,
  type DistillationLoss,
  type TeacherTargets,
} from './distillationLoss.ts';

/** Of a block; in bfloat16 they and their gradient take 256 MB. More is no faster. */
const BLOCK_LOGITS = 2 ** 26;

/**
 * The number given, or for `auto` the power of two of positions whose logits are at most `BLOCK_LOGITS`. It follows from
 * the model, not from the machine's memory, as a resumed run has to add up the same blocks.
 */
export function headBlockOf(headBlock: number | 'auto', { vocabSize }: { vocabSize: number }): number {
  if (headBlock !== 'auto') return headBlock;
  return Math.min(4096, 2 ** Math.floor(Math.log2(BLOCK_LOGITS / vocabSize)));
}

/** Sums over positions, each times its weight in the targets; divide by the sum of the weights for means. */
export interface LossSums {
  divergence: number;
  crossEntropy: number;
}

/**
 * @param hidden [n, D] after the final norm, one row a loss position
 * @param scale what each position's weight is multiplied by: 1 / the sum of the weights of the whole step
 * @param addHeadGradient receives each block's share of dW [V, D] in the head's precision; it is disposed afterwards. A
 * frozen head has none, and none is computed
 * @returns the sums and dHidden [n, D] float32
 */
export function headLoss({
  hidden,
  head,
  targets,
  loss,
  scale,
  blockSize,
  addHeadGradient,
}: {
  hidden: Tensor;
  head: DenseWeight;
  targets: TeacherTargets;
  loss: DistillationLoss;
  scale: number;
  blockSize: number;
  addHeadGradient?: ((dWeight: Tensor) => void) | undefined;
}): { sums: LossSums; dHidden: Tensor } {
  const sums = { divergence: 0, crossEntropy: 0 };
  const dHidden = tf.tidy(() => {
    const blocks: Tensor[] = [];
    for (let begin = 0; begin < hidden.shape[0]; begin += blockSize)
      blocks.push(tf.tidy(() => block(begin, Math.min(blockSize, hidden.shape[0] - begin))));
    return tf.concat(blocks, 0);
  });
  return { sums, dHidden };

  function block(begin: number, rows: number): Tensor {
    const dtype = dtypeOf(head.values);
    const h = cast(slice(hidden, [begin, 0], [rows, -1]), dtype);
    const part = rowsOfTargets(targets, begin, rows);
    const { divergence, crossEntropy, dLogits } = distillationLoss(linear(h, { weight: head }), part, loss, {
      gradientDtype: dtype,
    });
    sums.divergence += weightedSum(divergence, part.weights);
    sums.crossEntropy += weightedSum(crossEntropy, part.weights);
    const share = part.weights?.mul(scale) ?? scale; // of each position: [n, 1], or one for all
    if (addHeadGradient) {
      const scaled = cast(cast(h, 'float32').mul(share), dtype);
      addHeadGradient(matMul(dLogits, scaled, { transposeA: true }));
    }
    return cast(matMul(dLogits, head.values), 'float32').mul(share);
  }
}

function weightedSum(values: Tensor, weights: Tensor | undefined): number {
  return (weights ? values.mul(weights.squeeze([1])) : values).sum().dataSync()[0]!;
}
