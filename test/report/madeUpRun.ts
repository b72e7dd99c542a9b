// A run folder with small manifests of the producers' shapes, each part of which can be left out or changed.
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../../pipeline/artifact/fingerprint.ts';
import { commitJson } from '../../pipeline/artifact/jsonFile.ts';
import { writeManifest, type ArtifactKind, type Manifest } from '../../pipeline/artifact/manifest.ts';
import { writeSampleTokens, type SampleTokens } from '../../pipeline/eval/heldOutTokens.ts';
import { writeComparison, type Comparison } from '../../pipeline/eval/scores/comparisonFile.ts';

/** `name` is put where names and text of others come in: references, sources, reasons, parameters. */
export async function writeSourcesJson(folder: string, { name = 'teacher' } = {}): Promise<void> {
  const model = { reference: `org/${name}`, revision: null, path: '/home/me/models/x', fingerprint: 'a1' };
  const file = { path: '/home/me/data/train.parquet', bytes: 1234, sha256: 'c3' };
  const sources = {
    formatVersion: 1,
    teacher: model,
    student: { ...model, reference: 'org/student', revision: 'v1', fingerprint: 'b2' },
    datasets: { [name]: { reference: 'org/math', revision: null, files: [file, file] } },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'sources.json'), JSON.stringify(sources));
}

/** The figures of a source, in the shape of the mix stage. */
export function mixStatistics({ name = 'math', reason = 'too_long' } = {}) {
  const lengths = {
    kept: 10,
    held_out: 2,
    tokens: 1500,
    target_tokens: 700,
    mean_tokens: 150,
    max_tokens: 384,
  };
  const source = { rows_read: 12345, rejected: { [reason]: 3 }, wanted: 10, ...lengths };
  return { sources: { [name]: source, code: { ...source, rejected: {} } }, total: { ...lengths, kept: 20 } };
}

/** The figures of three linear layers, two of them of a kind. */
export function teacherStatistics() {
  const quality = { bits: 4, group_size: 64, weights: 1000, bytes: 600, relative_error: 0.05 };
  return {
    modules: {
      'model.layers.0.mlp.up_proj': quality,
      'model.layers.1.mlp.up_proj': { ...quality, bits: 8, relative_error: 0.01 },
      'model.layers.0.self_attn.q_proj': quality,
    },
    total: { quantized_weights: 3000, bits_per_weight: 4.8, mean_relative_error: 0.0367, bytes: 1800 },
  };
}

/** The figures of a cache of one source. */
export function logitsStatistics() {
  const size = { samples: 10, tokens: 700, mean_k: 17.25, bytes_per_token: 91.5 };
  const source = { ...size, mean_tail_mass: 0.00125, p99_tail_mass: 0.0134 };
  const figures = { sequences: 8, tokens: 500, kl_live_cache: 0.00003, kl_original_teacher: 0.0625 };
  const fidelity = { math: figures, total: figures };
  return { vocabulary_size: 49152, temperatures: [1, 2], sources: { math: source }, total: source, fidelity };
}

/** The scores of the held-out task. */
export function scores(kl: number | null) {
  return { held_out: { kl, cross_entropy: 2.5, perplexity: 12.18, agreement: 0.5, positions: 1000 } };
}

/** Lines of metrics.jsonl: the given losses, and the held-out KL after the last step. */
export function metrics(losses: readonly (number | null)[]): string {
  const steps = losses.map((loss, i) => ({ step: i + 1, loss, divergence: loss, learning_rate: 1e-4 }));
  const records = [...steps, { step: losses.length, held_out: scores(0.9).held_out }];
  return records.map((record) => JSON.stringify(record) + '\n').join('');
}

/** Writes `folder/manifest.json`. */
export function artifact(
  folder: string,
  kind: ArtifactKind,
  {
    statistics = {},
    parameters = {},
    inputs = {},
  }: {
    statistics?: Record<string, Json>;
    parameters?: Record<string, Json>;
    inputs?: Record<string, string>;
  } = {},
): Promise<Manifest> {
  const files = [{ file: 'data.bin', bytes: 2048, sha256: 'd4' }];
  return writeManifest(folder, { kind, formatVersion: 1, inputs, parameters }, { statistics, files });
}

const difference = { items: 40, interval: [-3.5, -3] as [number, number], pValue: undefined, isNoise: false };

/** A comparison with the student before training: two scores on held-out samples, and two benchmarks, one of them noise. */
export function comparison({ task = 'gsm8k', kl = 1.25 } = {}): Comparison {
  const score = { ...difference, before: 0.4, pValue: 0.012 };
  return {
    held_out: {
      kl: { ...difference, before: 4.5, after: kl, difference: kl - 4.5 },
      agreement: { ...difference, before: 0.1, after: 0.5, difference: 0.4, interval: [0.35, 0.45] },
    },
    benchmarks: [
      {
        ...score,
        task,
        metric: 'exact_match,strict-match',
        after: 0.5,
        difference: 0.1,
        interval: [0.02, 0.18],
      },
      {
        ...score,
        task: 'mmlu',
        metric: 'acc,none',
        after: 0.41,
        difference: 0.01,
        interval: [-0.02, 0.04],
        isNoise: true,
      },
    ],
    contamination: { [task]: { items: 40, ids: [3, 7] }, mmlu: { items: 40, ids: [] } },
  };
}

/** Two samples of three tokens. */
export function sampleTokens({
  text = ' cat',
  kl = 0.2,
}: { text?: string; kl?: number | null } = {}): SampleTokens[] {
  const token = { text, teacher: text, model: text, kl };
  const tokens = [token, { ...token, model: ' dog', kl: 4.5 }, { ...token, kl: 0 }];
  return ['one', 'two'].map((id) => ({ id, source: 'math', prompt: `Say ${text}`, positions: 9, tokens }));
}

/** Scores of a benchmark beside those of the held-out task. */
function benchmarkScores(kl: number, exact = 0.4) {
  const mmlu = { 'acc,none': 0.4, 'acc_stderr,none': 0.01 };
  return {
    ...scores(kl),
    gsm8k: { 'exact_match,strict-match': exact, 'exact_match_stderr,strict-match': 0.05 },
    ...{ mmlu, mmlu_anatomy: mmlu },
  };
}

/** What the evaluations of a run leave beside their manifests. */
export async function writeEvaluationFiles(
  folder: string,
  options: { text?: string; task?: string } = {},
): Promise<void> {
  for (const name of ['before', 'main', 'slow']) {
    const own = join(folder, 'eval', name);
    await commitJson(join(own, 'results.json'), { group_subtasks: { mmlu: ['mmlu_anatomy'] } });
    await writeSampleTokens(own, sampleTokens({ ...options, kl: name === 'before' ? 4 : 0.2 }));
    if (name !== 'before')
      await writeComparison(own, comparison({ ...options, kl: name === 'slow' ? 2 : 1.25 }));
  }
}

/** All stages, and two runs of the student. */
export async function writeCompleteRun(folder: string): Promise<void> {
  await writeSourcesJson(folder);
  const mix = await artifact(join(folder, 'mix'), 'mix', {
    statistics: mixStatistics(),
    parameters: { seed: 0, sources: { math: { weight: 8 } } },
  });
  const teacher = await artifact(join(folder, 'teacher'), 'teacher', {
    statistics: teacherStatistics(),
    parameters: { bits: 4, skip: ['lm_head'] },
  });
  const inputs = { mix: mix.fingerprint, teacher: teacher.fingerprint };
  const logits = await artifact(join(folder, 'logits'), 'logits', { statistics: logitsStatistics(), inputs });
  for (const [name, learning_rate] of Object.entries({ main: 0.0002, slow: 0.00002 })) {
    await artifact(join(folder, 'train', name), 'train', {
      statistics: { steps: 3, final_loss: 1.01 },
      parameters: { learning_rate, loss: 'forward_kl', clip: {} },
      inputs: { mix: mix.fingerprint, logits: logits.fingerprint, student: 'b2' },
    });
    await appendFile(join(folder, 'train', name, 'metrics.jsonl'), metrics([4.61, 2.5, 1.01]));
  }
  for (const [name, kl] of Object.entries({ before: 4.5, main: 1.25, slow: 2 }))
    await artifact(join(folder, 'eval', name), 'eval', {
      statistics: benchmarkScores(kl, name === 'main' ? 0.5 : 0.4),
      parameters: { limit: 8 },
    });
  await writeEvaluationFiles(folder);
  for (const name of [
    'mix',
    'teacher',
    'logits',
    'train/main',
    'train/slow',
    'eval/before',
    'eval/main',
    'eval/slow',
  ])
    await commitJson(join(folder, name, 'usage.json'), {
      ...{ started: '2026-11-24T17:23:43.472Z', seconds: 75, peak_memory: 1.5e9 },
    });
  await mkdir(join(folder, 'args'));
  await writeFile(join(folder, 'args', 'train-slow'), `--learning-rate 2e-5 --loss 'jsd'\n`);
}
