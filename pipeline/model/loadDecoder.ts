// A checkpoint folder into the engine: plain weights in the precision asked for, HQQ weights as they are, packed.
// Tensors are read one at a time, so the peak is the model plus its largest tensor. The names are those of
// Hugging Face checkpoints; `namedParameters` walks the loaded model under the same names.
import { cast } from '../engine/layoutOps.ts';
import type { DenseWeight, Linear, Weight } from '../engine/linear.ts';
import { disposePacked } from '../engine/packedWeight.ts';
import type { DType } from '../engine/rawOp.ts';
import type { Parameter } from '../engine/tape.ts';
import { tensorFromBytes } from '../engine/tensorBytes.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { UserError } from '../config/userError.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { Decoder, DecoderLayer } from './decoder.ts';
import { decoderShapes, PROJECTIONS, requireShape } from './decoderShapes.ts';
import { readPackedWeight } from './hqqWeights.ts';

interface LoadOptions {
  /** Precision of matrices and products. */
  dtype: 'float32' | 'bfloat16';
  /** Says by its name which tensor is put on the gradient tape; such a one is read in float32. */
  isTrainable?: (name: string) => boolean;
}

/** The parts of a model folder, each read when it is asked for: whoever needs one layer at a time frees it and `close`s. */
export interface DecoderParts extends Pick<Decoder, 'config' | 'dtype'> {
  embedding: () => Promise<DenseWeight>;
  layer: (index: number) => Promise<DecoderLayer>;
  finalNorm: () => Promise<Parameter>;
  /** A tied head is the embedding, read once more. */
  head: () => Promise<Weight>;
  close: () => Promise<void>;
}

/** @throws UserError naming folder and tensor, here or when a part is asked for, for anything missing or of the wrong shape. */
export async function openDecoder(
  folder: string,
  { dtype, isTrainable = () => false }: LoadOptions,
): Promise<DecoderParts> {
  const checkpoint = await openCheckpoint(folder);
  const { config, close } = checkpoint;
  const read = reader(checkpoint, { dtype, isTrainable });
  const embedding = () => read.matrix('model.embed_tokens');
  return {
    ...{ config, dtype, close, embedding },
    layer: (index) => readLayer(read, `model.layers.${index}`),
    finalNorm: () => read.vector('model.norm.weight'),
    head: () => (config.tieWordEmbeddings ? embedding() : read.weight('lm_head')),
  };
}

/**
 * Loads a model folder; free it with `disposeDecoder`.
 * @throws UserError naming folder and tensor for anything missing or of the wrong shape.
 */
export async function loadDecoder(folder: string, options: LoadOptions): Promise<Decoder> {
  const parts = await openDecoder(folder, options);
  try {
    const { config, dtype } = parts;
    const embedding = await parts.embedding();
    const layers: DecoderLayer[] = [];
    for (let i = 0; i < config.numHiddenLayers; i++) layers.push(await parts.layer(i));
    const finalNorm = await parts.finalNorm();
    const head = config.tieWordEmbeddings ? embedding : await parts.head();
    return { config, dtype, embedding, layers, finalNorm, head };
  } finally {
    await parts.close();
  }
}

/** Frees the model's tensors. */
export function disposeDecoder(decoder: Decoder): void {
  decoder.layers.forEach(disposeLayer);
  disposeWeight(decoder.head);
  tf.dispose([decoder.embedding.values, decoder.finalNorm.values]); // a tied head is disposed of already, which is no harm
}

/** Frees the tensors of one layer. */
export function disposeLayer(layer: DecoderLayer): void {
  for (const { values } of layerParameters(layer).values()) values.dispose();
  for (const { weight } of projectionsOf(layer)) disposeWeight(weight);
}

/** Frees a weight; a plain one may be free already. */
export function disposeWeight(weight: Weight): void {
  if (weight.kind === 'packed') disposePacked(weight);
  else weight.values.dispose();
}

/**
 * Every unpacked parameter under its name in a checkpoint, adapters under PEFT's names; a tied head is not listed apart.
 */
export function namedParameters({ embedding, layers, finalNorm, head }: Decoder): Map<string, Parameter> {
  const named = new Map<string, Parameter>([['model.embed_tokens.weight', embedding]]);
  layers.forEach((layer, i) => {
    for (const [name, parameter] of layerParameters(layer)) named.set(`model.layers.${i}.${name}`, parameter);
  });
  named.set('model.norm.weight', finalNorm);
  if (head.kind === 'dense' && head !== embedding) named.set('lm_head.weight', head);
  return named;
}

/** The unpacked parameters of one layer, names relative to the layer. */
function layerParameters(layer: DecoderLayer): Map<string, Parameter> {
  const named = new Map<string, Parameter>([
    ['input_layernorm.weight', layer.inputNorm],
    ['post_attention_layernorm.weight', layer.postAttentionNorm],
  ]);
  for (const [role, module] of Object.entries(PROJECTIONS) as [keyof typeof PROJECTIONS, string][]) {
    const { weight, bias, adapter } = layer[role];
    if (weight.kind === 'dense') named.set(`${module}.weight`, weight);
    if (bias) named.set(`${module}.bias`, bias);
    if (!adapter) continue;
    named.set(`${module}.lora_A.weight`, adapter.down);
    named.set(`${module}.lora_B.weight`, adapter.up);
  }
  return named;
}

function projectionsOf(layer: DecoderLayer): Linear[] {
  return (Object.keys(PROJECTIONS) as (keyof typeof PROJECTIONS)[]).map((role) => layer[role]);
}

type Reader = ReturnType<typeof reader>;

async function readLayer(read: Reader, prefix: string): Promise<DecoderLayer> {
  const linear = (role: keyof typeof PROJECTIONS) => read.linear(`${prefix}.${PROJECTIONS[role]}`);
  return {
    inputNorm: await read.vector(`${prefix}.input_layernorm.weight`),
    query: await linear('query'),
    key: await linear('key'),
    value: await linear('value'),
    output: await linear('output'),
    postAttentionNorm: await read.vector(`${prefix}.post_attention_layernorm.weight`),
    gate: await linear('gate'),
    up: await linear('up'),
    down: await linear('down'),
  };
}

function reader(checkpoint: Checkpoint, { dtype, isTrainable }: Required<LoadOptions>) {
  const shapes = decoderShapes(checkpoint.config);
  const tensor = (name: string, dtype: DType) => readTensor(checkpoint, name, shapes.get(name)!, dtype);
  const parameter = async (name: string, dtype: DType): Promise<Parameter> => {
    const trainable = isTrainable(name);
    return { values: await tensor(name, trainable ? 'float32' : dtype), trainable };
  };
  const matrix = async (module: string): Promise<DenseWeight> => ({
    kind: 'dense',
    ...(await parameter(`${module}.weight`, dtype)),
  });
  const vector = (name: string) => parameter(name, 'float32');
  const weight = async (module: string): Promise<Weight> => {
    if (!checkpoint.has(`${module}.W_q`)) return matrix(module);
    const packed = await readPackedWeight(checkpoint, module);
    requireShape(checkpoint, module, { found: packed.shape, expected: shapes.get(`${module}.weight`)! });
    return packed;
  };
  const linear = async (module: string): Promise<Linear> => ({
    weight: await weight(module),
    ...(shapes.has(`${module}.bias`) ? { bias: await vector(`${module}.bias`) } : {}),
  });
  return { matrix, vector, weight, linear };
}

const TENSOR_DTYPES: Record<string, DType> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** @throws UserError when the tensor is missing or of another shape or kind. */
export async function readTensor(
  checkpoint: Checkpoint,
  name: string,
  shape: number[],
  dtype: DType,
): Promise<Tensor> {
  const stored = checkpoint.info(name);
  const storedDtype = TENSOR_DTYPES[stored.dtype];
  if (!storedDtype)
    throw new UserError({
      file: checkpoint.folder,
      field: name,
      value: stored.dtype,
      problem: 'expected F32, F16 or BF16 weights',
    });
  requireShape(checkpoint, name, { found: stored.shape, expected: shape });
  const { data } = await checkpoint.read(name);
  return tf.tidy(() => cast(tensorFromBytes(data, shape, storedDtype), dtype));
}
