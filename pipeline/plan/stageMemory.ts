// The most memory a stage takes, part by part, from shapes and parameters alone. What a layer frees mostly stays with the
// process, so activations and the head's block count together although they follow one another; of the blocks of logits,
// which go back to the system, the largest counts. N are the tokens of a pass, D hidden, F intermediate, H and KV heads of size d,
// V the vocabulary; products run in bfloat16. Held against what the stages took in test/real/planned.real.ts.
import { PACKINGS } from '../engine/packedWeight.ts';
import { DTYPE_BYTES } from '../engine/rawOp.ts';
import type { EvalConfig } from '../eval/evalConfig.ts';
import { bytesPerToken } from '../logits/batchTokens.ts';
import type { LogitsConfig } from '../logits/logitsConfig.ts';
import { decoderShapes, parametersOf } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { elementsOf } from '../model/safetensors.ts';
import { optionsOf, type TeacherConfig } from '../teacher/teacherConfig.ts';
import { frozenParameters } from '../train/frozenParameters.ts';
import { headBlockOf } from '../train/headLoss.ts';
import { adaptedProjections } from '../train/lora.ts';
import { bytesPerParameter } from '../train/optimizerState.ts';
import type { TrainConfig } from '../train/trainConfig.ts';
import { expectedKept } from './cacheSize.ts';

/** Bytes by what takes them; the stage takes their sum. */
export type Memory = Record<string, number>;

const [SHARDS, GAINED] = ['shards', 'gained in use'];

/** Parts that are in the machine's memory even where the work is on a GPU. */
const OUTSIDE_GPU = [SHARDS, GAINED];

/** Of Node, TensorFlow with its threads, and a small mix, before any weight: measured. A GPU's context takes about as much. */
const PROCESS_BYTES = 0.56e9;

const BF16 = 2;
const F32 = 4;

/**
 * Outside the device: native memory that a training on a CPU gains over its first 30 to 40 steps and then keeps, about as
 * much with 1,024 as with 4,096 tokens a pass, with recomputation or without: measured.
 */
const GAINED_BYTES = 0.9e9;

/** What `batch_tokens: auto` may come to. */
const MOST_BATCH_TOKENS = 16_384;

/** Bytes a logit while two models are compared over the whole vocabulary, see divergencesBetween: seven float32 tensors. */
const COMPARED_LOGIT_BYTES = 7 * F32;

/** Bytes a logit in the loss and in top-k: logits and their gradient (or probabilities), in bfloat16. */
const HEAD_LOGIT_BYTES = 2 * BF16;

/** Bytes a logit where held-out samples are scored: logits, their softmax and the products of both, in float32. */
const SCORED_LOGIT_BYTES = 4 * F32;

/** A kept token in memory: id and log-probability. */
const KEPT_TOKEN_BYTES = 8;

/** Quantizing holds one matrix, as read and as a tensor; the solver's blocks are in PROCESS_BYTES. */
export function teacherMemory(model: ModelConfig): Memory {
  const largest = Math.max(...[...decoderShapes(model).values()].map(elementsOf));
  return { process: PROCESS_BYTES, 'largest matrix': 2 * BF16 * largest };
}

/** @param weights bytes of the teacher's */
export function logitsMemory(model: ModelConfig, config: LogitsConfig, weights: number): Memory {
  const { vocabSize: V, hiddenSize: D } = model;
  const N = config.batch_tokens === 'auto' ? MOST_BATCH_TOKENS : config.batch_tokens;
  const block = config.head_block * V;
  const comparison = COMPARED_LOGIT_BYTES * block + BF16 * (layerSize(model) + V * D);
  return {
    process: PROCESS_BYTES,
    weights,
    activations: N * bytesPerToken(model),
    [SHARDS]: 2 * config.shard_tokens * KEPT_TOKEN_BYTES * expectedKept(config),
    ...(config.fidelity_sequences > 0 ? { comparison } : { head: HEAD_LOGIT_BYTES * block }),
  };
}

/** The parameters of a model as the stage `teacher` writes them: codes, and a scale and a zero point for each group. */
export function quantizedBytes(model: ModelConfig, config: TeacherConfig): number {
  return [...decoderShapes(model)].reduce((sum, [name, shape]) => {
    const module = name.replace(/\.weight$/, '');
    const isLinear = shape.length === 2 && module !== name && module !== 'model.embed_tokens';
    const options = isLinear ? optionsOf(config, module) : undefined;
    if (!options) return sum + BF16 * elementsOf(shape);
    const { parts, container } = PACKINGS[options.bits];
    const codes = DTYPE_BYTES[container] / parts;
    return sum + elementsOf(shape) * (codes + (2 * BF16) / options.groupSize);
  }, 0);
}

/**
 * Weights, moments and gradients of what is trained (optimizerState.ts), frozen weights, and a pass: for each token and
 * layer the tape keeps two states of the residual stream (4 D each), what goes into the products (2 D twice, 2 H d, 2 F),
 * the heads (2 (H + 2 KV) d), and gate and up (2 F each). With `recompute` only the stream before each layer (4 D) and
 * all of one layer. The head has a block of logits, and the gradient of its matrix.
 */
export function trainMemory(model: ModelConfig, config: TrainConfig): Memory {
  const { hiddenSize: D, intermediateSize: F, headDim, numHiddenLayers: L, vocabSize: V } = model;
  const [H, KV] = [model.numAttentionHeads, model.numKeyValueHeads];
  const N = config.micro_batch_tokens;
  const products = DTYPE_BYTES[config.dtype];
  const inProducts = 2 * D + H * headDim + F + (H + 2 * KV) * headDim + 2 * F;
  const layer = 2 * F32 * D + products * inProducts;
  const kept = config.recompute ? L * F32 * D + layer : L * layer;
  const trained = trainedBytes(model, config);
  return {
    process: PROCESS_BYTES,
    ...trained,
    activations: N * kept,
    [GAINED]: GAINED_BYTES,
    head: HEAD_LOGIT_BYTES * headBlockOf(config.head_block, model) * V + products * V * D,
  };
}

/** What stays of the student between passes, and its gradients. */
function trainedBytes(model: ModelConfig, config: TrainConfig): Memory {
  const frozen = frozenParameters(model, config);
  const left = [...decoderShapes(model)].filter(([name]) => frozen.has(name));
  const frozenBytes = left.reduce((sum, [, shape]) => sum + DTYPE_BYTES[config.dtype] * elementsOf(shape), 0);
  const bytes = { weights: frozenBytes, moments: 0, gradients: 0 };
  for (const shape of trainedShapes(model, config)) {
    const { weight, copy, moments, gradient } = bytesPerParameter(shape.length, config);
    bytes.weights += (weight + copy) * elementsOf(shape);
    bytes.moments += moments * elementsOf(shape);
    bytes.gradients += gradient * elementsOf(shape);
  }
  return bytes;
}

/** The shapes of all that is trained: of the model what is not frozen, or adapters. */
export function trainedShapes(model: ModelConfig, config: TrainConfig): number[][] {
  const frozen = frozenParameters(model, config);
  const own = [...decoderShapes(model)].filter(([name]) => !frozen.has(name)).map(([, shape]) => shape);
  return [...own, ...adapterShapes(model, config)];
}

function adapterShapes(model: ModelConfig, { lora }: TrainConfig): number[][] {
  if (!lora) return [];
  const shapes = decoderShapes(model);
  return [...adaptedProjections(model, lora)].flatMap((module) => {
    const [outputs, inputs] = shapes.get(`${module}.weight`) as [number, number];
    return [
      [lora.rank, inputs],
      [outputs, lora.rank],
    ];
  });
}

/**
 * Of a whole model; generation keeps keys and values of every layer for each answer.
 * @param longest tokens of a prompt with its answer
 * @param weights bytes of the model's, where they are quantized
 */
export function evalMemory(
  model: ModelConfig,
  config: EvalConfig,
  {
    longest,
    weights = DTYPE_BYTES[config.dtype] * parametersOf(model),
  }: { longest: number; weights?: number },
): Memory {
  const { numHiddenLayers, numKeyValueHeads, headDim, vocabSize: V } = model;
  const bytes = DTYPE_BYTES[config.dtype];
  const cache = config.rows * longest * 2 * numHiddenLayers * numKeyValueHeads * headDim * bytes;
  return {
    ...{ process: PROCESS_BYTES, weights },
    activations: config.batch_tokens * bytesPerToken(model),
    head: SCORED_LOGIT_BYTES * config.head_block * V,
    ...(longest > 0 && { 'keys and values': cache }),
  };
}

/** All parts of a stage together, or those of them that lie on a GPU. */
export function totalOf(memory: Memory, device: 'cpu' | 'gpu' = 'cpu'): number {
  const parts = Object.entries(memory).filter(([name]) => device === 'cpu' || !OUTSIDE_GPU.includes(name));
  return parts.reduce((sum, [, bytes]) => sum + bytes, 0);
}

function layerSize(model: ModelConfig): number {
  const ofLayer = [...decoderShapes(model)].filter(([name]) => name.startsWith('model.layers.0.'));
  return ofLayer.reduce((sum, [, shape]) => sum + elementsOf(shape), 0);
}
