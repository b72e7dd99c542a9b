// A pruned copy has the kept layers' tensors under new numbers, and all else as it was.
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../pipeline/model/checkpoint.ts';
import { checkpointFromGguf } from '../../pipeline/model/ggufCheckpoint.ts';
import { prunedCheckpoint } from '../../pipeline/model/pruneLayers.ts';
import { readJson } from '../readJson.ts';

process.env.REDISTILL_CACHE = t.testdir();
const source = await checkpointFromGguf('test/golden/gguf/tiny-llama.gguf'); // 2 layers

t.test('layer 1 of 2 becomes layer 0', async (t) => {
  const [whole, pruned] = [
    await openCheckpoint(source),
    await openCheckpoint(await prunedCheckpoint(source, [1])),
  ];
  t.teardown(whole.close);
  t.teardown(pruned.close);
  t.same(pruned.config, { ...whole.config, numHiddenLayers: 1 });
  t.equal(pruned.names().length, whole.names().length - 9);
  for (const name of pruned.names())
    t.same(await pruned.read(name), await whole.read(name.replace('layers.0.', 'layers.1.')), name);
});

t.test('tokenizer and generation settings come along, layer_types are cut', async (t) => {
  const config = readJson(join(source, 'config.json')) as object;
  const folder = t.testdir();
  cpSync(source, folder, { recursive: true });
  const layer_types = ['full_attention', 'full_attention'];
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, layer_types }));
  const pruned = await prunedCheckpoint(folder, [0]);
  t.same(readdirSync(pruned).sort(), readdirSync(source).sort());
  t.match(readJson(join(pruned, 'config.json')), { layer_types: ['full_attention'] });
  t.ok(readFileSync(join(pruned, 'tokenizer.json')).equals(readFileSync(join(source, 'tokenizer.json'))));
});

t.test('the same layers are found again, others are another folder', async (t) => {
  t.equal(await prunedCheckpoint(source, [1]), await prunedCheckpoint(source, [1]));
  t.not(await prunedCheckpoint(source, [1]), await prunedCheckpoint(source, [0]));
});

t.test('layers that are not there, repeated or out of order are refused', async (t) => {
  for (const layers of [[2], [0, 0], [1, 0], []])
    await t.rejects(prunedCheckpoint(source, layers), {
      name: 'UserError',
      message: /keep_layers = .*layers 0 to 1$/,
    });
});
