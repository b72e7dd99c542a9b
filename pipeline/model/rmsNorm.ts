// Root-mean-square normalization (arXiv 1910.07467), in float32 as transformers computes it.
// With r = (mean(x²) + eps)^-½ and y = r x γ, writing h = dy γ:
//   dx = r h - r³ x mean(h x),   dγ = Σ_rows dy x r
// because dr/dx_j = -r³ x_j / D.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast } from '../engine/layoutOps.ts';
import { dtypeOf, rawOp, rawOps, type DType } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { withGradient } from '../engine/tape.ts';

/**
 * @param x [N, D] float32
 * @param gamma [D] float32
 * @param dtype precision of the result, that of the products it goes into
 */
export function rmsNorm(x: Tensor, gamma: Tensor, { eps, dtype }: { eps: number; dtype: DType }): Tensor {
  return withGradient(
    [x, gamma],
    () => ({
      value: normalized(x, gamma, { eps, dtype }),
      saved: [x, gamma] as [Tensor, Tensor],
    }),
    (dy, [x, gamma]) => {
      const T = dtypeOf(dy);
      if (hasFusedKernels())
        return rawOps('RedistillRmsNormGrad', [x, gamma, dy], { T, eps: { float: eps } }, 2);
      const r = inverseRms(x, eps); // [N, 1]
      const unscaled = x.mul(r);
      const dNormalized = cast(dy, 'float32');
      const h = dNormalized.mul(gamma);
      const meanHX = h.mul(unscaled).mean(1, true); // r mean(h x)
      return [h.sub(unscaled.mul(meanHX)).mul(r), dNormalized.mul(unscaled).sum(0)];
    },
  );
}

function normalized(x: Tensor, gamma: Tensor, { eps, dtype }: { eps: number; dtype: DType }): Tensor {
  if (hasFusedKernels()) return rawOp('RedistillRmsNorm', [x, gamma], { T: dtype, eps: { float: eps } });
  return cast(x.mul(inverseRms(x, eps)).mul(gamma), dtype);
}

function inverseRms(x: Tensor, eps: number): Tensor {
  return tf.rsqrt(tf.square(x).mean(-1, true).add(eps)); // [N, 1]
}
