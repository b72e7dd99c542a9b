// Every family of word problems.
import type { StoryFamily } from '../storyProblem.ts';
import { home } from './home.ts';
import { school } from './school.ts';
import { sharing } from './sharing.ts';
import { shopping } from './shopping.ts';
import { travel } from './travel.ts';
import { work } from './work.ts';

export const STORY_FAMILIES: readonly StoryFamily[] = [
  ...shopping,
  ...work,
  ...travel,
  ...sharing,
  ...home,
  ...school,
];
