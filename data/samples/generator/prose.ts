// How an exercise becomes running text: worked solutions in several layouts, and the long, searching reasoning of an R1
// trace. Each function picks among wordings, so that no two samples of a family need to read alike.
import { continued } from './english.ts';
import type { Exercise } from './exercise.ts';
import type { Random } from './random.ts';

/** Sentences that start like this already have their connection. */
const CONNECTED =
  /^(?:So|Then|Therefore|Hence|Finally|First|Next|Now|Afterwards|Together|That|Altogether|Also|However|Still|Substituting|After|At|Before|By|During|For|From|In|Of|On|Over|To|Up|With|Without)\b/;

/** Steps, some of them followed by how their arithmetic can be done in one's head. */
function detailedSteps(
  { steps, mental = [] }: Exercise,
  random: Random,
  { chance }: { chance: number },
): string[] {
  return steps.map((step, index) =>
    mental[index] && random.chance(chance) ? `${step} ${random.pick(DETAILS)} ${mental[index]}.` : step,
  );
}

/** The steps joined by connectives: "First, ... Then, ... Finally, ...". */
export function linkedSteps({ steps }: Pick<Exercise, 'steps'>, random: Random): string[] {
  return steps.map((step, index) => {
    if (CONNECTED.test(step) || random.chance(0.35)) return step;
    const first = ['First,', 'To begin with,', 'We start here:'];
    const middle = ['Then', 'Next,', 'After that,', 'Now', 'From this,', 'In the next step,'];
    const last = ['Finally,', 'In the last step,', 'At the end,', 'Lastly,'];
    const words = index === 0 ? first : index === steps.length - 1 ? last : middle;
    return `${random.pick(words)} ${continued(step)}`;
  });
}

/** "Therefore, Mia pays $12." */
export function conclusion({ verdict }: Exercise, random: Random): string {
  const lead = random.pick([
    '',
    '',
    'Therefore,',
    'So',
    'Thus,',
    'In conclusion,',
    'As a result,',
    'This means that',
  ]);
  return lead ? `${lead} ${continued(verdict)}` : verdict;
}

/** A tutor's answer: an introduction, the steps in one of several layouts, and the result. */
export function tutorAnswer(exercise: Exercise, random: Random): string {
  const intro = random.pick([
    `To find ${exercise.goal}, we go step by step.`,
    `We are looking for ${exercise.goal}.`,
    `Let's work out ${exercise.goal}.`,
    `The question asks for ${exercise.goal}. ${exercise.idea}`,
    `Here is how to find ${exercise.goal}:`,
    exercise.idea,
    `Let us find ${exercise.goal}.`,
  ]);
  const end = [conclusion(exercise, random), ...confirmation(exercise, random)].join(' ');
  const steps = detailedSteps(exercise, random, { chance: 0.4 });
  const layout = random.int(0, 5);
  if (layout === 0) return [intro, ...linkedSteps({ steps }, random), end].join(' ');
  if (layout === 1) return [intro, numbered(steps), end].join('\n\n');
  if (layout === 2) return [intro, steps.map((step) => `- ${step}`).join('\n'), end].join('\n\n');
  if (layout === 3) return [intro, ...linkedSteps({ steps }, random), end].join('\n\n');
  if (layout === 4) return [linkedSteps({ steps }, random).join(' '), end].join('\n\n');
  return [`${intro}\n`, ...steps, `\n${end}`].join('\n');
}

/** Sometimes a sentence that confirms the result. */
function confirmation({ checks }: Exercise, random: Random): string[] {
  if (checks.length === 0 || random.chance(0.6)) return [];
  const lead = random.pick([
    'We can check this:',
    'As a check:',
    'To verify the result:',
    'Working backwards confirms it:',
    'A quick check:',
  ]);
  return [`${lead} ${checks.at(-1)!}.`];
}

function numbered(steps: readonly string[]): string {
  return steps.map((step, index) => `${index + 1}. ${step}`).join('\n');
}

/** What the reasoning model writes before it answers the question `asked`: restating, trying, doubting, checking. */
export function reasoning(exercise: Exercise, asked: string, random: Random): string {
  const steps = thoughts(exercise, random);
  const half = Math.ceil(steps.length / 2);
  return [
    restatement(exercise, asked, random),
    steps.slice(0, half).join(' '),
    steps.slice(half).join(' '),
    exercise.doubt && random.chance(0.8) ? `${random.pick(DOUBTS)} ${exercise.doubt}` : '',
    checking(exercise, random),
    `${random.pick(CLOSINGS)} ${random.chance(0.5) ? continued(exercise.verdict) : summary(exercise)}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** "the total cost is $12." */
function summary({ goal, answer, shown = answer }: Exercise): string {
  const verb = /^the (?:minutes|earnings|fees)\b/.test(goal) ? 'are' : 'is';
  return `${goal} ${verb} ${shown.includes('\\') ? `$${shown}$` : shown}.`;
}

function restatement({ questions, goal, idea }: Exercise, asked: string, random: Random): string {
  const opening = random.pick(OPENINGS).replace('{goal}', goal);
  const again = random.pick(RETELLINGS);
  const plan = `${random.pick(PLANS)} ${idea}`;
  return random.chance(0.55)
    ? `${opening} ${again} ${random.pick(questions.filter((question) => question !== asked))}\n\n${plan}`
    : `${opening} ${plan}`;
}

function thoughts(exercise: Exercise, random: Random): string[] {
  const asides = random.shuffle(ASIDES);
  return detailedSteps(exercise, random, { chance: 0.7 }).map((step, index) =>
    index > 0 && random.chance(0.55) ? `${asides[index]!} ${step}` : step,
  );
}

function checking({ checks }: Exercise, random: Random): string {
  if (checks.length === 0) return '';
  const picked = random.chance(0.5) ? checks.slice(-1) : random.sample(checks, Math.min(2, checks.length));
  return `${random.pick(CHECKS)} ${picked.map((check) => `${check}.`).join(' ')} ${random.pick(APPROVALS)}`;
}

const OPENINGS = [
  'Okay, so I need to find {goal}.',
  'Alright, the task is to find {goal}.',
  'Let me see. I am asked for {goal}.',
  'Hmm, I have to figure out {goal}.',
  'First, let me make sure I understand the question. It is about {goal}.',
  'So the goal is {goal}.',
  'Okay, let me think about {goal}.',
  'I want to work out {goal}, so I should read carefully.',
  'Let me start by asking what is wanted: {goal}.',
  'Right, this one asks for {goal}.',
];

const RETELLINGS = [
  'In other words, the problem is this:',
  'Let me put it differently.',
  'Another way to say it:',
  'Let me restate the problem to be sure.',
  'So, once more in my own words:',
  'Reading it again, it could also be put like this:',
];

const PLANS = [
  'How do I get there?',
  'What is a good way to begin?',
  'Let me think of a plan.',
  'I should decide on a method first.',
  'What do I know that helps?',
  'Here is a thought.',
];

const ASIDES = [
  'Okay.',
  'Let me see.',
  'Good.',
  'Next.',
  'Alright.',
  'Let me write that down.',
  'That seems clear.',
  'Moving on.',
  'Now for the next part.',
  'Hmm.',
];

const DETAILS = ['In detail:', 'Computed in parts:', 'To be careful:', 'Step by step:', 'Splitting this up:'];

const DOUBTS = [
  'Wait.',
  'Hold on.',
  'Hmm, one more question.',
  'But wait a moment.',
  'Let me pause here.',
  'Actually, let me make sure of one thing.',
];

const CHECKS = [
  'Let me double-check.',
  'I should verify this.',
  'Does this make sense? Let me test it.',
  'To be safe, I will check it another way.',
  'Let me work backwards to confirm.',
  'Now a quick check.',
];

const APPROVALS = [
  'That matches.',
  'Good, it fits.',
  'Everything is consistent.',
  'So it works out.',
  'Yes, that agrees.',
  'The result holds.',
];

const CLOSINGS = ['So', 'Therefore,', 'I am confident:', 'All in all,', 'That settles it:', 'So in the end,'];
