// The models and datasets of the recipes that need the Hub as stand-ins: configurations as they were published, headers that
// name every tensor in its true shape, and no weights. Sizes of datasets are round numbers, but for MetaMathQA's.
import { decoderShapes } from '../../pipeline/model/decoderShapes.ts';
import type { ModelConfig } from '../../pipeline/model/modelConfig.ts';
import type { StandIn } from './headerHub.ts';

const QWEN = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
};
const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  rms_norm_eps: 1e-5,
  rope_theta: 5e5,
};

const TIED = { tie_word_embeddings: true };

/** Published hyperparameters. */
const CONFIGS = {
  'deepseek-ai/DeepSeek-R1-Distill-Qwen-32B': { ...QWEN, ...shapes(5120, 64, 40, 8, 27_648, 152_064) },
  'deepseek-ai/DeepSeek-R1-Distill-Qwen-7B': { ...QWEN, ...shapes(3584, 28, 28, 4, 18_944, 152_064) },
  'deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B': { ...QWEN, ...shapes(1536, 28, 12, 2, 8960, 151_936) },
  'deepseek-ai/DeepSeek-R1-Distill-Llama-70B': { ...LLAMA, ...shapes(8192, 80, 64, 8, 28_672, 128_256) },
  'HuggingFaceTB/SmolLM2-360M-Instruct': { ...LLAMA, ...shapes(960, 32, 15, 5, 2560, 49_152), ...TIED },
  'HuggingFaceTB/SmolLM2-135M-Instruct': { ...LLAMA, ...shapes(576, 30, 9, 3, 1536, 49_152), ...TIED },
  'deepseek-ai/DeepSeek-R1-Distill-Llama-8B': { ...LLAMA, ...shapes(4096, 32, 32, 8, 14_336, 128_256) },
};

const DATASETS = {
  'meta-math/MetaMathQA': { 'MetaMathQA-395K.json': 395_626_321 },
  'microsoft/orca-math-word-problems-200k': { 'data/train-00000-of-00001.parquet': 80e6 },
  'nickrosh/Evol-Instruct-Code-80k-v1': { 'EvolInstruct-Code-80k.json': 120e6 },
  'mlfoundations-dev/filtered_numina_R1': { 'data/train-00000-of-00001.parquet': 300e6 },
  'ServiceNow-AI/R1-Distill-SFT': {
    'v0/train-00000-of-00001.parquet': 500e6,
    'v1/train-00000-of-00001.parquet': 9e9,
  },
};

/** The repositories, for `startHeaderHub`. */
export function realRepositories(): Record<string, Record<string, StandIn>> {
  const models = Object.entries(CONFIGS).map(
    ([name, config]) => [`models/${name}`, modelFiles(config)] as const,
  );
  const datasets = Object.entries(DATASETS).map(([name, files]) => {
    const standIns = Object.entries(files).map(
      ([path, bytes]) => [path, { bytes, begin: Buffer.alloc(0) }] as const,
    );
    return [`datasets/${name}`, Object.fromEntries(standIns)] as const;
  });
  return Object.fromEntries([...models, ...datasets]);
}

function shapes(D: number, layers: number, heads: number, keyHeads: number, F: number, V: number) {
  return {
    ...{
      hidden_size: D,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: keyHeads,
    },
    ...{ intermediate_size: F, vocab_size: V, max_position_embeddings: 131_072, tie_word_embeddings: false },
    torch_dtype: 'bfloat16',
  };
}

type RawConfig = (typeof CONFIGS)[keyof typeof CONFIGS];

function modelFiles(config: RawConfig): Record<string, StandIn> {
  const json = Buffer.from(JSON.stringify(config));
  const tensors = [...decoderShapes(shapesOf(config))];
  const half = Math.ceil(tensors.length / 2);
  return {
    'config.json': { bytes: json.length, begin: json },
    'model-00001-of-000002.safetensors': weightFile(tensors.slice(0, half)),
    'model-00002-of-000002.safetensors': weightFile(tensors.slice(half)),
    'figures/benchmark.jpg': { bytes: 777_000, begin: Buffer.alloc(0) },
  };
}

/** Of a configuration what `decoderShapes` reads. */
function shapesOf(config: RawConfig): ModelConfig {
  const isQwen = config.model_type === 'qwen2';
  return {
    vocabSize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    numHiddenLayers: config.num_hidden_layers,
    numAttentionHeads: config.num_attention_heads,
    numKeyValueHeads: config.num_key_value_heads,
    headDim: config.hidden_size / config.num_attention_heads,
    tieWordEmbeddings: config.tie_word_embeddings,
    attentionBias: { qkv: isQwen, output: false },
    mlpBias: false,
  } as ModelConfig;
}

function weightFile(tensors: readonly [string, number[]][]): StandIn {
  let end = 0;
  const entries = tensors.map(([name, shape]) => {
    const begin = end;
    end += 2 * shape.reduce((product, side) => product * side, 1);
    return [name, { dtype: 'BF16', shape, data_offsets: [begin, end] }];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return { bytes: 8 + text.length + end, begin: Buffer.concat([length, text]) };
}
