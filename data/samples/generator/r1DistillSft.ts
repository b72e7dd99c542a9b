// ServiceNow-AI/R1-Distill-SFT (v1): instructions answered once plainly and once more by R1, with its <think> trace.
// `verified` and `quality_metrics` are all null in the original too, which pyarrow writes as the null type.
import type { Message, ParquetDataset } from './dataset.ts';
import { storyExercise, type Exercise } from './exercise.ts';
import { readGeneralQuestions } from './generalQuestions.ts';
import { EXERCISE_FAMILIES } from './math/families.ts';
import { boxedSolution } from './numina.ts';
import { tutorAnswer, reasoning } from './prose.ts';
import { PUZZLE_FAMILIES } from './puzzles.ts';
import { createRandom, distinct, type Random } from './random.ts';
import { STORY_FAMILIES } from './stories/families.ts';
import { drawStory } from './storyProblem.ts';

interface Sample {
  source: string;
  problem: string;
  solution: string;
  thought: string;
  reply: string;
}

/** Every general question in both wordings, and exercises up to `count` rows. */
export function r1DistillSft({ seed, count }: { seed: number; count: number }): ParquetDataset {
  const random = createRandom(seed);
  const general = generalSamples(random);
  const exercises = distinct(
    count - general.length,
    () => exerciseSample(random),
    (row) => row.problem,
  );
  return {
    format: 'parquet',
    path: 'R1-Distill-SFT/v1/train-00000-of-00001.parquet',
    columns: {
      id: 'string',
      problem: 'string',
      solution: 'string',
      reannotated_assistant_content: 'string',
      reannotated_messages: 'messages',
      source: 'string',
      source_dataset: 'string',
      verified: 'null',
      quality_metrics: 'null',
    },
    rows: random.shuffle([...general, ...exercises]).map(toRow),
  };
}

function toRow(
  { source, problem, solution, thought, reply }: Sample,
  index: number,
): ParquetDataset['rows'][number] {
  const content = `<think>\n${thought}\n</think>\n\n${reply}`;
  const messages: Message[] = [
    { content: problem, role: 'user' },
    { content, role: 'assistant' },
  ];
  return {
    id: `${source}_${index}`,
    problem,
    solution,
    reannotated_assistant_content: content,
    reannotated_messages: messages,
    source,
    source_dataset: source === 'general' ? 'chat' : 'math',
    verified: null,
    quality_metrics: null,
  };
}

function generalSamples(random: Random): Sample[] {
  return readGeneralQuestions().flatMap(({ questions, thought, answer }) =>
    questions.map((problem) => {
      const lead = random.pick([
        '',
        'Okay.',
        'Let me think about this.',
        'Hmm.',
        'Alright, let me see.',
        'Good question.',
      ]);
      return {
        source: 'general',
        problem,
        solution: answer,
        thought: `${lead} ${thought}`.trim(),
        reply: answer,
      };
    }),
  );
}

function exerciseSample(random: Random): Sample {
  const { source, exercise } = draw(random);
  const problem = random.pick(exercise.questions);
  const solution = source === 'story' ? tutorAnswer(exercise, random) : boxedSolution(exercise, random);
  return {
    source,
    problem,
    solution,
    thought: reasoning(exercise, problem, random),
    reply: finalAnswer(exercise, random),
  };
}

function draw(random: Random): { source: string; exercise: Exercise } {
  const kind = random.int(0, 9);
  if (kind < 5)
    return {
      source: 'story',
      exercise: storyExercise(drawStory(random.pick(STORY_FAMILIES), random), random),
    };
  if (kind < 7) return { source: 'puzzle', exercise: random.pick(PUZZLE_FAMILIES)(random) };
  return { source: 'formula', exercise: random.pick(EXERCISE_FAMILIES)(random) };
}

/** What follows the trace: short steps, perhaps, and the result in bold or boxed. */
function finalAnswer({ steps, verdict, answer }: Exercise, random: Random): string {
  const short = random.chance(0.7)
    ? `${steps.map((step, index) => `${index + 1}. ${step}`).join('\n')}\n\n`
    : '';
  const isFormula = /^[-\d\\]/.test(answer) && !answer.includes(':');
  const highlighted = isFormula ? String.raw`$\boxed{${answer}}$` : `**${answer}**`;
  return short + random.pick([`**Answer:** ${verdict}`, verdict, `${verdict}\n\n${highlighted}`]);
}
