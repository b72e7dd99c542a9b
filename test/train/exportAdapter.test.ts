// The adapter folder of a run: PEFT loads it over the student's checkpoint and finds our logits, as does transformers in
// the merged model; a run without adapters leaves no such folder.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { openSafetensors } from '../../pipeline/model/safetensors.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStudent } from '../../pipeline/train/trainStudent.ts';
import { python, withoutModules } from '../needs.ts';
import { readJson } from '../readJson.ts';
import { largestDifference, sequenceLogits } from '../real/decoderLogits.ts';
import { loraScene, SOME } from './loraScene.ts';

const IDS = [5, 17, 230, 8, 99, 41, 3, 77];
const ALL = { rank: 4, alpha: 6, dropout: 0.1 };
const TRAINING = {
  learning_rate: 2e-2,
  epochs: 3,
  batch_tokens: 100,
  export_dtype: 'float32',
  dtype: 'float32',
};

t.test('what is in the folder', async (t) => {
  const { at, folders } = await loraScene(t);
  const manifest = await trainStudent(trainConfig.parse({ ...TRAINING, lora: ALL }), folders('run'));
  t.match(readJson(at('run/adapter/adapter_config.json')), {
    ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 4, lora_alpha: 6, lora_dropout: 0.1, bias: 'none' },
    target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  });
  const file = await openSafetensors(at('run/adapter/adapter_model.safetensors'));
  t.equal(file.tensors.size, 28);
  t.match(file.tensors.get('base_model.model.model.layers.1.mlp.down_proj.lora_A.weight'), {
    ...{ dtype: 'F32', shape: [4, 192] },
  });
  await file.close();
  const files = manifest.files.map(({ file }) => file);
  t.ok(files.includes('adapter/adapter_model.safetensors') && files.includes('model/model.safetensors'));
  await trainStudent(trainConfig.parse({ ...TRAINING, max_steps: 1 }), folders('run'));
  t.notOk(existsSync(at('run/adapter')), 'gone after a run without adapters');
});

const skip = withoutModules('torch', 'transformers', 'peft');

t.test('PEFT and transformers find our logits', { skip }, async (t) => {
  const { at, folders } = await loraScene(t);
  for (const [run, lora] of [
    ['all', ALL],
    ['some', SOME],
  ] as const) {
    await trainStudent(trainConfig.parse({ ...TRAINING, lora }), folders(run));
    const logits = at(`${run}.f32`);
    const places = [at('student'), at(`${run}/adapter`), at(`${run}/model`), logits];
    const unplaced = execFileSync(python, ['test/train/peftLogits.py', ...places, ...IDS.map(String)], {
      ...{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    });
    t.equal(unplaced.trim(), '', 'every tensor has its place');
    const bytes = readFileSync(logits);
    const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const [ours, before] = [await ourLogits(at(`${run}/model`)), await ourLogits(at('student'))];
    for (const [i, by] of ['PEFT', 'transformers'].entries()) {
      const difference = largestDifference(ours, theirs.subarray(i * ours.length, (i + 1) * ours.length));
      t.ok(difference < 1e-3, `${run}: ${by}'s logits differ by ${difference}`);
    }
    t.ok(largestDifference(ours, before) > 0.1, 'and training has changed them');
  }
});

async function ourLogits(folder: string): Promise<number[]> {
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const rows = sequenceLogits(decoder, IDS);
  disposeDecoder(decoder);
  return rows.flatMap((row) => [...row]);
}
