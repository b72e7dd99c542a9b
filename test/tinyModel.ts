// A tiny random Llama or Qwen2 in Hugging Face layout, with a byte-level tokenizer that encodes any text, for tests
// that need a model but nothing of it. The same options give the same bytes.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { writeCheckpoint } from '../pipeline/model/checkpoint.ts';
import { toBfloat16 } from '../pipeline/model/halfPrecision.ts';
import type { TensorSource } from '../pipeline/model/safetensors.ts';

export interface TinyModelOptions {
  seed?: number;
  modelType?: 'llama' | 'qwen2';
  /** Tokens of the tokenizer: 3 special, 256 bytes, the rest fillers that no text contains. */
  vocabSize?: number;
  /** Rows of embedding and head; those beyond the vocabulary are padding, as in Qwen2. */
  headRows?: number;
  layers?: number;
  hiddenSize?: number;
  tied?: boolean;
  dtype?: 'F32' | 'BF16';
  maxPositions?: number;
  /** Changes a tensor's float32 values before they are written, such as putting a NaN into it. */
  edit?: (name: string, values: Float32Array) => void;
}

/** Ids of the special tokens; the byte b of a text is the token 3 + (its rank in the byte-level alphabet). */
export const TINY_SPECIAL_TOKENS = { '<|endoftext|>': 0, '<|im_start|>': 1, '<|im_end|>': 2 } as const;

/** Writes config.json, model.safetensors, tokenizer.json and tokenizer_config.json (ChatML template) into `folder`. */
export async function makeTinyModel(folder: string, options: TinyModelOptions = {}): Promise<void> {
  const { vocabSize = 300, headRows = vocabSize } = options;
  await mkdir(folder, { recursive: true });
  await writeJson(folder, 'config.json', tinyConfig({ ...options, headRows }));
  await writeJson(folder, 'tokenizer.json', tinyTokenizer(vocabSize));
  await writeJson(folder, 'tokenizer_config.json', TOKENIZER_CONFIG);
  await writeCheckpoint(folder, { tensors: tinyTensors({ ...options, headRows }) });
}

const HEADS = { query: 4, key: 2 };
const sizesOf = ({ layers = 2, hiddenSize = 64 }: TinyModelOptions) => ({
  layers,
  D: hiddenSize,
  F: 3 * hiddenSize,
  keyWidth: (hiddenSize * HEADS.key) / HEADS.query,
});

function tinyConfig(options: TinyModelOptions & { headRows: number }) {
  const { modelType = 'llama', headRows, tied = true, dtype = 'F32', maxPositions = 512 } = options;
  const { layers, D, F } = sizesOf(options);
  return {
    architectures: [modelType === 'llama' ? 'LlamaForCausalLM' : 'Qwen2ForCausalLM'],
    model_type: modelType,
    vocab_size: headRows,
    hidden_size: D,
    intermediate_size: F,
    num_hidden_layers: layers,
    num_attention_heads: HEADS.query,
    num_key_value_heads: HEADS.key,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: tied,
    max_position_embeddings: maxPositions,
    bos_token_id: TINY_SPECIAL_TOKENS['<|im_start|>'],
    eos_token_id: TINY_SPECIAL_TOKENS['<|im_end|>'],
    torch_dtype: dtype === 'F32' ? 'float32' : 'bfloat16',
  };
}

function tinyTensors(options: TinyModelOptions & { headRows: number }): TensorSource[] {
  const { seed = 0, modelType = 'llama', headRows, tied = true, dtype = 'F32', edit } = options;
  const { layers, D, F, keyWidth } = sizesOf(options);
  const shapes = new Map<string, number[]>([['model.embed_tokens.weight', [headRows, D]]]);
  for (let i = 0; i < layers; i++) {
    const add = (name: string, shape: number[]) => shapes.set(`model.layers.${i}.${name}`, shape);
    add('input_layernorm.weight', [D]);
    add('post_attention_layernorm.weight', [D]);
    for (const [name, out] of [['q', D], ['k', keyWidth], ['v', keyWidth]] as const) {
      add(`self_attn.${name}_proj.weight`, [out, D]);
      if (modelType === 'qwen2') add(`self_attn.${name}_proj.bias`, [out]);
    } // prettier-ignore
    add('self_attn.o_proj.weight', [D, D]);
    add('mlp.gate_proj.weight', [F, D]);
    add('mlp.up_proj.weight', [F, D]);
    add('mlp.down_proj.weight', [D, F]);
  }
  shapes.set('model.norm.weight', [D]);
  if (!tied) shapes.set('lm_head.weight', [headRows, D]);
  return [...shapes].map(([name, shape], i) => ({
    name,
    shape,
    dtype,
    data: () => {
      const values = randomValues(name, shape, seed * 1000 + i);
      edit?.(name, values);
      return dtype === 'BF16' ? toBfloat16(values) : new Uint8Array(values.buffer);
    },
  }));
}

/** Uniform around 0 (norms: around 1), wide enough for next-token distributions that are far from flat. */
function randomValues(name: string, shape: number[], seed: number): Float32Array<ArrayBuffer> {
  const stream = xoroshiro128plus(seed);
  const centre = name.endsWith('norm.weight') ? 1 : 0;
  const width = /embed_tokens|lm_head/.test(name) ? 0.6 : 0.2;
  const size = shape.reduce((product, side) => product * side, 1);
  return Float32Array.from({ length: size }, () => centre + width * (2 * uniformFloat32(stream) - 1));
}

function tinyTokenizer(vocabSize: number) {
  const special = Object.entries(TINY_SPECIAL_TOKENS);
  const tokens = [...special.map(([content]) => content), ...byteAlphabet()];
  if (vocabSize < tokens.length) throw new Error(`a tiny vocabulary has at least ${tokens.length} tokens`);
  const fillers = Array.from({ length: vocabSize - tokens.length }, (_, i) => `<filler${i}>`);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map(([content, id]) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries([...tokens, ...fillers].map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** GPT-2's characters for bytes: printable ones stand for themselves, the others for code points from 256 on. */
function byteAlphabet(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

const TOKENIZER_CONFIG = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  bos_token: '<|im_start|>',
  eos_token: '<|im_end|>',
  chat_template:
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
};

function writeJson(folder: string, name: string, value: object): Promise<void> {
  return writeFile(join(folder, name), JSON.stringify(value, null, 1) + '\n');
}
