// The teacher stage on a tiny random model: what it writes, reads back, keeps after an interruption, and refuses.
import { copyFile, mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readJsonObject } from '../../pipeline/artifact/jsonFile.ts';
import { findManifest } from '../../pipeline/artifact/manifest.ts';
import { loadConfig } from '../../pipeline/config/loadConfig.ts';
import { dequantizeRows, disposePacked } from '../../pipeline/engine/packedWeight.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { openCheckpoint, openWeights, writeCheckpoint } from '../../pipeline/model/checkpoint.ts';
import { toBfloat16, toFloat32 } from '../../pipeline/model/halfPrecision.ts';
import { readPackedWeight } from '../../pipeline/model/hqqWeights.ts';
import type { TensorSource } from '../../pipeline/model/safetensors.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { makeTeacher } from '../../pipeline/teacher/makeTeacher.ts';
import { teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import type { TeacherStatistics } from '../../pipeline/teacher/teacherStatistics.ts';
import { flipBit, sumsOf } from '../fileBytes.ts';
import { runStage } from '../runStage.ts';
import { makeTinyModel, type TinyModelOptions } from '../tinyModel.ts';

const SHARDS = [1, 2, 3].map((i) => `model-0000${i}-of-00003.safetensors`);

async function folders(t: Test, options: TinyModelOptions = {}): Promise<{ model: string; out: string }> {
  const folder = t.testdir();
  const model = join(folder, 'model');
  await makeTinyModel(model, { modelType: 'qwen2', tied: false, ...options });
  return { model, out: join(folder, 'teacher') };
}

t.test('weights are packed as configured, all else is bfloat16, and every part is listed', async (t) => {
  const { model, out } = await folders(t);
  await writeFile(join(model, 'chat_template.jinja'), 'template');
  const tensorsBefore = tf.memory().numTensors;
  const config = teacherConfig.parse({
    modules: { '*.down_proj': { bits: 8, group_size: 32 }, 'model.layers.1.mlp.*': { axis: 0, bits: 2 } },
    skip: ['lm_head', '*.v_proj'],
  });
  const { manifest } = await makeTeacher({ config, model, out });
  const { modules, total } = manifest.statistics as TeacherStatistics;
  t.equal(Object.keys(modules).length, 2 * 6);
  t.match(modules['model.layers.0.mlp.down_proj'], { bits: 8, group_size: 32, weights: 64 * 192 });
  t.match(modules['model.layers.1.mlp.down_proj'], { bits: 2, group_size: 64 }, 'the last match counts');

  const [source, weights] = [await openCheckpoint(model), await openWeights(out)];
  for (const [module, quality] of Object.entries(modules)) {
    const packed = await readPackedWeight({ folder: out, ...weights }, module);
    const rows = dequantizeRows(packed, { begin: 0, end: packed.shape[0] }, 'float32');
    const exact = toFloat32(await source.read(`${module}.weight`));
    const error = relativeErrorOf(exact, rows.dataSync() as Float32Array);
    t.ok(Math.abs(error - quality.relative_error) < 1e-5, `${module}: ${error}, as the manifest says`);
    t.ok(
      error < { 8: 0.01, 4: 0.12, 3: 0.25, 2: 0.6, 1: 1 }[packed.bits],
      `${packed.bits} bits are enough for that`,
    );
    t.notOk(weights.has(`${module}.weight`));
    rows.dispose();
    disposePacked(packed);
  }
  const kept = source.names().filter((name) => !(name.replace(/\.weight$/, '') in modules));
  for (const name of kept) {
    const stored = await weights.read(name);
    t.equal(stored.dtype, 'BF16');
    t.ok(Buffer.from(stored.data).equals(toBfloat16(toFloat32(await source.read(name)))), name);
  }
  await Promise.all([source.close(), weights.close()]);
  t.equal(tf.memory().numTensors, tensorsBefore, 'nothing leaks');

  const { torch_dtype: dtype, quantization_config: written } = (await readJsonObject(
    join(out, 'config.json'),
  )) as { torch_dtype: string; quantization_config: { quant_config: Record<string, object> } };
  t.equal(dtype, 'bfloat16');
  t.match(written, { quant_method: 'hqq', skip_modules: ['lm_head', 'self_attn.v_proj'] });
  t.strictSame(Object.keys(written.quant_config).sort(), [
    ...['mlp.down_proj', 'mlp.gate_proj', 'mlp.up_proj'],
    ...['self_attn.k_proj', 'self_attn.o_proj', 'self_attn.q_proj'],
  ]);
  t.match(written.quant_config['mlp.down_proj'], { weight_quant_params: { nbits: 8, group_size: 32 } });
  t.match(written.quant_config['self_attn.k_proj'], { weight_quant_params: { nbits: 4, round_zero: true } });
  const expected = [...SHARDS, 'chat_template.jinja', 'config.json', 'model.safetensors.index.json'];
  expected.push('tokenizer.json', 'tokenizer_config.json');
  t.strictSame(manifest.files.map(({ file }) => file).sort(), expected.sort());
  t.strictSame((await readdir(out)).sort(), [...expected, 'manifest.json'].sort());
  const shardBytes = manifest.files.filter(({ file }) => file.startsWith('model-')).map(({ bytes }) => bytes);
  t.ok(
    total.bytes < shardBytes.reduce((a, b) => a + b, 0),
    'bytes are those of the tensors, without headers',
  );
});

t.test(
  'an interrupted, a damaged and a second run give the same bytes, redoing only what is missing',
  async (t) => {
    const { model, out } = await folders(t);
    const config = teacherConfig.parse({});
    const run = async () => {
      const lines: string[] = [];
      const { upToDate } = await makeTeacher({ config, model, out, progress: (line) => lines.push(line) });
      return { upToDate, kept: lines.filter((line) => line.endsWith('kept')).length };
    };
    t.strictSame(await run(), { upToDate: false, kept: 0 });
    const complete = sumsOf(out);

    await rm(join(out, 'manifest.json'));
    await rm(join(out, SHARDS[2]!));
    await writeFile(join(out, `${SHARDS[2]!}.tmp`), 'cut off');
    t.strictSame(await run(), { upToDate: false, kept: 2 });
    t.strictSame(sumsOf(out), complete, 'after an interruption');

    flipBit(join(out, SHARDS[1]!), -5);
    t.strictSame(await run(), { upToDate: false, kept: 2 });
    t.strictSame(sumsOf(out), complete, 'after a flipped bit');

    const before = await stat(join(out, 'manifest.json'));
    t.strictSame(await run(), { upToDate: true, kept: 0 });
    t.ok((await stat(join(out, 'manifest.json'))).mtimeMs > before.mtimeMs, 'the manifest is touched');
    t.strictSame(sumsOf(out), complete);
  },
);

t.test('a run that ends within a layer goes on after its last matrix, with the same bytes', async (t) => {
  const { model, out } = await folders(t);
  const lines: string[] = [];
  const run = (parameters = {}) => {
    const progress = (line: string) => lines.push(line);
    return makeTeacher({ config: teacherConfig.parse(parameters), model, out, progress });
  };
  await run();
  const complete = sumsOf(out);
  await rm(out, { recursive: true });
  const inTheWay = join(out, `${SHARDS[2]!}.tmp`);
  await mkdir(inTheWay, { recursive: true });
  await t.rejects(run(), { code: 'EISDIR' });
  const parts = join(out, 'unfinished');
  t.equal((await readdir(parts)).length, 7, 'all matrices of the second layer');
  await rm(inTheWay, { recursive: true });
  await rm(join(parts, 'model.layers.1.mlp.up_proj.safetensors'));
  await writeFile(join(parts, 'model.layers.1.mlp.gate_proj.safetensors'), 'cut off');
  lines.length = 0;
  await run();
  t.equal(lines.filter((line) => /3\/3 .*: model\.layers\.1\.\S+ kept$/.test(line)).length, 5);
  t.strictSame(sumsOf(out), complete);

  await rm(out, { recursive: true });
  await mkdir(inTheWay, { recursive: true });
  await t.rejects(run({ bits: 8 }), { code: 'EISDIR' });
  await rm(inTheWay, { recursive: true });
  await run();
  t.strictSame(sumsOf(out), complete, "another teacher's matrices are of no use");
});

t.test('packed matrices that are not those of config.json are refused on loading', async (t) => {
  const { model, out } = await folders(t);
  await makeTeacher({ config: teacherConfig.parse({}), model, out });
  disposeDecoder(await loadDecoder(out, { dtype: 'bfloat16' }));
  const config = await readJsonObject(join(out, 'config.json'));
  await writeFile(join(out, 'config.json'), JSON.stringify({ ...config, intermediate_size: 96 }));
  const message = /mlp\.gate_proj = \[192,64\]: config\.json asks for the shape \[96,64\]/;
  await t.rejects(loadDecoder(out, { dtype: 'bfloat16' }), { name: 'UserError', message });
});

t.test('another model or parameter is another teacher', async (t) => {
  const { model, out } = await folders(t, { layers: 3 });
  const run = async (parameters: object, from: string) => {
    await makeTeacher({ config: teacherConfig.parse(parameters), model: from, out });
    return (await findManifest(out))!.fingerprint;
  };
  const first = await run({}, model);
  const other = await run({ bits: 3 }, model);
  t.not(other, first);
  t.equal(await run({}, model), first, 'and back');
  const smaller = join(model, 'smaller');
  await makeTinyModel(smaller, { layers: 2 });
  t.not(await run({}, smaller), first);
  t.strictSame(
    (await readdir(out)).filter((name) => name.startsWith('model-')).sort(),
    SHARDS,
    'no old shards',
  );
});

t.test('the same teacher from one file and from shards, in float32 and bfloat16 alike', async (t) => {
  const { model, out } = await folders(t, { dtype: 'BF16' });
  await makeTeacher({ config: teacherConfig.parse({}), model, out });
  const wide = join(t.testdirName, 'wide');
  await mkdir(wide);
  const [source, weights] = [await openCheckpoint(model), await openWeights(out)];
  await copyFile(join(model, 'config.json'), join(wide, 'config.json'));
  const tensors = source.names().map((name) => ({
    name,
    dtype: 'F32' as const,
    shape: source.info(name).shape,
    data: async () => new Uint8Array(toFloat32(await source.read(name)).buffer),
  }));
  await writeCheckpoint(wide, { tensors, maxShardBytes: 100_000 });
  await makeTeacher({ config: teacherConfig.parse({}), model: wide, out: join(wide, 'out') });
  const wideWeights = await openWeights(join(wide, 'out'));
  t.strictSame(wideWeights.names().sort(), weights.names().sort());
  for (const name of weights.names())
    t.ok(Buffer.from((await weights.read(name)).data).equals((await wideWeights.read(name)).data), name);
  await Promise.all([source.close(), weights.close(), wideWeights.close()]);
});

t.test('what cannot be done is said before anything is written', async (t) => {
  const { model, out } = await folders(t);
  const attempt = (parameters: object, from = model, to = out) =>
    makeTeacher({ config: teacherConfig.parse(parameters), model: from, out: to });
  const refusal = (message: RegExp) => ({ name: 'UserError', message });
  await t.rejects(
    attempt({ group_size: 96 }),
    refusal(
      /group_size = 96: does not divide the 2048 weights of \[32, 64\], model\.layers\.0\.self_attn\.k_proj; /,
    ),
  );
  await t.rejects(
    attempt({ modules: { '*.up': { bits: 8 } } }),
    refusal(/modules = "\*\.up": fits no linear layer/),
  );
  const headOverride = { modules: { lm_head: { bits: 8 } } };
  await t.rejects(
    attempt(headOverride),
    refusal(/modules = "lm_head": fits no linear layer that is quantized/),
  );
  await t.rejects(attempt({ bits: 1, group_size: 60, axis: 0 }), refusal(/group_size = 60: /));
  await t.rejects(attempt({ skip: ['*'] }), refusal(/there is no linear layer to quantize/));
  await t.rejects(attempt({}, model, model), refusal(/is the folder of the model itself/));
  await t.rejects(attempt({}, join(model, 'none')), refusal(/none\/config\.json: no such file/));
  await t.rejects(stat(out), { code: 'ENOENT' });
});

t.test('weights that cannot be quantized are named', async (t) => {
  const { model, out } = await folders(t);
  const expectRefusal = async (tensor: string, change: (values: Float32Array) => void, message: RegExp) => {
    const edit = (name: string, values: Float32Array) => {
      if (name === tensor) change(values);
    };
    await makeTinyModel(model, { modelType: 'qwen2', tied: false, edit });
    const attempt = makeTeacher({ config: teacherConfig.parse({}), model, out });
    await t.rejects(attempt, { name: 'UserError', message });
    t.equal(await findManifest(out), undefined);
  };
  const up = 'model.layers.1.mlp.up_proj.weight';
  await expectRefusal(up, (values) => (values[7] = NaN), /1\.mlp\.up_proj\.weight: holds NaN or infinite/);
  await expectRefusal(up, (values) => (values[7] = -Infinity), /up_proj\.weight: holds NaN or infinite/);
  const narrow = (values: Float32Array) => values.forEach((_, i) => (values[i] = 100 + i * 1e-4));
  await expectRefusal(up, narrow, /up_proj\.weight: .* zero point beyond float16; name this layer/);
  const embedding = 'model.embed_tokens.weight';
  await expectRefusal(embedding, (values) => (values[300] = NaN), /embed_tokens\.weight: holds NaN/);
});

t.test(
  'a checkpoint that is not what its config.json says is refused before anything is written',
  async (t) => {
    const { model, out } = await folders(t);
    const source = await openCheckpoint(model);
    const damaged = join(model, 'damaged');
    const attempt = async (change: (tensor: TensorSource) => TensorSource[]) => {
      await rm(damaged, { recursive: true, force: true });
      await mkdir(damaged);
      await copyFile(join(model, 'config.json'), join(damaged, 'config.json'));
      const tensors = source.names().flatMap((name) => {
        const data = async () => (await source.read(name)).data;
        return change({ name, ...source.info(name), data });
      });
      await writeCheckpoint(damaged, { tensors, maxShardBytes: 100_000 });
      await makeTeacher({ config: teacherConfig.parse({}), model: damaged, out });
    };
    const down = 'model.layers.1.mlp.down_proj.weight';
    await t.rejects(
      attempt((tensor) => (tensor.name === down ? [] : [tensor])),
      { name: 'UserError', message: /1\.mlp\.down_proj\.weight: this tensor is missing from the checkpoint/ },
    );
    await t.rejects(
      attempt((tensor) => (tensor.name === down ? [{ ...tensor, shape: [32, 384] }] : [tensor])),
      {
        name: 'UserError',
        message: /down_proj\.weight = \[32,384\]: config\.json asks for the shape \[64,192\]/,
      },
    );
    await t.rejects(
      attempt((tensor) => (tensor.name === down ? [tensor, { ...tensor, name: 'x.W_q' }] : [tensor])),
      { name: 'UserError', message: /x\.W_q: the model is quantized already; name the unquantized/ },
    );
    await attempt((tensor) => [tensor]);
    await source.close();
    const shard = join(damaged, 'model-00002-of-00006.safetensors');
    await truncate(shard, (await stat(shard)).size - 1);
    const cut = makeTeacher({ config: teacherConfig.parse({}), model: damaged, out });
    await t.rejects(cut, { name: 'UserError', message: /model-00002-of-00006\.safetensors: cut off: holds/ });
  },
);

t.test('parameters out of range are named with their flag', async (t) => {
  const file = 'data/recipes/smollm2/teacher.yaml';
  t.strictSame(
    await loadConfig(teacherConfig, { file }),
    teacherConfig.parse({}),
    'the recipe has the defaults',
  );
  const refused = (overrides: Record<string, string>, message: RegExp) =>
    t.rejects(loadConfig(teacherConfig, { file, overrides }), { name: 'UserError', message });
  await refused({ bits: '5' }, /^--bits: bits = 5: .*8\|4\|3\|2\|1$/);
  await refused({ group_size: '0' }, /^--group-size: group_size = 0: .*>0$/);
  await refused({ group_size: '1.5' }, /^--group-size: group_size = 1.5: .*int/);
  await refused({ axis: '2' }, /^--axis: axis = 2: .*0\|1$/);
  await refused(
    { modules: '{x: {bit: 8}}' },
    /^--modules: modules\.x\.bit: unknown key; did you mean "bits"\?$/,
  );
});

t.test('the command prints a table; a mistake is one line', async (t) => {
  const { model, out } = await folders(t);
  const config = 'data/recipes/smollm2/teacher.yaml';
  const run = (flags = {}) => runStage('teacher', { config, model, out, ...flags });
  const { stdout, stderr } = await run();
  t.match(stdout, /^linear layers .*\n(.*\n)*self_attn\.q_proj +2 +4 +8192 +0\.0 +0\.\d{5} +0\.\d{5}\n/);
  t.match(stderr, /^teacher: 3\/3 model-00003-of-00003\.safetensors: /m);
  await t.rejects(run({ 'group-size': '96' }), {
    code: 1,
    stdout: '',
    stderr: /^teacher: group_size = 96: .*\n$/m,
  });
});

function relativeErrorOf(exact: Float32Array, found: Float32Array): number {
  let [error, total] = [0, 0];
  for (const [i, value] of exact.entries()) {
    error += (value - found[i]!) ** 2;
    total += value ** 2;
  }
  return Math.sqrt(error / total);
}
