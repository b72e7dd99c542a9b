// The study's scores for people: a row a way of training, each figure as its mean over the seeds with the lowest and the
// highest beside it, and whether distillation beats the text alone, seed by seed.
import type { HeldOutScores } from '../../pipeline/train/heldOut.ts';
import { REFERENCES, VARIANTS, type StudyRow } from './runStudy.ts';

/** Of rows by their name, or its part before the seed. */
const LABELS: Record<string, string> = {
  'teacher-bf16': 'the teacher, bf16',
  'teacher-4-bit': 'the teacher, 4-bit',
  before: 'student before',
  kd: 'KD',
  'kd-clipped': 'KD, clipped',
  'kd-bf16': 'KD, bf16 teacher',
  'kd-drawn': 'KD, drawn tokens',
  ce: 'cross-entropy alone',
};

type Score = 'kl' | 'cross_entropy' | 'agreement';

const SHOWN: Record<Score, (value: number) => string> = {
  kl: (value) => value.toFixed(3),
  cross_entropy: (value) => value.toFixed(3),
  agreement: (value) => (100 * value).toFixed(1),
};

const COLUMNS: { head: string; score: Score; reference: (typeof REFERENCES)[number] }[] = [
  ...REFERENCES.map((reference) => ({ head: `KL to ${reference}`, score: 'kl' as const, reference })),
  { head: 'cross-entropy', score: 'cross_entropy', reference: '4-bit' }, // of the text: the same by either
  ...REFERENCES.map((reference) => ({
    ...{ head: `agreement with ${reference}, %`, score: 'agreement' as const, reference },
  })),
];

/** A Markdown table: `mean (lowest to highest)` where there are several seeds. */
export function studyTable(rows: readonly StudyRow[]): string {
  const variants = [...new Set(rows.map(({ name }) => variantOf(name)))];
  const head = ['held-out rows', 'seeds', ...COLUMNS.map(({ head }) => head)];
  const lines = variants.map((variant) => {
    const members = rows.filter(({ name }) => variantOf(name) === variant);
    const figures = COLUMNS.map(({ score, reference }) => {
      const values = members.map(({ scores }) => scores[reference][score]);
      return spread(values, SHOWN[score]);
    });
    return [LABELS[variant] ?? variant, String(members.length), ...figures];
  });
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** What holds of a variant beside cross-entropy alone, under one seed and against the 4-bit teacher's cache. */
export interface Comparison {
  name: string;
  seed: number;
  /** Of the variant less that of cross-entropy alone. */
  difference: Record<Score, number>;
  /** Lower KL and higher agreement. */
  isCloser: boolean;
}

/** Every variant against cross-entropy alone, where both are there. */
export function comparisons(rows: readonly StudyRow[]): Comparison[] {
  const scoresOf = (name: string) => rows.find((row) => row.name === name)?.scores['4-bit'];
  return rows.flatMap((row) => {
    const variant = variantOf(row.name);
    const seed = Number(row.name.slice(variant.length + 1));
    const [own, ce] = [row.scores['4-bit'], scoresOf(`ce-${seed}`)];
    if (!ce || variant === 'ce' || !(variant in VARIANTS)) return [];
    const difference = differenceOf(own, ce);
    return { name: variant, seed, difference, isCloser: difference.kl < 0 && difference.agreement > 0 };
  });
}

/** One line a comparison. */
export function comparisonLines(compared: readonly Comparison[]): string {
  const signed = (value: number) => (value < 0 ? '' : '+') + value.toFixed(3);
  return compared
    .map(({ name, seed, difference: { kl, cross_entropy, agreement }, isCloser }) => {
      const verdict = isCloser ? 'closer to the teacher' : 'NOT closer to the teacher';
      const figures = `KL ${signed(kl)}, agreement ${signed(agreement)}, cross-entropy ${signed(cross_entropy)}`;
      return `${LABELS[name]}, seed ${seed}, beside cross-entropy alone: ${verdict} (${figures})\n`;
    })
    .join('');
}

function differenceOf(a: HeldOutScores, b: HeldOutScores): Record<Score, number> {
  return {
    kl: a.kl - b.kl,
    cross_entropy: a.cross_entropy - b.cross_entropy,
    agreement: a.agreement - b.agreement,
  };
}

/** The name without its seed. */
function variantOf(name: string): string {
  return /^(.+)-\d+$/.exec(name)?.[1] ?? name;
}

function spread(values: readonly number[], shown: (value: number) => string): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return shown(mean);
  return `${shown(mean)} (${shown(Math.min(...values))} to ${shown(Math.max(...values))})`;
}
