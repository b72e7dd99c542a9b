// Every family of formula problems.
import type { ExerciseFamily } from '../exercise.ts';
import { algebra } from './algebra.ts';
import { counting } from './counting.ts';
import { geometry } from './geometry.ts';
import { numberTheory } from './numberTheory.ts';

export const EXERCISE_FAMILIES: readonly ExerciseFamily[] = [
  ...numberTheory,
  ...algebra,
  ...geometry,
  ...counting,
];
