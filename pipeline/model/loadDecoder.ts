// A checkpoint folder into the engine: plain weights in the precision asked for, HQQ weights as they are, packed.
// Tensors are read one at a time, so the peak is the model plus its largest tensor. The names are those of
// Hugging Face checkpoints; `namedParameters` walks the loaded model under the same names.
import { cast } from '../engine/layoutOps.ts';
import type { DenseWeight, Linear, Parameter, Weight } from '../engine/linear.ts';
import type { DType } from '../engine/rawOp.ts';
import { tensorFromBytes } from '../engine/tensorBytes.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { UserError } from '../config/userError.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { Decoder, DecoderLayer } from './decoder.ts';
import { readPackedWeight } from './hqqWeights.ts';
import type { ModelConfig } from './modelConfig.ts';

/** The projections of a layer by role, under their names in a checkpoint. */
const PROJECTIONS = {
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
} as const;

interface LoadOptions {
  /** Precision of matrices and products. */
  dtype: 'float32' | 'bfloat16';
  /** Puts the weights on the gradient tape. */
  trainable?: boolean;
}

/**
 * Loads a model folder; free it with `disposeDecoder`.
 * @throws UserError naming folder and tensor for anything missing or of the wrong shape.
 */
export async function loadDecoder(
  folder: string,
  { dtype, trainable = false }: LoadOptions,
): Promise<Decoder> {
  const checkpoint = await openCheckpoint(folder);
  try {
    const { config } = checkpoint;
    const read = reader(checkpoint, { dtype, trainable });
    const embedding = await read.matrix('model.embed_tokens', [config.vocabSize, config.hiddenSize]);
    const layers: DecoderLayer[] = [];
    for (let i = 0; i < config.numHiddenLayers; i++)
      layers.push(await readLayer(read, config, `model.layers.${i}`));
    const finalNorm = await read.vector('model.norm.weight', config.hiddenSize);
    const head = config.tieWordEmbeddings
      ? embedding
      : await read.weight('lm_head', [config.vocabSize, config.hiddenSize]);
    return { config, dtype, embedding, layers, finalNorm, head };
  } finally {
    await checkpoint.close();
  }
}

/** Frees the model's tensors. */
export function disposeDecoder(decoder: Decoder): void {
  const packed = [
    decoder.head,
    ...decoder.layers.flatMap((layer) => projectionsOf(layer).map(({ weight }) => weight)),
  ];
  for (const weight of packed)
    if (weight.kind === 'packed') tf.dispose([weight.packed, weight.scale, weight.zero]);
  for (const { values } of namedParameters(decoder).values()) values.dispose();
}

/** Every unpacked parameter under its name in a checkpoint; a tied head is not listed apart. */
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
    const { weight, bias } = layer[role];
    if (weight.kind === 'dense') named.set(`${module}.weight`, weight);
    if (bias) named.set(`${module}.bias`, bias);
  }
  return named;
}

function projectionsOf(layer: DecoderLayer): Linear[] {
  return (Object.keys(PROJECTIONS) as (keyof typeof PROJECTIONS)[]).map((role) => layer[role]);
}

type Reader = ReturnType<typeof reader>;

async function readLayer(read: Reader, config: ModelConfig, prefix: string): Promise<DecoderLayer> {
  const { hiddenSize: D, intermediateSize: F, attentionBias, mlpBias } = config;
  const queryWidth = config.numAttentionHeads * config.headDim;
  const keyWidth = config.numKeyValueHeads * config.headDim;
  const linear = (role: keyof typeof PROJECTIONS, shape: [number, number], bias: boolean) =>
    read.linear(`${prefix}.${PROJECTIONS[role]}`, shape, { bias });
  return {
    inputNorm: await read.vector(`${prefix}.input_layernorm.weight`, D),
    query: await linear('query', [queryWidth, D], attentionBias.qkv),
    key: await linear('key', [keyWidth, D], attentionBias.qkv),
    value: await linear('value', [keyWidth, D], attentionBias.qkv),
    output: await linear('output', [D, queryWidth], attentionBias.output),
    postAttentionNorm: await read.vector(`${prefix}.post_attention_layernorm.weight`, D),
    gate: await linear('gate', [F, D], mlpBias),
    up: await linear('up', [F, D], mlpBias),
    down: await linear('down', [D, F], mlpBias),
  };
}

function reader(checkpoint: Checkpoint, { dtype, trainable }: Required<LoadOptions>) {
  const matrix = async (module: string, shape: [number, number]): Promise<DenseWeight> => ({
    kind: 'dense',
    values: await readTensor(checkpoint, `${module}.weight`, shape, dtype),
    trainable,
  });
  const vector = async (name: string, length: number): Promise<Parameter> => ({
    values: await readTensor(checkpoint, name, [length], 'float32'),
  });
  const weight = (module: string, shape: [number, number]): Promise<Weight> =>
    checkpoint.has(`${module}.W_q`) ? readPackedWeight(checkpoint, module) : matrix(module, shape);
  const linear = async (
    module: string,
    shape: [number, number],
    { bias }: { bias: boolean },
  ): Promise<Linear> => ({
    weight: await weight(module, shape),
    ...(bias ? { bias: await vector(`${module}.bias`, shape[0]) } : {}),
  });
  return { matrix, vector, weight, linear };
}

const TENSOR_DTYPES: Record<string, DType> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

async function readTensor(
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
  if (stored.shape.join() !== shape.join())
    throw new UserError({
      file: checkpoint.folder,
      field: name,
      value: stored.shape,
      problem: `config.json asks for the shape ${JSON.stringify(shape)}`,
    });
  const { data } = await checkpoint.read(name);
  return tf.tidy(() => cast(tensorFromBytes(data, shape, storedDtype), dtype));
}
