// config.json of a GGUF file: the shape of its decoder under Hugging Face's names, from metadata that says most of it.
// What GGUF keeps otherwise is found out: Llama 3's rotary scaling from the factors it leads to, the dtype from the tensors.
import { z } from 'zod';
import type { Json } from '../artifact/fingerprint.ts';
import { validate } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { dequantize, floatDtype } from './ggufDequantize.ts';
import { isQuantized, type GgufFile } from './ggufFile.ts';
import type { RopeScaling } from './modelConfig.ts';
import type { Dtype } from './safetensors.ts';

/** Holds no weights, but Llama 3's factor of each rotary frequency. */
export const LLAMA3_FACTORS = 'rope_freqs.weight';

type Settings = Record<string, Json | undefined>;
type Llama3Scaling = Omit<Extract<RopeScaling, { type: 'llama3' }>, 'type'>;

const count = z.int().positive();
const shapeSchema = z.looseObject({
  block_count: count,
  context_length: count,
  embedding_length: count,
  feed_forward_length: count,
  'attention.head_count': count,
  'attention.head_count_kv': count.optional(),
  'attention.key_length': count.optional(),
  'attention.value_length': count.optional(),
  'attention.layer_norm_rms_epsilon': z.number().positive(),
  'rope.freq_base': z.number().positive().default(10000),
  'rope.dimension_count': count.optional(),
  'rope.scaling.type': z.enum(['none', 'linear']).default('none'),
  'rope.scaling.factor': z.number().positive().optional(),
  expert_count: z.literal(0, { error: 'mixtures of experts are not supported' }).optional(),
});

/** The fields of the metadata that describe the decoder; those of GGUF carry the architecture's name in front. */
export interface GgufShape extends z.infer<typeof shapeSchema> {
  architecture: 'llama' | 'qwen2';
  headDim: number;
}

/** @throws UserError naming the field that is missing or not supported. */
export function ggufShape({ path, metadata }: GgufFile): GgufShape {
  const architecture = metadata['general.architecture'];
  if (architecture !== 'llama' && architecture !== 'qwen2')
    throw new UserError({
      file: path,
      field: 'general.architecture',
      value: architecture,
      problem: 'unsupported architecture',
      remedy: 'supported: llama, qwen2',
    });
  const prefix = `${architecture}.`;
  const own = Object.entries(metadata).filter(([key]) => key.startsWith(prefix));
  const fields = Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
  const shape = validate(shapeSchema, fields, (key) =>
    key === undefined ? path : `${path}: ${architecture}`,
  );
  const headDim = shape['attention.key_length'] ?? shape.embedding_length / shape['attention.head_count'];
  for (const field of ['attention.value_length', 'rope.dimension_count'] as const)
    if ((shape[field] ?? headDim) !== headDim)
      throw new UserError({
        file: path,
        field: prefix + field,
        value: shape[field],
        problem: `differs from the size of a head, ${headDim}: not supported`,
      });
  return { ...shape, architecture, headDim };
}

/** The content of config.json. @throws UserError for a rotary scaling that is not known. */
export async function ggufConfig(file: GgufFile, shape: GgufShape): Promise<Settings> {
  return {
    architectures: [shape.architecture === 'llama' ? 'LlamaForCausalLM' : 'Qwen2ForCausalLM'],
    model_type: shape.architecture,
    vocab_size: file.tensors.get('token_embd.weight')?.shape[0],
    hidden_size: shape.embedding_length,
    intermediate_size: shape.feed_forward_length,
    num_hidden_layers: shape.block_count,
    num_attention_heads: shape['attention.head_count'],
    num_key_value_heads: shape['attention.head_count_kv'] ?? shape['attention.head_count'],
    head_dim: shape.headDim,
    hidden_act: 'silu',
    max_position_embeddings: shape.context_length,
    rms_norm_eps: shortest(shape['attention.layer_norm_rms_epsilon']),
    rope_theta: shortest(shape['rope.freq_base']),
    rope_scaling: await ropeScalingOf(file, shape),
    tie_word_embeddings: !file.tensors.has('output.weight'),
    ...(shape.architecture === 'llama'
      ? {
          attention_bias: file.tensors.has('blk.0.attn_q.bias'),
          mlp_bias: file.tensors.has('blk.0.ffn_up.bias'),
        }
      : { use_sliding_window: false }),
    ...ggufTokenIds(file),
    torch_dtype: torchDtype(file),
  };
}

/**
 * The rotary scaling. Llama 3's is kept only as the factor of each frequency (`rope_freqs.weight`), so its parameters
 * are found by computing the factors that Llama 3.1 and 3.2 have and comparing.
 */
async function ropeScalingOf(file: GgufFile, shape: GgufShape): Promise<Json> {
  const factor = shape['rope.scaling.factor'] ?? 1;
  if (shape['rope.scaling.type'] === 'linear') return { rope_type: 'linear', factor };
  const frequencies = file.tensors.get(LLAMA3_FACTORS);
  if (!frequencies) return null;
  const found = dequantize(frequencies.type, await file.read(LLAMA3_FACTORS));
  const scaling = {
    factor: Math.max(...found),
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositionEmbeddings: 8192,
  };
  const expected = llama3Factors(scaling, { theta: shape['rope.freq_base'], headDim: shape.headDim });
  if (found.length !== expected.length || found.some((value, i) => Math.abs(value / expected[i]! - 1) > 1e-4))
    throw new UserError({
      file: file.path,
      field: LLAMA3_FACTORS,
      problem: 'frequency factors that are not those of Llama 3.1 or 3.2',
      remedy: "use the model's safetensors",
    });
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
  };
}

/** By what Llama 3 divides each rotary frequency: 1 for short waves, `factor` for long ones, smooth between. */
function llama3Factors(
  { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings }: Llama3Scaling,
  { theta, headDim }: { theta: number; headDim: number },
): number[] {
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = originalMaxPositionEmbeddings / (2 * Math.PI * theta ** ((2 * i) / headDim));
    const share = Math.min(1, Math.max(0, (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)));
    return 1 / ((1 - share) / factor + share);
  });
}

/** The special tokens, as config.json and generation_config.json both name them. */
export function ggufTokenIds({ metadata }: GgufFile): Settings {
  return {
    bos_token_id: metadata['tokenizer.ggml.bos_token_id'],
    eos_token_id: metadata['tokenizer.ggml.eos_token_id'],
    pad_token_id: metadata['tokenizer.ggml.padding_token_id'],
  };
}

/** The shortest decimal that is this float32, so that 1e-5 reads as 1e-5 and not 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}

/** The dtype that config.json names: bfloat16, or that of an unquantized file's matrices (its norms are float32). */
function torchDtype(file: GgufFile): string {
  const names: Partial<Record<Dtype, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
  const matrix = file.tensors.get('blk.0.ffn_up.weight');
  return isQuantized(file) || !matrix ? 'bfloat16' : names[floatDtype(matrix.type)!]!;
}
