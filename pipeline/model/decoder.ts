// The decoder of Qwen2 and Llama checkpoints, written once for frozen teacher and training student: what differs is
// the kind of each weight, and `linear` knows that. The residual stream is float32 [N, D] with N = B T tokens;
// products run in the precision of their weights. Layers are separate functions so that training can go through
// them one by one, keeping only what lies between two layers.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, gatherRows } from '../engine/layoutOps.ts';
import { linear, linears, type DenseWeight, type Linear, type Weight } from '../engine/linear.ts';
import { dtypeOf, int32, rawOp, type DType } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { withGradient, type Parameter } from '../engine/tape.ts';
import type { ModelConfig } from './modelConfig.ts';
import { attentionGroups, packedAttention } from './packedAttention.ts';
import { rmsNorm } from './rmsNorm.ts';
import { swiglu } from './swiglu.ts';

/** The parameters of one decoder layer. */
export interface DecoderLayer {
  inputNorm: Parameter;
  query: Linear;
  key: Linear;
  value: Linear;
  output: Linear;
  postAttentionNorm: Parameter;
  gate: Linear;
  up: Linear;
  down: Linear;
}

/** A model in the engine's memory. With a tied head, `head` is the very object `embedding`. */
export interface Decoder {
  config: ModelConfig;
  /** Precision of the products: float32 or bfloat16. */
  dtype: DType;
  embedding: DenseWeight; // [V, D]
  layers: DecoderLayer[];
  finalNorm: Parameter; // [D]
  head: Weight; // [V, D]
}

/** What a pass over a batch needs to know of it. */
export interface BatchShape {
  /** Projected heads, queries, keys and values side by side, [N, (H + 2 KV) hd], to [N, H hd]. */
  attention: (heads: Tensor) => Tensor;
  /** Of a training pass through adapters with dropout, another one each pass. */
  dropoutSeed?: number;
}

/** Of a batch padded on the right, where causal attention never looks, or of samples packed one after the other. */
export function batchShape(
  { config }: Pick<Decoder, 'config'>,
  { B, T, lengths = Array<number>(B).fill(T) }: { B: number; T: number; lengths?: number[] | undefined },
): BatchShape {
  const { numAttentionHeads: queryHeads, headDim } = config;
  const groups = attentionGroups(config, lengths);
  return { attention: (heads) => packedAttention(heads, { queryHeads, headDim, groups }) };
}

/** Rows of the embedding matrix: int32 ids [N] to [N, D] float32. */
export function embed({ embedding }: Pick<Decoder, 'embedding'>, ids: Int32Array): Tensor {
  return tf.tidy(() => cast(gatherRows(embedding.values, int32(ids)), 'float32'));
}

/** One layer: x + attention(norm(x)), then x + mlp(norm(x)). `x` is [B T, D] float32. */
export function decoderLayer(
  x: Tensor,
  layer: DecoderLayer,
  decoder: Pick<Decoder, 'config' | 'dtype'>,
  shape: BatchShape,
): Tensor {
  const norm = { eps: decoder.config.rmsNormEps, dtype: decoder.dtype };
  const attended = addResidual(x, selfAttention(rmsNorm(x, layer.inputNorm.values, norm), layer, shape));
  return addResidual(attended, mlp(rmsNorm(attended, layer.postAttentionNorm.values, norm), layer, shape));
}

/** All layers and the final norm: ids of a batch [B T] to what the head reads, [B T, D]. */
export function hiddenStates(decoder: Decoder, ids: Int32Array, shape: BatchShape): Tensor {
  return tf.tidy(() => {
    let x = embed(decoder, ids);
    for (const layer of decoder.layers) {
      const next = tf.tidy(() => decoderLayer(x, layer, decoder, shape));
      x.dispose();
      x = next;
    }
    return finalNorm(x, decoder);
  });
}

/** The norm before the head, [N, D]. */
export function finalNorm(
  x: Tensor,
  { finalNorm: gamma, config, dtype }: Pick<Decoder, 'finalNorm' | 'config' | 'dtype'>,
): Tensor {
  return rmsNorm(x, gamma.values, { eps: config.rmsNormEps, dtype });
}

/** Logits of some rows of the hidden states, float32: [n, D] to [n, V]. Never ask for all rows of a long batch. */
export function logitsOf(hidden: Tensor, { head }: Pick<Decoder, 'head'>): Tensor {
  return tf.tidy(() => cast(linear(hidden, { weight: head }), 'float32'));
}

/** Logits at every position of one text, float32: token ids [T] to [T, V]. For long ones `hiddenStates` and `logitsOf`. */
export function logits(decoder: Decoder, ids: Int32Array): Tensor {
  const shape = batchShape(decoder, { B: 1, T: ids.length });
  return tf.tidy(() => logitsOf(hiddenStates(decoder, ids, shape), decoder));
}

function selfAttention(h: Tensor, { query, key, value, output }: DecoderLayer, shape: BatchShape): Tensor {
  return linear(shape.attention(linears(h, [query, key, value], shape)), output, shape);
}

function mlp(h: Tensor, { gate, up, down }: DecoderLayer, shape: BatchShape): Tensor {
  return linear(swiglu(linear(h, gate, shape), linear(h, up, shape)), down, shape);
}

/** x + y with x the float32 stream and y in any precision. */
export function addResidual(x: Tensor, y: Tensor): Tensor {
  return withGradient(
    [x, y],
    () => ({ value: sum(x, y), saved: [] }),
    (d) => [d.clone(), d.clone()],
  );
}

function sum(x: Tensor, y: Tensor): Tensor {
  if (hasFusedKernels()) return rawOp('RedistillAdd', [x, y], { T: dtypeOf(y) });
  return x.add(cast(y, 'float32'));
}
