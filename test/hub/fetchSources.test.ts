// The stage fetch from end to end, on local files: sources.json, the symlinks, and the command itself.
import { existsSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { loadConfig } from '../../pipeline/config/loadConfig.ts';
import { fetchSources } from '../../pipeline/hub/fetchSources.ts';
import { sourcesConfig } from '../../pipeline/hub/sourcesConfig.ts';
import { readSources } from '../../pipeline/hub/sourcesFile.ts';
import { modelFingerprint } from '../../pipeline/model/checkpoint.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import { runStage } from '../runStage.ts';
import { makeTinyModel } from '../tinyModel.ts';

const root = t.testdir({ data: { 'a.jsonl': '{"x": 1}\n', 'b.jsonl': '', 'notes.txt': '' } });
process.env.REDISTILL_CACHE = join(root, 'cache');
const out = join(root, 'run');
const config = {
  teacher: 'test/golden/gguf/tiny-llama.gguf',
  student: { prune: { from: 'teacher', keep_layers: [1] } },
  datasets: { folder: join(root, 'data'), file: join(root, 'data', 'a.jsonl') },
};

t.test('sources.json says what everything is, and is read back', async (t) => {
  const sources = await fetchSources({ config, out });
  t.same(await readSources(out), { formatVersion: 1, ...sources });
  const { teacher, student, datasets } = sources;
  t.equal(teacher.fingerprint, await modelFingerprint(teacher.path));
  t.equal((await readModelConfig(teacher.path)).numHiddenLayers, 2);
  t.equal((await readModelConfig(student.path)).numHiddenLayers, 1);
  t.equal(student.reference, 'teacher, layers 1');
  t.same(
    datasets.folder?.files.map(({ path }) => path),
    [join(root, 'data/a.jsonl'), join(root, 'data/b.jsonl')],
  );
  t.same(datasets.file?.files, [
    { path: join(root, 'data/a.jsonl'), bytes: 9, sha256: await sha256OfFile(join(root, 'data/a.jsonl')) },
  ]);
  t.equal(readlinkSync(join(out, 'sources/teacher')), teacher.path);
  t.equal(readlinkSync(join(out, 'sources/student')), student.path);
});

t.test('a changed source changes its part; a cache that was emptied is filled again', async (t) => {
  const before = await fetchSources({ config, out });
  writeFileSync(join(root, 'data', 'a.jsonl'), '{"x": 2}\n');
  rmSync(process.env.REDISTILL_CACHE!, { recursive: true });
  const after = await fetchSources({ config: { ...config, student: config.teacher }, out });
  t.same(after.teacher, before.teacher);
  t.same(after.student, after.teacher);
  t.not(after.datasets.file?.files[0]?.sha256, before.datasets.file?.files[0]?.sha256);
  t.ok(statSync(join(out, 'sources/student/model.safetensors')).isFile());
});

t.test('an unreadable sources.json is made anew', async (t) => {
  writeFileSync(join(out, 'sources.json'), '{"formatVersion": 99}');
  await t.rejects(readSources(out), { message: /sources\.json: formatVersion = 99/ });
  const sources = await fetchSources({ config, out });
  t.same(await readSources(out), { formatVersion: 1, ...sources });
});

t.test('teacher and student of two vocabularies are refused before any dataset is fetched', async (t) => {
  const at = (name: string) => join(root, name);
  await makeTinyModel(at('teacher'));
  await makeTinyModel(at('same'), { seed: 1 });
  await makeTinyModel(at('stranger'), { vocabSize: 301 });
  const fetch = (student: string) =>
    fetchSources({ config: { teacher: at('teacher'), student: at(student), datasets: {} }, out: at('pair') });
  await fetch('same');
  const before = readFileSync(at('pair/sources.json'), 'utf8');
  await t.rejects(fetch('stranger'), {
    message: /^student = ".*stranger": not the vocabulary of the teacher .* is missing in the one and 300 in/,
  });
  t.equal(readFileSync(at('pair/sources.json'), 'utf8'), before);
});

t.test('nothing is written when a source cannot be had', async (t) => {
  const fresh = join(root, 'fresh');
  const address = { ...config, student: 'https://huggingface.co/datasets/org/d' };
  await t.rejects(fetchSources({ config: address, out: fresh }), {
    message: /^student = .*: names a dataset, not a model$/,
  });
  const missing = { ...config, datasets: { gone: join(root, 'gone.json') } };
  await t.rejects(fetchSources({ config: missing, out: fresh }), {
    message: /^datasets\.gone = .*no such file or folder/,
  });
  const empty = { ...config, datasets: { text: join(root, 'data', 'notes.txt') } };
  await t.rejects(fetchSources({ config: empty, out: fresh }), { message: /^datasets\.text: no \.parquet/ });
  const layers = { ...config, student: { prune: { from: 'teacher', keep_layers: [2] } } };
  await t.rejects(fetchSources({ config: layers, out: fresh }), {
    message: /keep_layers = 2: .*layers 0 to 1/,
  });
  await t.rejects(fetchSources({ config: { ...config, teacher: join(root, 'data/a.jsonl') }, out: fresh }), {
    message: /^teacher = .*: not a model; name a model folder or a \.gguf file$/,
  });
  t.notOk(existsSync(fresh));
});

t.test('the command', async (t) => {
  const file = join(root, 'sources.yaml');
  const datasets = `datasets:\n  d: ${join(root, 'data')}\n`;
  writeFileSync(
    file,
    `teacher: ${config.teacher}\nstudent:\n  prune: { from: teacher, keep_layers: [0] }\n${datasets}`,
  );
  const run = (flags = {}) => runStage('fetch', { config: file, out, ...flags });
  const { stdout } = await run();
  t.match(stdout, /^teacher +[0-9a-f]{32} .*\nstudent +[0-9a-f]{32} .*\nd +2 files, 0\.0 MB\n$/);
  await run({ student: config.teacher });
  t.match(await readSources(out), { student: { reference: config.teacher } });
  writeFileSync(
    file,
    `teacher: ${config.teacher}\nstudent:\n  prune: { from: teacher, keep_layer: [0] }\n${datasets}`,
  );
  await t.rejects(run(), {
    code: 1,
    stderr: /^fetch: \S+sources\.yaml: student\.prune\.keep_layer[^\n]*\n$/,
  });
});

t.test('the embedded recipe is a valid one', async (t) => {
  const file = 'data/recipes/smollm2/sources.yaml';
  const recipe = await loadConfig(sourcesConfig, { file });
  t.same(Object.keys(recipe.datasets), [
    'metamathqa',
    'orca_math',
    'evol_code',
    'numina_r1',
    'r1_distill_sft',
  ]);
  t.match(readFileSync(file, 'utf8'), /HuggingFaceTB\/SmolLM2-135M-Instruct/);
});
