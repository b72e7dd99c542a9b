// A teacher of every width, axis and an odd group size, read by the Python package hqq 0.2.8 itself: it finds every key it
// knows and no other, the settings are those asked for, each matrix is dequantized to our values bit for bit, and it would
// have given every weight the same code.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { dequantizeRows, disposePacked } from '../../pipeline/engine/packedWeight.ts';
import { bytesOf } from '../../pipeline/engine/tensorBytes.ts';
import { openWeights } from '../../pipeline/model/checkpoint.ts';
import { readPackedWeight } from '../../pipeline/model/hqqWeights.ts';
import { openSafetensors } from '../../pipeline/model/safetensors.ts';
import { makeTeacher } from '../../pipeline/teacher/makeTeacher.ts';
import { optionsOf, teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import { python, withoutModules } from '../needs.ts';
import { makeTinyModel } from '../tinyModel.ts';

const FORMS = {
  q_proj: { bits: 8 },
  k_proj: { bits: 3 },
  v_proj: { bits: 2 },
  o_proj: { bits: 1 },
  gate_proj: { bits: 4, group_size: 12 },
  up_proj: { bits: 1, optimize: false },
  down_proj: { bits: 3, group_size: 6 },
};
const modules = ([1, 0] as const).flatMap((axis, layer) =>
  Object.entries(FORMS).map(([name, form]) => [`model.layers.${layer}.*.${name}`, { ...form, axis }]),
);
const config = teacherConfig.parse({ modules: Object.fromEntries(modules) as object });

t.test('hqq reads every form', { skip: withoutModules('hqq', 'torch', 'safetensors') }, async (t) => {
  const folder = t.testdir();
  const [model, out, theirs] = ['model', 'teacher', 'hqq.safetensors'].map((name) => join(folder, name));
  await makeTinyModel(model!, { modelType: 'qwen2', tied: false });
  await makeTeacher({ config, model: model!, out: out! });
  const text = execFileSync(python, ['test/teacher/readByHqq.py', model!, out!, theirs!], {
    encoding: 'utf8',
  });
  const listed = JSON.parse(text.trim().split('\n').at(-1)!) as Record<string, object>;
  const [weights, matrices] = [await openWeights(out!), await openSafetensors(theirs!)];
  t.equal(Object.keys(listed).length, 2 * 7);
  for (const [module, found] of Object.entries(listed)) {
    const { bits, groupSize, axis, optimize } = optionsOf(config, module)!;
    const settings = { nbits: bits, group_size: groupSize, axis, optimize, channel_wise: true };
    const rest = { round_zero: bits === 4, view_as_float: false, faults: [], differing: 0 };
    t.strictSame(found, { ...settings, ...rest }, module);
    const packed = await readPackedWeight({ folder: out!, ...weights }, module);
    const rows = dequantizeRows(packed, { begin: 0, end: packed.shape[0] }, 'float32');
    const { shape, data } = await matrices.read(module);
    t.strictSame(shape, packed.shape);
    t.ok(Buffer.from(data).equals(bytesOf(rows)), `${module}: the same values`);
    rows.dispose();
    disposePacked(packed);
  }
  await Promise.all([weights.close(), matrices.close()]);
});
