// config.json of a Hugging Face checkpoint, reduced to what the decoder computes with.
// Two dialects occur on the Hub: the classic one (rope_theta, rope_scaling, torch_dtype) and that of transformers 5
// (rope_parameters, dtype). What this decoder does not compute is refused here, before any weight is read:
// a setting silently ignored would move every logit a little and be found by nobody.
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readJsonObject } from '../artifact/jsonFile.ts';
import { validate } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';

/** How positions become rotation angles; `linear` and `llama3` stretch them (transformers' modeling_rope_utils). */
export type RopeScaling =
  | { type: 'default' }
  | { type: 'linear'; factor: number }
  | {
      type: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalMaxPositionEmbeddings: number;
    };

/** Shapes and constants of a Qwen2 or Llama decoder. */
export interface ModelConfig {
  modelType: 'qwen2' | 'llama';
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  headDim: number;
  rmsNormEps: number;
  /** The head is the embedding matrix; there is no lm_head.weight. */
  tieWordEmbeddings: boolean;
  attentionBias: { qkv: boolean; output: boolean };
  mlpBias: boolean;
  rope: { theta: number; scaling: RopeScaling };
  maxPositionEmbeddings: number;
  bosTokenId?: number;
  /** Tokens that end a generation: those of generation_config.json where it names some, as transformers does. */
  eosTokenIds: number[];
}

/**
 * Reads `folder/config.json`, and the end tokens of `folder/generation_config.json` if there is one.
 * @throws UserError naming file, field and value for anything that this decoder does not compute.
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const file = join(folder, 'config.json');
  const raw = await readJsonObject(file);
  if (!raw)
    throw new UserError({
      file,
      problem: 'no such file',
      remedy: 'name a Hugging Face model folder, or run "make fetch"',
    });
  return modelConfigOf(raw, { file, generation: await readJsonObject(generationFile(file)) });
}

function generationFile(file: string): string {
  return join(dirname(file), 'generation_config.json');
}

/**
 * What the contents of config.json and generation_config.json say; `file` is the first one's path, for messages.
 * @throws UserError as `readModelConfig` does.
 */
export function modelConfigOf(
  raw: Record<string, unknown>,
  {
    file,
    generation: rawGeneration = {},
  }: { file: string; generation?: Record<string, unknown> | undefined },
): ModelConfig {
  const modelType = supportedModelType(file, raw);
  refuseUnsupported(file, raw);
  const config = validate(configSchema, raw, () => file);
  const generation = validate(tokenIdsSchema, rawGeneration, () => generationFile(file));
  const eosTokenIds = [generation.eos_token_id ?? config.eos_token_id ?? []].flat();
  return {
    modelType,
    vocabSize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    numHiddenLayers: config.num_hidden_layers,
    ...headsOf(file, config),
    rmsNormEps: config.rms_norm_eps,
    tieWordEmbeddings: config.tie_word_embeddings,
    // Qwen2 has no such field: its q, k and v projections always carry a bias, its output projection never.
    attentionBias:
      modelType === 'qwen2'
        ? { qkv: true, output: false }
        : { qkv: config.attention_bias, output: config.attention_bias },
    mlpBias: modelType === 'llama' && config.mlp_bias,
    rope: ropeOf(file, config),
    maxPositionEmbeddings: config.max_position_embeddings,
    ...(config.bos_token_id == null ? {} : { bosTokenId: config.bos_token_id }),
    eosTokenIds,
  };
}

const count = z.int().positive();
const tokenIdsSchema = z.looseObject({
  bos_token_id: z.int().nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});
const ropeSchema = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
});
const linearSchema = z.looseObject({ factor: z.number().positive() });
const llama3Schema = linearSchema.extend({
  low_freq_factor: z.number().positive(),
  high_freq_factor: z.number().positive(),
  original_max_position_embeddings: count,
});
// Defaults are those of transformers' Qwen2Config and LlamaConfig; shapes have none here, as they are never left out.
const configSchema = tokenIdsSchema.extend({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  max_position_embeddings: count,
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
});
type RawConfig = z.infer<typeof configSchema>;

const MODEL_TYPES = { Qwen2ForCausalLM: 'qwen2', LlamaForCausalLM: 'llama' } as const;

function supportedModelType(file: string, raw: Record<string, unknown>): ModelConfig['modelType'] {
  const supported = `supported: ${Object.keys(MODEL_TYPES).join(', ')}`;
  const architecture = Array.isArray(raw.architectures) ? (raw.architectures[0] as unknown) : undefined;
  const byArchitecture = Object.entries(MODEL_TYPES).find(([name]) => name === architecture)?.[1];
  const modelType = byArchitecture ?? (architecture === undefined ? raw.model_type : undefined);
  if (modelType === 'qwen2' || modelType === 'llama') return modelType;
  const [field, value] =
    architecture === undefined ? ['model_type', raw.model_type] : ['architectures', raw.architectures];
  throw new UserError({ file, field, value, problem: 'unsupported architecture', remedy: supported });
}

/** Settings that change the computation, with the only values under which it is the plain decoder's. */
const PLAIN: Record<string, { values: unknown[]; remedy: string }> = {
  hidden_act: { values: ['silu'], remedy: 'supported: silu' },
  use_sliding_window: { values: [false], remedy: 'sliding-window attention is not supported' },
  partial_rotary_factor: { values: [1], remedy: 'supported: 1' },
  use_mrope: { values: [false], remedy: 'supported: false' },
  rope_interleaved: { values: [false], remedy: 'supported: false' },
};

/** Attention and scaling settings read above, or without influence on the logits. */
const KNOWN = new Set([
  'quantization_config',
  'attention_bias',
  'attention_dropout',
  'attn_implementation',
  '_attn_implementation',
  '_attn_implementation_autoset',
  'max_window_layers',
  'num_attention_heads',
  'rope_theta',
  'rope_scaling',
  'rope_parameters',
  'sliding_window', // in use only where use_sliding_window says so
]);
const TELLING = /attention|attn|qkv|qk_|rope|rotary|window|softcap|multiplier|logit_scale|alibi/;

function refuseUnsupported(file: string, raw: Record<string, unknown>): void {
  const quantization = raw.quantization_config as { quant_method?: unknown } | null | undefined;
  if (quantization && quantization.quant_method !== 'hqq')
    throw new UserError({
      file,
      field: 'quantization_config.quant_method',
      value: quantization.quant_method,
      problem: 'not supported',
      remedy: 'name the unquantized checkpoint; the teacher stage quantizes it itself',
    });
  for (const [field, { values, remedy }] of Object.entries(PLAIN)) {
    const value = raw[field];
    if (value != null && !values.includes(value))
      throw new UserError({ file, field, value, problem: 'not supported', remedy });
  }
  const layerTypes: unknown[] = Array.isArray(raw.layer_types) ? raw.layer_types : [];
  const odd = layerTypes.find((type) => type !== 'full_attention');
  if (odd !== undefined)
    throw new UserError({
      file,
      field: `layer_types[${layerTypes.indexOf(odd)}]`,
      value: odd,
      problem: 'not supported',
      remedy: 'supported: full_attention',
    });
  for (const [field, value] of Object.entries(raw))
    if (TELLING.test(field) && !KNOWN.has(field) && !(field in PLAIN) && value != null && value !== false)
      throw new UserError({
        file,
        field,
        value,
        problem: 'unknown setting of attention or scaling',
        remedy: 'it would change the logits; only plain Qwen2 and Llama decoders are supported',
      });
}

function headsOf(
  file: string,
  config: RawConfig,
): Pick<ModelConfig, 'numAttentionHeads' | 'numKeyValueHeads' | 'headDim'> {
  const numAttentionHeads = config.num_attention_heads;
  const numKeyValueHeads = config.num_key_value_heads ?? numAttentionHeads;
  const headDim = config.head_dim ?? config.hidden_size / numAttentionHeads;
  if (numAttentionHeads % numKeyValueHeads !== 0)
    throw new UserError({
      file,
      field: 'num_key_value_heads',
      value: numKeyValueHeads,
      problem: `does not divide num_attention_heads = ${numAttentionHeads}`,
    });
  if (headDim % 2 !== 0)
    throw new UserError({
      file,
      field: config.head_dim == null ? 'hidden_size / num_attention_heads' : 'head_dim',
      value: headDim,
      problem: 'the size of a head must be an even whole number',
    });
  return { numAttentionHeads, numKeyValueHeads, headDim };
}

function ropeOf(file: string, config: RawConfig): ModelConfig['rope'] {
  const field = config.rope_parameters ? 'rope_parameters' : 'rope_scaling';
  const given = config.rope_parameters ?? config.rope_scaling ?? {};
  const theta = given.rope_theta ?? config.rope_theta ?? 10000;
  const check = <S extends z.ZodType>(schema: S): z.infer<S> =>
    validate(schema, given, () => `${file}: ${field}`);
  const type = given.rope_type ?? given.type ?? 'default';
  switch (type) {
    case 'default':
      return { theta, scaling: { type } };
    case 'linear':
      return { theta, scaling: { type, factor: check(linearSchema).factor } };
    case 'llama3': {
      const found = check(llama3Schema);
      const scaling = {
        type,
        factor: found.factor,
        lowFreqFactor: found.low_freq_factor,
        highFreqFactor: found.high_freq_factor,
        originalMaxPositionEmbeddings: found.original_max_position_embeddings,
      } as const;
      return { theta, scaling };
    }
    default:
      throw new UserError({
        file,
        field: `${field}.${given.rope_type === undefined ? 'type' : 'rope_type'}`,
        value: type,
        problem: 'unsupported rotary scaling',
        remedy: 'supported: default, linear, llama3',
      });
  }
}
