// What every mathematical text is composed from: a question, the way to its answer in sentences, and a check.
// Story problems and formula problems both become exercises; the datasets differ only in how they write them down.
import { decimal } from './english.ts';
import type { Random } from './random.ts';
import { amountText, fill, saying, tell, type Amount, type SolvedStep, type Story } from './storyProblem.ts';

export interface Exercise {
  topic: string;
  /** The question in at least two wordings; the first is the original. */
  questions: string[];
  /** What is sought, as a noun phrase: "the total cost". */
  goal: string;
  /** The plan in one sentence. */
  idea: string;
  /** Full sentences, one a step. */
  steps: string[];
  /** For some steps, how one would do the arithmetic in one's head. */
  mental?: (string | undefined)[];
  /** Sentences that confirm the result in another way. */
  checks: string[];
  /** A second thought one may have on the way, and its resolution. */
  doubt?: string;
  /** The result as a sentence. */
  verdict: string;
  /** The bare result. */
  answer: string;
  /** The result with its unit, where it has one. */
  shown?: string;
}

export type ExerciseFamily = (random: Random) => Exercise;

/** The exercise of a story. */
export function storyExercise(
  story: Story,
  random: Random,
  signs: { times?: string; over?: string } = {},
): Exercise {
  const { asks, goal, verdict } = story.draft;
  const questions = [0, 1].map(
    (telling) => `${tell(story, random, { telling })} ${fill(random.pick(asks), story)}`,
  );
  return {
    topic: 'word problem',
    questions,
    goal: fill(goal, story),
    idea: planOf(story, random),
    steps: story.steps.map((step) => `${saying(step, story, random, signs)}.`),
    mental: story.steps.map((step) => resigned(longhand(step), signs)),
    checks: story.steps.flatMap((step) => resigned(inverse(step), signs) ?? []),
    verdict: fill(verdict, story),
    answer: plainNumber(story.answer.value.constant),
    shown: amountText(story.answer),
  };
}

function planOf({ steps }: Story, random: Random): string {
  const [few, many] =
    steps.length < 3
      ? ['two short steps', 'one step after the other']
      : ['a few steps', 'one quantity at a time'];
  return random.pick([
    `The problem can be solved in ${few}.`,
    `We work out ${many}.`,
    'Each sentence of the problem gives one piece of the calculation.',
    'We begin with what is known and work toward the question.',
  ]);
}

/** The text with the signs that the equations of the story use. */
function resigned(text: string | undefined, { times = '*', over = '/' }): string | undefined {
  return text?.replaceAll(' * ', ` ${times} `).replaceAll(' / ', ` ${over} `);
}

/** The step undone, as a sentence that confirms it. */
function inverse({ left, operator, right, result }: SolvedStep): string | undefined {
  if (left.unit === '%' || right.unit === '%') return undefined;
  const back = { '+': '-', '-': '+', '*': '/', '/': '*' }[operator]!;
  const number = ({ value }: Amount): string => decimal(value.constant);
  return `${number(result)} ${back} ${number(right)} = ${number(left)}`;
}

/** The number as an answer line has it: no thousands separator, no unit. */
export function plainNumber(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}

/** How one would do a step in one's head, or undefined when it is too easy for words. */
function longhand({ left, operator, right, result }: SolvedStep): string | undefined {
  const [a, b, c] = [left.value.constant, right.value.constant, result.value.constant];
  if (left.unit === '%' || right.unit === '%') return undefined;
  if (![a, b, c].every(Number.isInteger) || Math.max(a, b) < 12) return undefined;
  const [big, small] = [Math.max(a, b), Math.min(a, b)];
  const [tens, ones] = [big - (big % 10), big % 10];
  if (operator === '*' && ones > 0 && small > 1)
    return `${tens} * ${small} = ${tens * small}, ${ones} * ${small} = ${ones * small}, and ${tens * small} + ${ones * small} = ${decimal(c)}`;
  if (operator === '/' && b > 9)
    return `${b} goes into ${a} exactly ${c} times, because ${c} * ${b} = ${decimal(a)}`;
  const [high, low] = [b - (b % 10), b % 10];
  if ('+-'.includes(operator) && high > 0 && low > 0)
    return `${a} ${operator} ${high} = ${combine(a, operator, high)}, and ${combine(a, operator, high)} ${operator} ${low} = ${c}`;
  return undefined;
}

function combine(a: number, operator: string, b: number): number {
  return operator === '+' ? a + b : a - b;
}
