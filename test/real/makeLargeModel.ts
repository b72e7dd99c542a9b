// Writes a model as large as real ones into a folder outside the repository: random weights in the shapes of a known
// Llama, bfloat16, in shards of 1 GB with an index, and a tokenizer taken from another model folder if one is named.
// Tensors are made a piece at a time, so it needs a few hundred MB, whatever the model.
//   node --import tsx test/real/makeLargeModel.ts --out FOLDER [--shape llama-3.2-3b] [--tokenizer FOLDER]
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { commitJson } from '../../pipeline/artifact/jsonFile.ts';
import { cast } from '../../pipeline/engine/layoutOps.ts';
import { int32, rawOp } from '../../pipeline/engine/rawOp.ts';
import { bytesOf } from '../../pipeline/engine/tensorBytes.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { writeCheckpoint } from '../../pipeline/model/checkpoint.ts';
import { copyModelFiles } from '../../pipeline/model/copyModelFiles.ts';
import { decoderShapes } from '../../pipeline/model/decoderShapes.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import type { TensorSource } from '../../pipeline/model/safetensors.ts';

const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_act: 'silu',
  head_dim: 128,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  max_position_embeddings: 8192,
  bos_token_id: 0,
  eos_token_id: 0,
  torch_dtype: 'bfloat16',
};

const CONFIGS = {
  'llama-3.2-3b': {
    ...{ ...LLAMA, hidden_size: 3072, intermediate_size: 8192, num_hidden_layers: 28, vocab_size: 128256 },
    ...{ num_attention_heads: 24, num_key_value_heads: 8, tie_word_embeddings: true },
  },
  /** One of its 80 layers, and a small vocabulary: the largest matrices a Llama has. */
  'llama-70b-layer': {
    ...{ ...LLAMA, hidden_size: 8192, intermediate_size: 28672, num_hidden_layers: 1, vocab_size: 1024 },
    ...{ num_attention_heads: 64, num_key_value_heads: 8, tie_word_embeddings: false },
  },
};

const PIECE_WEIGHTS = 1 << 22;

/** Normal, of the spread that matrices have at the start of a training; norms are near 1. */
function randomTensor(name: string, shape: number[], seed: number): TensorSource {
  const size = shape.reduce((a, b) => a * b);
  const [mean, deviation] = shape.length === 1 ? [1, 0.1] : [0, shape[1]! ** -0.5];
  function* data() {
    for (let begin = 0; begin < size; begin += PIECE_WEIGHTS)
      yield tidyValue(() => {
        const seeds = { seed: { int: seed + 1 }, seed2: { int: begin / PIECE_WEIGHTS } };
        const length = int32([Math.min(PIECE_WEIGHTS, size - begin)]);
        const normal = rawOp('RandomStandardNormal', [length], { T: 'int32', dtype: 'float32', ...seeds });
        return bytesOf(cast(tf.add(tf.mul(normal, deviation), mean), 'bfloat16'));
      });
  }
  return { name, shape, dtype: 'BF16', data };
}

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    shape: { type: 'string', default: 'llama-3.2-3b' },
    tokenizer: { type: 'string' },
  },
});
const { out, shape, tokenizer } = values;
const config = Object.entries(CONFIGS).find(([name]) => name === shape)?.[1];
if (!out || !config) throw new Error(`--out FOLDER [--shape ${Object.keys(CONFIGS).join('|')}]`);
await mkdir(out, { recursive: true });
if (tokenizer) await copyModelFiles({ from: tokenizer, to: out, change: () => config });
await commitJson(`${out}/config.json`, config);
const shapes = [...decoderShapes(await readModelConfig(out))];
const tensors = shapes.map(([name, shape], i) => randomTensor(name, shape, i));
await writeCheckpoint(out, { tensors, maxShardBytes: 1e9 });
