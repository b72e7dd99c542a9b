// microsoft/orca-math-word-problems-200k: a word problem and a tutor's explanation, two string columns.
import type { ParquetDataset } from './dataset.ts';
import { storyExercise } from './exercise.ts';
import { EXERCISE_FAMILIES } from './math/families.ts';
import { tutorAnswer } from './prose.ts';
import { PUZZLE_FAMILIES } from './puzzles.ts';
import { createRandom, distinct, type Random } from './random.ts';
import { STORY_FAMILIES } from './stories/families.ts';
import { drawStory } from './storyProblem.ts';

export function orcaMath({ seed, count }: { seed: number; count: number }): ParquetDataset {
  const random = createRandom(seed);
  return {
    format: 'parquet',
    path: 'orca-math-word-problems-200k/data/train-00000-of-00001.parquet',
    columns: { question: 'string', answer: 'string' },
    rows: distinct(
      count,
      () => makeRow(random),
      (row) => row.question,
    ),
  };
}

function makeRow(random: Random): { question: string; answer: string } {
  const kind = random.int(0, 9);
  const signs = random.pick([
    { times: '×', over: '÷' },
    { times: '*', over: '/' },
    { times: 'x', over: '/' },
  ]);
  const exercise =
    kind < 7
      ? storyExercise(drawStory(random.pick(STORY_FAMILIES), random), random, signs)
      : random.pick(kind < 9 ? EXERCISE_FAMILIES : PUZZLE_FAMILIES)(random);
  return { question: random.pick(exercise.questions), answer: tutorAnswer(exercise, random) };
}
