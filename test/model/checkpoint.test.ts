// Checkpoints in one file and in shards: written, read back, and refused when something is missing.
import { cpSync, existsSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { modelFingerprint, openCheckpoint, writeCheckpoint } from '../../pipeline/model/checkpoint.ts';
import type { TensorSource } from '../../pipeline/model/safetensors.ts';
import { flipBit } from '../fileBytes.ts';
import { FIXTURES, without } from '../needs.ts';
import { readJson } from '../readJson.ts';

process.env.REDISTILL_CACHE = t.testdir();

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 8,
  hidden_size: 4,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 16,
};
const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
const NAMES = ['model.embed_tokens.weight', 'model.layers.0.mlp.up_proj.weight', 'model.norm.weight'];

/** A folder with three float32 tensors, filled with their index: 128, 128 and 16 bytes. */
async function makeModel(folder: string, maxShardBytes?: number): Promise<string> {
  const shapes = [[8, 4], [8, 4], [4]];
  const tensors = NAMES.map((name, i): TensorSource => {
    const size = shapes[i]!.reduce((a, b) => a * b);
    return {
      name,
      dtype: 'F32',
      shape: shapes[i]!,
      data: () => new Uint8Array(new Float32Array(size).fill(i).buffer),
    };
  });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(CONFIG));
  await writeCheckpoint(folder, { tensors, ...(maxShardBytes === undefined ? {} : { maxShardBytes }) });
  return folder;
}

for (const [name, maxShardBytes] of [
  ['one file', undefined],
  ['two shards', 150],
] as const)
  t.test(`written and read back: ${name}`, async (t) => {
    const folder = await makeModel(t.testdir(), maxShardBytes);
    t.equal(existsSync(join(folder, SHARDS[1])), maxShardBytes !== undefined);
    const checkpoint = await openCheckpoint(folder);
    t.teardown(checkpoint.close);
    t.same(checkpoint.names().sort(), [...NAMES].sort());
    for (const [i, tensor] of NAMES.entries()) {
      const { data, shape } = await checkpoint.read(tensor);
      t.same(checkpoint.info(tensor), { dtype: 'F32', shape });
      t.ok(
        new Float32Array(data.buffer).every((value) => value === i),
        tensor,
      );
    }
    t.throws(() => checkpoint.info('lm_head.weight'), { message: /lm_head\.weight: this tensor is missing/ });
  });

t.test('shards hold no more than they may, and the index says where each tensor is', async (t) => {
  const folder = await makeModel(t.testdir(), 150);
  const index = readJson(join(folder, 'model.safetensors.index.json'));
  t.same(index, {
    metadata: { total_size: 272 },
    weight_map: { [NAMES[0]!]: SHARDS[0], [NAMES[1]!]: SHARDS[1], [NAMES[2]!]: SHARDS[1] },
  });
});

function editIndex(folder: string, edit: (weightMap: Record<string, string>) => void): void {
  const file = join(folder, 'model.safetensors.index.json');
  const index = readJson(file) as { weight_map: Record<string, string> };
  edit(index.weight_map);
  writeFileSync(file, JSON.stringify(index));
}

const DAMAGES: Record<string, { damage: (folder: string) => void; message: RegExp }> = {
  'a shard is missing': {
    damage: (folder) => rmSync(join(folder, SHARDS[1])),
    message: /model-00002-of-00002\.safetensors: no such file/,
  },
  'a shard is cut': {
    damage: (folder) => truncateSync(join(folder, SHARDS[0]), statSync(join(folder, SHARDS[0])).size - 1),
    message: /model-00001-of-00002\.safetensors: cut off: holds 127 of 128 bytes/,
  },
  'the index names a tensor that no shard has': {
    damage: (folder) => editIndex(folder, (map) => (map['lm_head.weight'] = SHARDS[0])),
    message: /index\.json: lm_head\.weight: not in model-00001-of-00002\.safetensors/,
  },
  'the index puts a tensor in the wrong shard': {
    damage: (folder) => editIndex(folder, (map) => (map[NAMES[0]!] = SHARDS[1])),
    message: /index\.json: model\.embed_tokens\.weight: not in model-00002-of-00002/,
  },
  'the index points out of the folder': {
    damage: (folder) => editIndex(folder, (map) => (map[NAMES[0]!] = '../elsewhere.safetensors')),
    message: /index\.json: weight_map\.model\.embed_tokens\.weight = "\.\.\/elsewhere/,
  },
  'the index is not JSON': {
    damage: (folder) => writeFileSync(join(folder, 'model.safetensors.index.json'), '{'),
    message: /index\.json: not valid JSON/,
  },
};
for (const [name, { damage, message }] of Object.entries(DAMAGES))
  t.test(`refused: ${name}`, async (t) => {
    const folder = await makeModel(t.testdir(), 150);
    damage(folder);
    await t.rejects(openCheckpoint(folder), { name: 'UserError', message });
  });

t.test('a folder with other weights, or none, is refused', async (t) => {
  const folder = t.testdir({ 'config.json': JSON.stringify(CONFIG) });
  await t.rejects(openCheckpoint(folder), { message: /model\.safetensors: no such file/ });
  writeFileSync(join(folder, 'pytorch_model.bin'), '');
  await t.rejects(openCheckpoint(folder), { message: /pytorch_model\.bin.*convert them to safetensors/ });
  await t.rejects(openCheckpoint(join(folder, 'nowhere')), { message: /config\.json: no such file/ });
});

t.test('the fingerprint follows weights, config and tokenizer, not the folder or other files', async (t) => {
  const root = t.testdir({ a: {}, b: {} });
  const folder = await makeModel(join(root, 'a'));
  const original = await modelFingerprint(folder);
  cpSync(folder, join(root, 'b'), { recursive: true });
  writeFileSync(join(root, 'b', 'README.md'), 'x');
  t.equal(await modelFingerprint(join(root, 'b')), original);
  writeFileSync(join(root, 'b', 'tokenizer.json'), '{}');
  t.not(await modelFingerprint(join(root, 'b')), original);
  flipBit(join(folder, 'model.safetensors'), -1);
  t.not(await modelFingerprint(folder), original, 'one flipped bit in the weights');
});

t.test(
  'the sharded fixture is read',
  {
    skip: without(FIXTURES),
  },
  async (t) => {
    const checkpoint = await openCheckpoint(`${FIXTURES}/tiny-llama3-rope-sharded`);
    t.teardown(checkpoint.close);
    t.equal(checkpoint.names().length, 3 * 9 + 3);
    t.same(checkpoint.info('model.layers.2.self_attn.k_proj.weight'), { dtype: 'F32', shape: [16, 64] });
  },
);
