// Low-rank adapters (LoRA, arXiv 2106.09685) beside frozen projections: y += s dropout(x) Aᵀ Bᵀ, s = alpha / rank.
// With x̃ = dropout(x) and u = s x̃ Aᵀ:  dB = dyᵀ u,  du = s dy B,  dA = duᵀ x̃,  dx = mask ∘ (du A).
// Nothing but x is kept for the way back: u is a narrow product, and the mask is a function of its seed.
import { actualRate, dropout } from './dropout.ts';
import { cast, concat, slice } from './layoutOps.ts';
import { matMul } from './matMul.ts';
import { dtypeOf, rawOp } from './rawOp.ts';
import { withGradient, type Parameter } from './tape.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** What is added to one projection; `down` and `up` are in the precision of its weight. */
export interface Adapter {
  down: Parameter; // A [rank, in]
  up: Parameter; // B [out, rank]
  scale: number;
  /** The part of x that a training pass sets to zero; the rest grows by 1 / (1 - dropout). */
  dropout: number;
  /** Tells its masks from those of other adapters. */
  index: number;
}

/**
 * @param y [N, Σ width], the products of projections side by side
 * @param x [N, in], what they were made of
 * @param parts the width of each and its adapter, if it has one
 * @returns y with all adapters added, in its dtype
 */
export function addLowRank(
  y: Tensor,
  x: Tensor,
  parts: { width: number; adapter?: Adapter | undefined }[],
  { dropoutSeed }: { dropoutSeed?: number },
): Tensor {
  const adapters = parts.flatMap(({ adapter }) => adapter ?? []);
  if (adapters.length === 0) return y;
  return withGradient(
    [y, x, ...adapters.flatMap(({ down, up }) => [down.values, up.values])],
    () => {
      const products = parts.map(({ width, adapter }) =>
        adapter ? product(x, adapter, dropoutSeed) : cast(tf.zeros([x.shape[0], width]), dtypeOf(y)),
      );
      return { value: sum([y, cast(concat(products, 1), dtypeOf(y))]), saved: [x] as [Tensor] };
    },
    (dy, [x]) => {
      const gradients = columnsOf(dy, parts).map(([dPart, adapter]) =>
        productGradient(x, dPart, adapter, dropoutSeed),
      );
      return [dy.clone(), sum(gradients.map(({ dx }) => dx)), ...gradients.flatMap(({ dA, dB }) => [dA, dB])];
    },
  );
}

/** The columns of dy that belong to each adapter. */
function columnsOf(dy: Tensor, parts: { width: number; adapter?: Adapter | undefined }[]) {
  let end = 0;
  return parts.flatMap(({ width, adapter }): [Tensor, Adapter][] => {
    const begin = end;
    end += width;
    return adapter ? [[slice(dy, [0, begin], [-1, width]), adapter]] : [];
  });
}

function product(x: Tensor, adapter: Adapter, dropoutSeed?: number): Tensor {
  return tf.tidy(() => {
    const { kept, scale } = dropped(x, adapter, dropoutSeed);
    return matMul(compressed(kept, adapter, scale), adapter.up.values, { transposeB: true });
  });
}

function productGradient(x: Tensor, dy: Tensor, adapter: Adapter, dropoutSeed?: number) {
  const { down, up } = adapter;
  return tf.tidy(() => {
    const { kept, drop, scale } = dropped(x, adapter, dropoutSeed);
    const dProduct = cast(dy, dtypeOf(up.values));
    const u = compressed(kept, adapter, scale); // [N, rank]
    const du = scaled(matMul(dProduct, up.values), scale);
    const dKept = matMul(du, down.values);
    return {
      dx: cast(drop(dKept), dtypeOf(x)),
      dA: matMul(du, kept, { transposeA: true }),
      dB: matMul(dProduct, u, { transposeA: true }),
    };
  });
}

/**
 * What dropout leaves of x, in the adapter's precision, the scale that makes up for the rest, and `drop`, which sets the
 * same elements of another tensor to zero.
 */
function dropped(x: Tensor, { down, scale, dropout: rate, index }: Adapter, seed?: number) {
  const input = cast(x, dtypeOf(down.values));
  if (seed === undefined || rate === 0) return { kept: input, drop: (d: Tensor) => d, scale };
  const drop = (d: Tensor) => dropout(d, { key: [seed, index], rate });
  return { kept: drop(input), drop, scale: scale / (1 - actualRate(rate)) };
}

/** u = s x Aᵀ */
function compressed(x: Tensor, { down }: Adapter, scale: number): Tensor {
  return scaled(matMul(x, down.values, { transposeB: true }), scale);
}

/** In float32, as a scale is rarely a power of two. */
function scaled(x: Tensor, factor: number): Tensor {
  return cast(cast(x, 'float32').mul(factor), dtypeOf(x));
}

function sum(tensors: Tensor[]): Tensor {
  return rawOp('AddN', tensors, { N: { int: tensors.length }, T: dtypeOf(tensors[0]!) });
}
