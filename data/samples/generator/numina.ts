// filtered_numina_R1: competition-style problems with a worked solution that ends in \boxed{} and the reasoning trace of R1.
import type { ParquetDataset } from './dataset.ts';
import type { Exercise } from './exercise.ts';
import { EXERCISE_FAMILIES } from './math/families.ts';
import { reasoning } from './prose.ts';
import { createRandom, distinct, type Random } from './random.ts';

const SOURCES: Record<string, string[]> = {
  'number theory': ['olympiads', 'amc_aime', 'aops_forum'],
  algebra: ['math', 'cn_k12', 'synthetic_math'],
  geometry: ['math', 'olympiads', 'cn_k12'],
  counting: ['amc_aime', 'math'],
  probability: ['math', 'synthetic_amc'],
  statistics: ['math', 'synthetic_math'],
};

export function numina({ seed, count }: { seed: number; count: number }): ParquetDataset {
  const random = createRandom(seed);
  return {
    format: 'parquet',
    path: 'filtered_numina_R1/data/train-00000-of-00001.parquet',
    columns: { source: 'string', problem: 'string', solution: 'string', reasoning: 'string' },
    rows: distinct(
      count,
      (attempt) => makeRow(EXERCISE_FAMILIES[attempt % EXERCISE_FAMILIES.length]!(random), random),
      (row) => row.problem,
    ),
  };
}

function makeRow(
  exercise: Exercise,
  random: Random,
): Record<'source' | 'problem' | 'solution' | 'reasoning', string> {
  const problem = random.pick(exercise.questions);
  return {
    source: random.pick(SOURCES[exercise.topic]!),
    problem,
    solution: boxedSolution(exercise, random),
    reasoning: reasoning(exercise, problem, random),
  };
}

/** Numbered or plain paragraphs, closed by the boxed answer. */
export function boxedSolution({ idea, steps, answer, verdict }: Exercise, random: Random): string {
  const body = random.chance(0.5)
    ? steps.map((step, index) => `${index + 1}. ${step}`).join('\n')
    : steps.join(' ');
  const boxed = String.raw`\boxed{${/^[-\d\\]/.test(answer) && !answer.includes(':') ? answer : String.raw`\text{${answer}}`}}`;
  const end = random.pick([
    `The final answer is $${boxed}$.`,
    `${verdict} Hence the answer is $${boxed}$.`,
    `$${boxed}$`,
    `Answer: $${boxed}$`,
  ]);
  return [random.chance(0.6) ? idea : '', body, end].filter(Boolean).join('\n\n');
}
