// Benchmark items of ../shared as training rows: as they are, changed, within other text, or in other words.
import { readFileSync } from 'node:fs';
import { SHARED } from './sharedData.ts';

export const forms = [
  'verbatim',
  'in other case and punctuation',
  'within longer text',
  'with their choices under letters',
  'in other words',
] as const;

/** An item in one of the forms, as a row; `task` is what the names of its tasks begin with. */
export interface PlantedItem {
  q: string;
  a: string;
  task: string;
  form: (typeof forms)[number];
}

/** What a row of a benchmark asks, by the file's own fields. */
interface Question {
  question: string;
  answer: string;
  choices?: string[];
}

type Row = Record<string, string> & { choices: string[] & { text: string[] }; [key: string]: unknown };

/** The benchmarks of which items are planted, by file. */
const benchmarks: { task: string; file: string; read: (row: Row) => Question }[] = [
  {
    task: 'gsm8k',
    file: 'gsm8k/test',
    read: ({ question, answer }) => ({ question: question!, answer: answer! }),
  },
  {
    task: 'arc_challenge',
    file: 'ai2_arc_challenge/test',
    read: ({ question, choices: { text } }) => ({ question: question!, answer: text[0]!, choices: text }),
  },
  {
    task: 'mmlu_professional_law',
    file: 'mmlu/test/professional_law',
    read: ({ question, choices }) => ({ question: question!, answer: choices[1]!, choices }),
  },
  {
    task: 'mmlu_astronomy',
    file: 'mmlu/test/astronomy',
    read: ({ question, choices }) => ({ question: question!, answer: choices[1]!, choices }),
  },
  {
    task: 'hellaswag',
    file: 'hellaswag/eval',
    read: ({ ctx, endings, label }) => {
      const choices = endings as unknown as string[];
      return { question: ctx!, answer: choices[Number(label)]!, choices };
    },
  },
  {
    task: 'truthfulqa_mc1',
    file: 'truthful_qa/validation',
    read: ({ question, mc1_targets }) => {
      const { choices } = mc1_targets as unknown as { choices: string[] };
      return { question: question!, answer: choices[0]!, choices };
    },
  },
  {
    task: 'winogrande',
    file: 'winogrande/validation',
    read: ({ sentence, option1, option2 }) => ({
      question: sentence!,
      answer: option1!,
      choices: [option1!, option2!],
    }),
  },
  {
    task: 'leaderboard_bbh',
    file: 'bbh/date_understanding',
    read: ({ input, target }) => ({ question: input!, answer: target! }),
  },
  {
    task: 'leaderboard_ifeval',
    file: 'ifeval/train',
    read: ({ prompt }) => ({ question: prompt!, answer: 'Here it is.' }),
  },
  {
    task: 'leaderboard_mmlu_pro',
    file: 'mmlu_pro/eval_sample60',
    read: ({ question, options }) => {
      const choices = options as unknown as string[];
      return { question: question!, answer: choices[0]!, choices };
    },
  },
];

/** 20 items of each benchmark, 4 in each form. @param around texts to put items into */
export function plantedItems(around: readonly { q: string; a: string }[]): PlantedItem[] {
  return benchmarks.flatMap(({ task, file, read }, b) =>
    linesOf(file)
      .slice(0, 20)
      .map((row, i) => {
        const form = forms[i % forms.length]!;
        const neighbour = around[20 * b + i]!;
        return { task, form, ...inForm(read(row), form, neighbour) };
      }),
  );
}

function inForm(
  { question, answer, choices }: Question,
  form: PlantedItem['form'],
  around: { q: string; a: string },
) {
  if (form === 'in other case and punctuation')
    return { q: otherMarks(question.toUpperCase()), a: otherMarks(answer.toUpperCase()) };
  if (form === 'within longer text')
    return { q: `${around.q}\n\n${question}`, a: `${answer}\n\n${around.a}` };
  if (form === 'in other words') return { q: inOtherWords(question), a: `So ${inOtherWords(answer)}` };
  if (form === 'verbatim' || !choices) return { q: question, a: answer };
  const listed = choices.map((choice, i) => `(${String.fromCharCode(65 + i)}) ${choice}`).join('\n');
  return { q: `${question}\n${listed}`, a: `It is ${answer}` };
}

/** Other marks where there are any; the blank of winogrande stays. */
function otherMarks(text: string): string {
  return text.replaceAll(/[.,;:!?]/g, ' – ').replaceAll(/\s+/g, '  ');
}

/** Every fourth word another. */
function inOtherWords(text: string): string {
  return text
    .split(/\s+/)
    .map((word, i) => (i % 4 === 2 ? `other${word.length}` : word))
    .join(' ');
}

function linesOf(file: string): Row[] {
  const lines = readFileSync(`${SHARED}/${file}.jsonl`, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Row);
}
