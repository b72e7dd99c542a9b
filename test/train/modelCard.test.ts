// The card of an exported model: its metadata hold what was fetched from the Hub and the license that the base names,
// and nothing of this machine; its tables say what the run was made from and came to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { writeSources } from '../../pipeline/hub/sourcesFile.ts';
import { writeModelCard } from '../../pipeline/train/modelCard.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { splitSamples } from './trainScene.ts';

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
const PLAIN = {
  library_name: 'transformers',
  pipeline_tag: 'text-generation',
  tags: ['knowledge-distillation', 'redistill'],
};

/** The card, and what the Hub reads of it, of a run beside the sources that are there. */
async function cardOf(t: Test, exported?: number) {
  const folder = t.testdirName;
  await writeModelCard(join(folder, 'model'), {
    ...{ config, metrics, exported, samples, mix: join(folder, 'mix') },
  });
  const text = readFileSync(join(folder, 'model/README.md'), 'utf8');
  t.notMatch(text, folder, 'no folder of this machine');
  return { text, metadata: parse(/^---\n(.*?)\n---\n/s.exec(text)![1]!) as unknown };
}

t.test('a student from the Hub', async (t) => {
  const folder = t.testdir({ base: { 'README.md': '---\nlicense: mit\ntags:\n- chat\n---\n# Base\n' } });
  const local = { revision: null, path: join(folder, 'base'), fingerprint: 'f' };
  await writeSources(folder, {
    teacher: { ...local, reference: join(folder, 'base') },
    student: { ...local, reference: 'org/Small-Chat@main', revision: 'abc' },
    datasets: {
      even: { reference: 'lab/even-numbers', revision: 'def', files: [] },
      odd: { reference: 'data/odd', revision: null, files: [] },
    },
  });
  const { text, metadata } = await cardOf(t, 1);
  t.same(metadata, {
    ...{ base_model: 'org/Small-Chat', datasets: ['lab/even-numbers'], license: 'mit' },
    ...PLAIN,
  });
  t.match(text, '\n# Small-Chat, re-distilled\n');
  t.match(text, '- Student before training: `org/Small-Chat@main` (revision `abc`)\n');
  const of = (name: string) => samples.filter(({ source, split }) => source === name && split === 'train');
  const tokens = of('even').reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  t.match(text, `| even | lab/even-numbers | ${of('even').length} | ${tokens} | 1 |\n`);
  t.match(text, '\nlearning_rate: 0.0003\n');
  t.match(text, '| held out | 0 | 4.0000 | 3.0000 | 10.0 % |\n| held out | 1 | 0.7500 | 3.0000 | 25.0 % |\n');
});

t.test('one pruned from the teacher', async (t) => {
  const folder = t.testdir({ base: {} });
  const model = { path: join(folder, 'base'), fingerprint: 'f', revision: 'abc' };
  await writeSources(folder, {
    teacher: { ...model, reference: 'org/Big-Chat/big.Q4_1.gguf' },
    student: { ...model, reference: 'teacher, layers 0 1 3' },
    datasets: {},
  });
  t.same((await cardOf(t)).metadata, { base_model: 'org/Big-Chat', ...PLAIN }, 'no license is made up');
  await writeSources(folder, {
    teacher: { ...model, reference: 'pypi:package==1.0/big.gguf' },
    student: { ...model, reference: 'teacher, layers 0 1 3' },
    datasets: {},
  });
  t.same((await cardOf(t)).metadata, PLAIN, 'a package is no repository of the Hub');
});

t.test('no sources.json', async (t) => {
  t.testdir({});
  const { text, metadata } = await cardOf(t);
  t.same(metadata, PLAIN);
  t.match(text, '| held out | 2 | 0.8750 | 3.0000 | 50.0 % |\n');
});
