// The tensors of a Qwen2 or Llama checkpoint by their Hugging Face names, in the order of the computation: what a folder
// must hold to be loaded, what a quantizer may expect, what a synthetic model has to be made of.
import { UserError } from '../config/userError.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { ModelConfig } from './modelConfig.ts';
import { elementsOf } from './safetensors.ts';

/** The linear layers of a decoder layer by role. */
export const PROJECTIONS = {
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
} as const;

/** The shape of every tensor: matrices [out, in], norms and biases [out]. A tied head is not listed. */
export function decoderShapes(config: ModelConfig): Map<string, number[]> {
  const { vocabSize: V, hiddenSize: D, numHiddenLayers, tieWordEmbeddings } = config;
  const shapes = new Map<string, number[]>([['model.embed_tokens.weight', [V, D]]]);
  for (let i = 0; i < numHiddenLayers; i++)
    for (const [name, shape] of layerShapes(config)) shapes.set(`model.layers.${i}.${name}`, shape);
  shapes.set('model.norm.weight', [D]);
  if (!tieWordEmbeddings) shapes.set('lm_head.weight', [V, D]);
  return shapes;
}

/** Elements of all tensors of a decoder of these shapes. */
export function parametersOf(config: ModelConfig): number {
  return [...decoderShapes(config).values()].reduce((sum, shape) => sum + elementsOf(shape), 0);
}

/** @throws UserError when a tensor of the checkpoint does not have the shape that its config.json asks for. */
export function requireShape(
  { folder }: Pick<Checkpoint, 'folder'>,
  name: string,
  { found, expected }: { found: readonly number[]; expected: readonly number[] },
): void {
  if (found.join() === expected.join()) return;
  const problem = `config.json asks for the shape ${JSON.stringify(expected)}`;
  throw new UserError({ file: folder, field: name, value: found, problem });
}

function layerShapes(config: ModelConfig): [string, number[]][] {
  const { hiddenSize: D, intermediateSize: F, attentionBias, mlpBias } = config;
  const queryWidth = config.numAttentionHeads * config.headDim;
  const keyWidth = config.numKeyValueHeads * config.headDim;
  const linear = (role: keyof typeof PROJECTIONS, out: number, columns: number, bias: boolean) => [
    [`${PROJECTIONS[role]}.weight`, [out, columns]] as [string, number[]],
    ...(bias ? [[`${PROJECTIONS[role]}.bias`, [out]] as [string, number[]]] : []),
  ];
  return [
    ['input_layernorm.weight', [D]],
    ...linear('query', queryWidth, D, attentionBias.qkv),
    ...linear('key', keyWidth, D, attentionBias.qkv),
    ...linear('value', keyWidth, D, attentionBias.qkv),
    ...linear('output', D, queryWidth, attentionBias.output),
    ['post_attention_layernorm.weight', [D]],
    ...linear('gate', F, D, mlpBias),
    ...linear('up', F, D, mlpBias),
    ...linear('down', D, F, mlpBias),
  ];
}
