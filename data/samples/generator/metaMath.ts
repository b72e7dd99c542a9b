// MetaMathQA-395K.json as meta-math/MetaMathQA has it: one question bootstrapped into several. AnsAug answers the original,
// Rephrased a new wording of it, SV (self-verification) and FOBAR ask for a number of the question given its answer.
import type { JsonDataset } from './dataset.ts';
import { storyExercise, plainNumber, type Exercise } from './exercise.ts';
import { EXERCISE_FAMILIES } from './math/families.ts';
import { conclusion, linkedSteps } from './prose.ts';
import { createRandom, distinct, type Random } from './random.ts';
import { STORY_FAMILIES } from './stories/families.ts';
import { drawStory, fill, hideOne, linearText, saying, tell, type Story } from './storyProblem.ts';

interface Row extends Record<string, string> {
  type: string;
  query: string;
  original_question: string;
  response: string;
}

/** `count` rows in the proportions of the original, roughly. */
export function metaMath({ seed, count }: { seed: number; count: number }): JsonDataset {
  const random = createRandom(seed);
  const types = ['GSM_AnsAug', 'GSM_Rephrased', 'MATH_AnsAug', 'GSM_SV', 'GSM_FOBAR', 'MATH_Rephrased'];
  const rows = distinct(
    count,
    (attempt) => makeRow(types[attempt % types.length]!, attempt, random),
    (row) => row.query,
  );
  return { format: 'json', path: 'MetaMathQA/MetaMathQA-395K.json', rows: random.shuffle(rows) };
}

function makeRow(type: string, attempt: number, random: Random): Row {
  if (type.startsWith('MATH'))
    return mathRow(type, EXERCISE_FAMILIES[attempt % EXERCISE_FAMILIES.length]!(random), random);
  const story = drawStory(random.pick(STORY_FAMILIES), random);
  const telling = random.int(0, 1);
  const hidden = type === 'GSM_SV' || type === 'GSM_FOBAR' ? hideOne(story, random, { telling }) : undefined;
  if (hidden) return backwardRow(type, { story, hidden, telling }, random);
  return forwardRow(type === 'GSM_Rephrased' ? type : 'GSM_AnsAug', storyExercise(story, random), random);
}

function forwardRow(type: string, exercise: Exercise, random: Random): Row {
  const [original_question, rephrased] = exercise.questions as [string, string];
  const query = type === 'GSM_Rephrased' ? rephrased : original_question;
  const steps = random.chance(0.4) ? linkedSteps(exercise, random) : exercise.steps;
  const text = [...steps, conclusion(exercise, random)].join(random.chance(0.75) ? '\n' : ' ');
  const response = `${text}\n#### ${exercise.answer}\nThe answer is: ${exercise.answer}`;
  return { type, query, original_question, response };
}

function mathRow(type: string, exercise: Exercise, random: Random): Row {
  const [original_question, ...others] = exercise.questions as [string, ...string[]];
  const query = type === 'MATH_Rephrased' ? random.pick(others) : original_question;
  const steps = random.chance(0.6) ? [exercise.idea, ...exercise.steps] : exercise.steps;
  const boxed = random.pick([
    String.raw`Thus the answer is $\boxed{${exercise.answer}}$.`,
    String.raw`So we get $\boxed{${exercise.answer}}$.`,
    String.raw`The answer is $\boxed{${exercise.answer}}$.`,
  ]);
  const response = `${steps.join(random.chance(0.5) ? '\n' : ' ')}\n${boxed}\nThe answer is: ${exercise.answer}`;
  return { type, query, original_question, response };
}

function backwardRow(
  type: string,
  { story, hidden, telling }: { story: Story; hidden: Story; telling: number },
  random: Random,
): Row {
  const ask = random.pick(story.draft.asks);
  const facts = tell(hidden, random, { telling });
  const answered = fill(story.draft.verdict, story);
  const query =
    type === 'GSM_SV'
      ? `${facts} ${answered} What is the value of unknown variable x?`
      : `${facts} ${fill(ask, hidden)}\nIf we know the answer to the above question is ${plainNumber(story.answer.value.constant)}, what is the value of unknown variable x?`;
  const original_question = `${tell(story, random, { telling })} ${fill(ask, story)}`;
  return { type, query, original_question, response: backwardSolution(hidden, story, random) };
}

/** Forward to an expression in x, then the linear equation undone. */
function backwardSolution(hidden: Story, story: Story, random: Random): string {
  const { slope, constant } = hidden.answer.value;
  const target = story.answer.value.constant;
  const rest = plain(target - constant);
  const x = plain((target - constant) / slope);
  const start = random.pick([
    'To solve this problem, we need to determine the value of x.',
    "Let's find the value of x step by step.",
    'We write everything in terms of x.',
    'Let x stand for the unknown number.',
  ]);
  const known = random.pick([
    'We know that this equals',
    'We are told that this is',
    'According to the problem, this is',
    'This must be equal to',
  ]);
  const move = constant < 0 ? `Adding ${plain(-constant)} to` : `Subtracting ${plain(constant)} from`;
  const lines = [
    start,
    ...hidden.steps.map((step) => `${saying(step, hidden, random)}.`),
    `${known} ${plain(target)}, so we can write: ${linearText({ slope, constant })} = ${plain(target)}`,
    ...(constant === 0
      ? []
      : [`${move} both sides, we get: ${linearText({ slope, constant: 0 })} = ${rest}`]),
    ...(slope === 1 ? [] : [`Dividing both sides by ${plain(slope)}, we get: x = ${x}`]),
    random.pick([`The value of x is ${x}.`, `Therefore, x is ${x}.`, `So the unknown variable x is ${x}.`]),
  ];
  return `${lines.join('\n')}\n#### ${x}\nThe answer is: ${x}`;
}

const plain = plainNumber;
