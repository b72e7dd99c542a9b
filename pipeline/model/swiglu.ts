// The gated activation of the decoders' MLP (arXiv 2002.05202): silu(g) u with silu(g) = g σ(g).
// dg = dy u σ(g) (1 + g (1 - σ(g))),   du = dy silu(g). Computed in float32.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast } from '../engine/layoutOps.ts';
import { dtypeOf, rawOp, rawOps } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { withGradient } from '../engine/tape.ts';

/** silu(gate) * up, element by element; both [N, F] of one dtype. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return withGradient(
    [gate, up],
    () => ({ value: gated(gate, up), saved: [gate, up] as [Tensor, Tensor] }),
    (dValue, [gate, up]) => {
      const T = dtypeOf(gate);
      if (hasFusedKernels()) return rawOps('RedistillSwigluGrad', [gate, up, cast(dValue, T)], { T }, 2);
      const dy = cast(dValue, 'float32');
      const g = cast(gate, 'float32');
      const sigma = tf.sigmoid(g);
      const silu = g.mul(sigma);
      const dSilu = sigma.add(silu.mul(tf.sub(1, sigma))); // σ + g σ (1 - σ)
      return [dy.mul(cast(up, 'float32')).mul(dSilu), dy.mul(silu)];
    },
  );
}

function gated(gate: Tensor, up: Tensor): Tensor {
  const T = dtypeOf(gate);
  if (hasFusedKernels()) return rawOp('RedistillSwiglu', [gate, up], { T });
  const g = cast(gate, 'float32');
  return cast(g.mul(tf.sigmoid(g)).mul(cast(up, 'float32')), T);
}
