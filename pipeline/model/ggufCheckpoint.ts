// A GGUF file made into a Hugging Face model folder, once: everything downstream then reads one kind of model.
// The folder lies in the cache under the sha256 of the GGUF, so it is found again wherever the file is.
// A file of plain floats keeps its values. Quantized blocks become bfloat16: the precision those models were made in and
// are run in here, at half the bytes of float32, and far finer than the quantization was.
import { join } from 'node:path';
import { z } from 'zod';
import { commitBytes } from '../artifact/commitFile.ts';
import { fingerprint, type Json } from '../artifact/fingerprint.ts';
import { validate } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { cachedFolder } from '../hub/cacheFolder.ts';
import { rememberedSha256 } from '../hub/rememberedSha256.ts';
import { writeCheckpoint } from './checkpoint.ts';
import type { RopeScaling } from './modelConfig.ts';
import { dequantize, floatDtype } from './ggufDequantize.ts';
import { openGguf, type GgufFile } from './ggufFile.ts';
import { tokenizerFromGguf } from './ggufTokenizer.ts';
import { toBfloat16, type Dtype, type TensorSource } from './safetensors.ts';

type Llama3Scaling = Extract<RopeScaling, { type: 'llama3' }>;

/** Raised whenever the same GGUF gives another folder. */
const CONVERTER_VERSION = 1;

/**
 * The Hugging Face folder of a GGUF file: config.json, generation_config.json, tokenizer files and safetensors.
 * @throws UserError naming the file and the tensor or field that cannot be read.
 */
export async function checkpointFromGguf(path: string): Promise<string> {
  const key = fingerprint([await rememberedSha256(path), CONVERTER_VERSION]);
  return cachedFolder({ kind: 'gguf', key }, async (folder) => {
    const file = await openGguf(path);
    try {
      await writeModelFolder(folder, file);
    } finally {
      await file.close();
    }
  });
}

async function writeModelFolder(folder: string, file: GgufFile): Promise<void> {
  const shape = shapeOf(file);
  const files: Record<string, Json> = {
    'config.json': configJson(file, { shape, ropeScaling: await ropeScalingOf(file, shape) }),
    'generation_config.json': { ...tokenIds(file), _from_model_config: true },
    ...tokenizerFromGguf(file),
  };
  await writeCheckpoint(folder, { tensors: weightsOf(file, shape) });
  for (const [name, content] of Object.entries(files))
    await commitBytes(join(folder, name), JSON.stringify(content, null, 2) + '\n');
}

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
interface Shape extends z.infer<typeof shapeSchema> {
  architecture: 'llama' | 'qwen2';
  headDim: number;
}

/** The fields of the metadata that describe the decoder; those of GGUF carry the architecture's name in front. */
function shapeOf({ path, metadata }: GgufFile): Shape {
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

function configJson(file: GgufFile, { shape, ropeScaling }: { shape: Shape; ropeScaling: Json }): Json {
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
    rope_scaling: ropeScaling,
    tie_word_embeddings: !file.tensors.has('output.weight'),
    ...(shape.architecture === 'llama'
      ? {
          attention_bias: file.tensors.has('blk.0.attn_q.bias'),
          mlp_bias: file.tensors.has('blk.0.ffn_up.bias'),
        }
      : { use_sliding_window: false }),
    ...tokenIds(file),
    torch_dtype: torchDtype(file),
  };
}

/**
 * The rotary scaling. Llama 3's is kept only as the factor of each frequency (`rope_freqs.weight`), so its parameters
 * are found by computing the factors that Llama 3.1 and 3.2 have and comparing.
 */
async function ropeScalingOf(file: GgufFile, shape: Shape): Promise<Json> {
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

const LLAMA3_FACTORS = 'rope_freqs.weight';

/** By what Llama 3 divides each rotary frequency: 1 for short waves, `factor` for long ones, smooth between. */
function llama3Factors(
  { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings }: Omit<Llama3Scaling, 'type'>,
  { theta, headDim }: { theta: number; headDim: number },
): number[] {
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = originalMaxPositionEmbeddings / (2 * Math.PI * theta ** ((2 * i) / headDim));
    const share = Math.min(1, Math.max(0, (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)));
    return 1 / ((1 - share) / factor + share);
  });
}

function tokenIds({ metadata }: GgufFile): Record<string, Json | undefined> {
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

const TOP_NAMES: Partial<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};
const LAYER_NAMES: Partial<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** Hugging Face's name for a GGUF tensor, or undefined. */
function nameOf(name: string): string | undefined {
  const [, layer, part, ending] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  if (part === undefined) return TOP_NAMES[name];
  const renamed = LAYER_NAMES[part];
  return renamed && `model.layers.${layer}.${renamed}.${ending}`;
}

function weightsOf(file: GgufFile, shape: Shape): TensorSource[] {
  const quantized = isQuantized(file);
  const weights = [...file.tensors].filter(([name]) => name !== LLAMA3_FACTORS);
  return weights.map(([ggufName, { type, shape: sizes }]) => {
    const name = nameOf(ggufName);
    if (name === undefined)
      throw new UserError({
        file: file.path,
        field: ggufName,
        problem: 'unknown tensor; the model cannot be read',
      });
    const heads = rotatedHeads(name, shape);
    const data = async () => {
      const stored = await file.read(ggufName);
      const bytes = quantized ? toBfloat16(dequantize(type, stored)) : stored;
      return heads === undefined ? bytes : unpermuteHeads(bytes, { heads, rows: sizes[0]! });
    };
    return { name, dtype: quantized ? 'BF16' : floatDtype(type)!, shape: sizes, data };
  });
}

function isQuantized(file: GgufFile): boolean {
  return [...file.tensors.values()].some(({ type }) => floatDtype(type) === undefined);
}

/** The dtype that config.json names: bfloat16, or that of an unquantized file's matrices (its norms are float32). */
function torchDtype(file: GgufFile): string {
  const names: Partial<Record<Dtype, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
  const matrix = file.tensors.get('blk.0.ffn_up.weight');
  return isQuantized(file) || !matrix ? 'bfloat16' : names[floatDtype(matrix.type)!]!;
}

/** Heads in a tensor whose rows llama.cpp reordered for its way of rotating: q and k of Llama models. */
function rotatedHeads(name: string, shape: Shape): number | undefined {
  if (shape.architecture !== 'llama') return undefined;
  const heads = shape['attention.head_count'];
  if (/self_attn\.q_proj\./.test(name)) return heads;
  return /self_attn\.k_proj\./.test(name) ? (shape['attention.head_count_kv'] ?? heads) : undefined;
}

/**
 * Puts the rows of q or k back in Hugging Face's order. llama.cpp rotates neighbouring rows (0 with 1), Hugging Face
 * row i with row i + half a head, so its converter interleaves the halves of each head (`permute` in convert_hf_to_gguf.py).
 */
function unpermuteHeads(data: Uint8Array, { heads, rows }: { heads: number; rows: number }): Uint8Array {
  const rowBytes = data.byteLength / rows;
  const half = rows / heads / 2;
  const restored = new Uint8Array(data.byteLength);
  for (let row = 0; row < rows; row++) {
    const [head, within] = [Math.floor(row / (2 * half)), row % (2 * half)];
    const source = head * 2 * half + (within % half) * 2 + Math.floor(within / half);
    restored.set(data.subarray(source * rowBytes, (source + 1) * rowBytes), row * rowBytes);
  }
  return restored;
}
