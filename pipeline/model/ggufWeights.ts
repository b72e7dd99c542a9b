// The tensors of a GGUF file under Hugging Face's names and in its order of rows. Plain floats keep their values;
// a file with quantized blocks becomes bfloat16 throughout.
import { UserError } from '../config/userError.ts';
import { LLAMA3_FACTORS, type GgufShape } from './ggufConfig.ts';
import { dequantizeToBfloat16, floatDtype } from './ggufDequantize.ts';
import { isQuantized, type GgufFile } from './ggufFile.ts';
import type { TensorSource } from './safetensors.ts';

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

/** Every tensor, read and converted when its turn comes. @throws UserError for a tensor of unknown name. */
export function ggufWeights(file: GgufFile, shape: GgufShape): TensorSource[] {
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
      const bytes = quantized ? dequantizeToBfloat16(type, stored) : stored;
      return heads === undefined ? bytes : unpermuteHeads(bytes, { heads, rows: sizes[0]! });
    };
    return { name, dtype: quantized ? 'BF16' : floatDtype(type)!, shape: sizes, data };
  });
}

/** Heads in a tensor whose rows llama.cpp reordered for its way of rotating: q and k of Llama models. */
function rotatedHeads(name: string, shape: GgufShape): number | undefined {
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
