// The study on tiny models and made-up rows: what is held out, what each run is given, that a second call makes nothing,
// and how scores become a table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findManifest } from '../../pipeline/artifact/manifest.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { readMix } from '../../pipeline/mix/tokensArrow.ts';
import type { HeldOutScores } from '../../pipeline/train/heldOut.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { runStudy, VARIANTS, type StudyRow } from './runStudy.ts';
import { comparisons, studyTable } from './studyTable.ts';

const ROWS = Array.from({ length: 14 }, (_, i) => ({ question: `${i} + ${i}?`, answer: `#### ${2 * i}` }));

t.test('every variant under every seed, and nothing twice', async (t) => {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  await makeTinyModel(at('teacher'));
  await makeTinyModel(at('student'), { seed: 1 });
  mkdirSync(at('recipe'));
  const yaml = { teacher: 'bits: 4', logits: '', train: 'dtype: float32', eval: 'dtype: float32' };
  for (const [stage, text] of Object.entries(yaml)) writeFileSync(at(`recipe/${stage}.yaml`), text);
  writeFileSync(at('rows.jsonl'), ROWS.map((row) => JSON.stringify(row) + '\n').join(''));
  const lines: string[] = [];
  const options = {
    ...{ data: at('rows.jsonl'), train: 8, heldOut: 4, seeds: [0, 1] },
    ...{ recipe: at('recipe'), teacher: at('teacher'), student: at('student'), out: at('out') },
    training: { batch_tokens: '150', learning_rate: '1e-2' },
    progress: (line: string) => lines.push(line),
  };
  const rows = await runStudy(options);
  const steps = () => lines.filter((line) => line.includes(': step '));

  const names = Object.keys(VARIANTS).flatMap((variant) => [`${variant}-0`, `${variant}-1`]);
  t.same(rows.map(({ name }) => name).sort(), ['before', 'teacher-4-bit', 'teacher-bf16', ...names].sort());
  const split = {
    train: ROWS.slice(0, 8).map(({ answer }) => answer),
    held_out: ROWS.slice(-4).map(({ answer }) => answer),
  };
  t.same(await splitOf(at('out/mix'), at('student')), split, 'the last rows are held out');

  const scoresOf = (name: string) => rows.find((row) => row.name === name)!.scores;
  t.equal(scoresOf('teacher-4-bit')['4-bit'].agreement, 1, 'a teacher agrees with itself');
  t.ok(scoresOf('kd-0')['4-bit'].kl < scoresOf('before')['4-bit'].kl, 'a student comes closer');
  t.ok(scoresOf('ce-0').bf16.cross_entropy < scoresOf('before').bf16.cross_entropy, 'or learns the text');
  t.not(scoresOf('kd-0')['4-bit'].kl, scoresOf('kd-1')['4-bit'].kl, 'seeds differ');

  const manifest = async (name: string) => (await findManifest(at(`out/train/${name}`)))!;
  t.match((await manifest('ce-1')).parameters, { divergence_weight: 0, cross_entropy_weight: 1, seed: 1 });
  t.match((await manifest('kd-clipped-0')).parameters, { clip: { relative: Number }, learning_rate: 1e-2 });
  const caches = await Promise.all(
    ['kd-0', 'kd-1', 'ce-1', 'kd-bf16-0', 'kd-drawn-0', 'kd-drawn-1'].map(manifest),
  );
  const logits = caches.map(({ inputs }) => inputs.logits);
  const first = logits.map((cache) => logits.indexOf(cache));
  t.same(first, [0, 0, 0, 3, 4, 5], 'one 4-bit cache for all, drawn tokens for each seed');

  const made = steps().length;
  t.same(await runStudy(options), rows);
  t.equal(steps().length, made, 'a second call trains nothing');
  const alone = await runStudy({ ...options, only: ['ce-1'] });
  t.same(alone, [{ name: 'ce-1', scores: scoresOf('ce-1') }]);
  await t.rejects(runStudy({ ...options, only: ['ce-2'] }), { message: /^--only = "ce-2": no such row/ });
});

/** The responses of a mix by its splits, in order. */
async function splitOf(mix: string, tokenizerFolder: string): Promise<Record<string, string[]>> {
  const tokenizer = await loadTokenizer(tokenizerFolder);
  const { samples } = await readMix(mix);
  const texts = { train: [] as string[], held_out: [] as string[] };
  for (const { split, tokenIds, lossMask } of samples) {
    const learned = tokenIds.filter((_, i) => lossMask[i]);
    texts[split].push(await tokenizer.decode(learned, { skipSpecialTokens: true }));
  }
  return texts;
}

t.test('means, spreads and comparisons', (t) => {
  const row = (name: string, kl: number, agreement: number): StudyRow => {
    const scores: HeldOutScores = { kl, agreement, cross_entropy: 2 * kl, perplexity: 1, positions: 1 };
    return { name, scores: { '4-bit': scores, bf16: { ...scores, kl: kl + 1 } } };
  };
  const rows = [
    ...[row('before', 4, 0.1), row('kd-0', 1, 0.6), row('ce-0', 2, 0.5)],
    ...[row('kd-1', 1.5, 0.4), row('ce-1', 2, 0.5)],
  ];
  const [, , ...lines] = studyTable(rows).trimEnd().split('\n');
  t.equal(lines[0], '| student before | 1 | 4.000 | 5.000 | 8.000 | 10.0 | 10.0 |');
  t.match(
    lines[1],
    '| KD | 2 | 1.250 (1.000 to 1.500) | 2.250 (2.000 to 2.500) | 2.500 (2.000 to 3.000) | 50.0',
  );
  t.equal(lines.length, 3);
  t.same(
    comparisons(rows).map(({ name, seed, isCloser }) => [name, seed, isCloser]),
    [
      ['kd', 0, true],
      ['kd', 1, false],
    ],
    'of two tests one failed is not closer',
  );
  t.end();
});
