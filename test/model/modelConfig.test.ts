// config.json in both dialects, against what transformers reads (test/golden/model/configs.json); refusals by name.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readModelConfig, type ModelConfig, type RopeScaling } from '../../pipeline/model/modelConfig.ts';
import { readJson } from '../readJson.ts';

interface Case {
  name: string;
  config: Record<string, unknown>;
  read: Pick<ModelConfig, 'headDim' | 'numKeyValueHeads' | 'rmsNormEps' | 'tieWordEmbeddings' | 'mlpBias'> & {
    attentionBias: boolean | null;
    rope: Record<string, unknown>;
  };
}

const CASES = readJson('test/golden/model/configs.json') as Case[];

for (const { name, config, read } of CASES)
  t.test(`read as transformers reads it: ${name}`, async (t) => {
    const found = await readModelConfig(t.testdir({ 'config.json': JSON.stringify(config) }));
    const { rope, attentionBias, ...rest } = read;
    t.match(found, rest);
    t.match(found, {
      vocabSize: 512,
      hiddenSize: 64,
      intermediateSize: 160,
      numHiddenLayers: 2,
      numAttentionHeads: 4,
    });
    // transformers names no bias setting for Qwen2: it is part of the architecture.
    const qwen2 = { qkv: true, output: false };
    t.same(
      found.attentionBias,
      attentionBias === null ? qwen2 : { qkv: attentionBias, output: attentionBias },
    );
    t.equal(found.rope.theta, rope.rope_theta);
    t.same(found.rope.scaling, scalingOf(rope));
    t.equal(found.maxPositionEmbeddings, config.max_position_embeddings);
    t.same(found.eosTokenIds, config.eos_token_id ?? []);
  });

function scalingOf(rope: Record<string, unknown>): RopeScaling {
  const number = (key: string) => Number(rope[key]);
  if (rope.rope_type === 'linear') return { type: 'linear', factor: number('factor') };
  if (rope.rope_type !== 'llama3') return { type: 'default' };
  return {
    type: 'llama3',
    factor: number('factor'),
    lowFreqFactor: number('low_freq_factor'),
    highFreqFactor: number('high_freq_factor'),
    originalMaxPositionEmbeddings: number('original_max_position_embeddings'),
  };
}

t.test('end tokens are those of generation_config.json where it names some', async (t) => {
  const config = { ...CASES[0]!.config, bos_token_id: 1, eos_token_id: 2 };
  const folder = t.testdir({ 'config.json': JSON.stringify(config) });
  t.match(await readModelConfig(folder), { bosTokenId: 1, eosTokenIds: [2] });
  writeFileSync(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: [7, 2] }));
  t.match(await readModelConfig(folder), { bosTokenId: 1, eosTokenIds: [7, 2] });
});

const REFUSALS: [change: Record<string, unknown>, message: RegExp][] = [
  [
    { architectures: ['MistralForCausalLM'] },
    /architectures = \["MistralForCausalLM"\]: unsupported.*supported: Qwen2ForCausalLM, LlamaForCausalLM/,
  ],
  [{ architectures: undefined, model_type: 'gemma' }, /model_type = "gemma": unsupported architecture/],
  [
    { rope_scaling: { type: 'yarn', factor: 4 } },
    /rope_scaling\.type = "yarn": unsupported.*supported: default, linear, llama3/,
  ],
  [{ rope_scaling: { rope_type: 'dynamic', factor: 4 } }, /rope_scaling\.rope_type = "dynamic"/],
  [{ rope_parameters: { rope_type: 'longrope' } }, /rope_parameters\.rope_type = "longrope"/],
  [{ rope_scaling: { rope_type: 'llama3', factor: 8 } }, /rope_scaling: low_freq_factor: missing/],
  [{ use_sliding_window: true, sliding_window: 4096 }, /use_sliding_window = true: not supported/],
  [{ layer_types: ['full_attention', 'sliding_attention'] }, /layer_types\[1\] = "sliding_attention"/],
  [{ hidden_act: 'gelu' }, /hidden_act = "gelu": not supported; supported: silu/],
  [
    { quantization_config: { quant_method: 'gptq' } },
    /quantization_config.quant_method = "gptq".*name the unquantized checkpoint/,
  ],
  [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor = 0.5: not supported/],
  [{ use_qk_norm: true }, /use_qk_norm = true: unknown setting of attention/],
  [{ attn_logit_softcapping: 50 }, /attn_logit_softcapping = 50: unknown setting/],
  [{ num_key_value_heads: 3 }, /num_key_value_heads = 3: does not divide num_attention_heads = 4/],
  [{ head_dim: 15 }, /head_dim = 15: the size of a head must be an even/],
  [{ hidden_size: 66 }, /hidden_size \/ num_attention_heads = 16.5/],
  [{ vocab_size: '512' }, /vocab_size = "512": expected (int|number)/],
  [{ hidden_size: undefined }, /hidden_size: missing/],
];
for (const [change, message] of REFUSALS)
  t.test(`refused: ${JSON.stringify(change)}`, async (t) => {
    const folder = t.testdir({ 'config.json': JSON.stringify({ ...CASES[0]!.config, ...change }) });
    await t.rejects(readModelConfig(folder), { name: 'UserError', message });
  });

t.test('settings that are off, or say nothing of the logits, are no reason to refuse', async (t) => {
  const harmless = {
    use_qk_norm: false,
    attn_logit_softcapping: null,
    rope_interleaved: false,
    attention_dropout: 0.1,
    pretraining_tp: 1,
  };
  const folder = t.testdir({ 'config.json': JSON.stringify({ ...CASES[0]!.config, ...harmless }) });
  t.equal((await readModelConfig(folder)).modelType, 'llama');
});
