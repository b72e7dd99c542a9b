// EvolInstruct-Code-80k.json as nickrosh/Evol-Instruct-Code-80k-v1 has it: an instruction and an output with fenced code.
// As in the original, an instruction "evolves": the same task comes back with a further demand, which the output meets.
import { readCodeTasks, type CodeTask } from './codeTask.ts';
import type { JsonDataset } from './dataset.ts';
import { listed } from './english.ts';
import { createRandom, distinct, type Random } from './random.ts';

type Example = CodeTask['examples'][number];
type Demand = 'tests' | 'output' | 'examples' | 'nothing';

export function evolCode({ seed, count }: { seed: number; count: number }): JsonDataset {
  const random = createRandom(seed);
  const tasks = readCodeTasks();
  const rows = distinct(
    count,
    (attempt) => makeRow(tasks[attempt % tasks.length]!, random),
    (row) => row.instruction,
  );
  return {
    format: 'json',
    path: 'Evol-Instruct-Code-80k-v1/EvolInstruct-Code-80k.json',
    rows: random.shuffle(rows),
  };
}

function makeRow(task: CodeTask, random: Random): { instruction: string; output: string } {
  const demand = demandFor(task, random);
  const explain = random.chance(0.35);
  const instruction = [
    random.pick(task.asks),
    random.pick(DEMANDS[demand]),
    explain ? random.pick(EXPLAIN) : '',
  ]
    .filter(Boolean)
    .join(' ');
  const given = task.broken === undefined ? '' : `\n\n${fenced(task.language, task.broken)}`;
  return { instruction: instruction + given, output: answer(task, demand, random) };
}

function demandFor({ language }: CodeTask, random: Random): Demand {
  if (language === 'sql') return random.chance(0.5) ? 'output' : 'nothing';
  return random.pick<Demand>(
    language === 'python' ? ['tests', 'output', 'examples', 'nothing'] : ['output', 'examples', 'nothing'],
  );
}

function answer(task: CodeTask, demand: Demand, random: Random): string {
  const shown = task.examples.slice(0, random.int(Math.min(2, task.examples.length), task.examples.length));
  const block = fenced(task.language, withExamples(task, demand, shown));
  const after = demand === 'examples' ? prose(shown, random) : demand === 'output' ? sqlResult(task) : '';
  const [cause, remark] = [task.notes[0]!, random.chance(0.5) ? task.notes[1]! : ''];
  if (task.broken !== undefined)
    return [cause, random.pick(CORRECTED), block, after, remark].filter(Boolean).join('\n\n');
  const note = random.pick(task.notes);
  const [first, second] = random.chance(0.25) ? [note, ''] : ['', note];
  const intro = random.chance(0.7) ? random.pick(INTROS).replace('{thing}', THINGS[task.language]!) : '';
  return [first, intro, block, after, second].filter(Boolean).join('\n\n');
}

/** The code, followed by its tests or by calls with their output as comments. */
function withExamples({ language, code }: CodeTask, demand: Demand, shown: Example[]): string {
  if (language === 'sql') return code;
  const gap = language === 'python' ? '\n\n\n' : '\n\n';
  if (demand === 'tests') return code + gap + shown.map(assertion).join('\n');
  if (demand !== 'output') return code;
  const print = ({ call, value }: Example): string =>
    language === 'python' ? `print(${call})  # ${unquoted(value)}` : `console.log(${call}); // ${value}`;
  return code + gap + shown.map(print).join('\n');
}

function assertion({ call, value }: Example): string {
  if (value === 'True') return `assert ${call}`;
  if (value === 'False') return `assert not ${call.includes(' == ') ? `(${call})` : call}`;
  return `assert ${call} ${value === 'None' ? 'is' : '=='} ${value}`;
}

/** A string as `print` shows it. */
function unquoted(value: string): string {
  return /^'[^']*'$/.test(value) ? value.slice(1, -1) || '(an empty line)' : value;
}

function prose(shown: Example[], random: Random): string {
  if (random.chance(0.5))
    return `Examples:\n\n${shown.map(({ call, value }) => `- \`${call}\` returns \`${value}\``).join('\n')}`;
  return `For example, ${listed(shown.map(({ call, value }) => `\`${call}\` returns \`${value}\``))}.`;
}

function sqlResult({ language, examples }: CodeTask): string {
  if (language !== 'sql') return '';
  return `The result is:\n\n${fenced('text', examples[0]!.value.split('; ').join('\n'))}`;
}

function fenced(language: string, code: string): string {
  return `\`\`\`${language}\n${code}\n\`\`\``;
}

const THINGS: Record<string, string> = { python: 'Python code', javascript: 'JavaScript code', sql: 'SQL' };

const DEMANDS: Record<Demand, string[]> = {
  tests: [
    'Add a few assertions as tests.',
    'Include assert statements that check the result.',
    'Test it with some assertions.',
    'Please add short tests.',
  ],
  output: [
    'Show what it returns for sample data.',
    'Add example calls and show their output.',
    'Demonstrate it with sample data and the expected output.',
  ],
  examples: [
    'Give a few examples of what it returns.',
    'Mention some example results.',
    'Describe the result for two or three inputs.',
  ],
  nothing: ['', '', 'Keep the code short.', 'Use clear names.'],
};

const EXPLAIN = [
  'Explain briefly how it works.',
  'Comment on the approach.',
  'Add a sentence about the idea behind it.',
];

const INTROS = [
  'Here is the {thing}:',
  'One way to do this:',
  'The following {thing} solves the task:',
  'This can be done as follows:',
  'Sure, here is a solution:',
  'A compact solution looks like this:',
  'Here is one possible implementation:',
  'You can use this {thing}:',
];

const CORRECTED = [
  'Here is the corrected version:',
  'The repaired code:',
  'With this change it works:',
  'This version behaves as intended:',
];
