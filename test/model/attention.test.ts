// Attention by blocks of queries over packed samples against the textbook's: the whole square of each sample by itself,
// a mask, and the gradient by tfjs's own tape. In float32.
import t from 'tap';
import { backpropagate, record } from '../../pipeline/engine/tape.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { QUERY_BLOCK } from '../../pipeline/model/causalAttention.ts';
import { attentionGroups, packedAttention } from '../../pipeline/model/packedAttention.ts';
import { largestDifference } from '../real/decoderLogits.ts';

const [H, KV, HEAD, THETA] = [6, 2, 8, 10_000];
const LENGTHS = [600, 580, 90, 90, 5];
const N = LENGTHS.reduce((sum, length) => sum + length, 0);

t.test('values and gradients are those of the whole square', (t) => {
  t.ok(LENGTHS[0]! > 2 * QUERY_BLOCK, 'three blocks of queries');
  const heads = tf.randomNormal([N, (H + 2 * KV) * HEAD], 0, 1, 'float32', 1);
  const dO = tf.randomNormal([N, H * HEAD], 0, 1, 'float32', 2);
  const [value, gradient] = tidyValue(() => ours(heads, dO));
  const [expectedValue, expectedGradient] = tidyValue((): [number[], number[]] => {
    const byTape = tf.grad((x) => textbook(x).mul(dO).sum())(heads);
    return [valuesOf(textbook(heads)), valuesOf(byTape)];
  });
  const differences = [
    largestDifference(value, expectedValue),
    largestDifference(gradient, expectedGradient),
  ];
  t.ok(Math.max(...differences) < 1e-5, `they differ by ${differences.join(' and ')}`);
  tf.dispose([heads, dO]);
  t.end();
});

function ours(heads: Tensor, dO: Tensor): [number[], number[]] {
  const rope = { theta: THETA, scaling: { type: 'default' } } as const;
  const groups = attentionGroups({ rope, headDim: HEAD }, LENGTHS);
  const { value, tape } = record(() => packedAttention(heads, { groups, headDim: HEAD, queryHeads: H }));
  let gradient: number[] = [];
  backpropagate(tape, dO, new Map([[heads.id, (d) => void (gradient = valuesOf(d))]]));
  return [valuesOf(value), gradient];
}

/** Sample by sample: softmax(rope(Q) rope(K)ᵀ / √hd + mask) V for each head. */
function textbook(heads: Tensor): Tensor {
  const samples = tf.split(heads, LENGTHS, 0).map((x) => {
    const T = x.shape[0];
    const byHead = x.reshape([T, -1, HEAD]).transpose([1, 0, 2]); // [H + 2 KV, T, hd]
    const [Q, K, V] = tf.split(byHead, [H, KV, KV], 0) as [Tensor, Tensor, Tensor];
    const future = tf.range(0, T).expandDims(0).greater(tf.range(0, T).expandDims(1)); // [T, T]
    const scores = tf.matMul(rope(Q), forEachQuery(rope(K)), false, true).div(Math.sqrt(HEAD));
    const P = tf.softmax(scores.add(future.cast('float32').mul(-1e9)));
    return tf.matMul(P, forEachQuery(V)).transpose([1, 0, 2]).reshape([T, -1]);
  });
  return tf.concat(samples, 0);
}

/** Each key head once for every query head that shares it: [KV, T, hd] to [H, T, hd]. */
function forEachQuery(x: Tensor): Tensor {
  return tf.gather(
    x,
    Array.from({ length: H }, (_, h) => Math.floor(h / (H / KV))),
  );
}

/** The pair (i, i + hd/2) of position t turned by t theta^(-2i/hd). */
function rope(x: Tensor): Tensor {
  const [half, T] = [HEAD / 2, x.shape[1]!];
  const rates = Array.from({ length: half }, (_, i) => THETA ** ((-2 * i) / HEAD));
  const angles = tf.outerProduct(tf.range(0, T).as1D(), tf.tensor1d(rates)); // [T, hd/2]
  const [a, b] = tf.split(x, 2, 2) as [Tensor, Tensor];
  const [cos, sin] = [tf.cos(angles), tf.sin(angles)];
  return tf.concat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], 2);
}

function valuesOf(x: Tensor): number[] {
  return Array.from(x.dataSync<'float32'>());
}
