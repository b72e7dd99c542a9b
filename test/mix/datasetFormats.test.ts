// Rows to conversations: every format and every reason for a rejection (test/golden/mix/conversations.json).
import t from 'tap';
import { conversationOf, datasetFormats, type Layout } from '../../pipeline/mix/datasetFormats.ts';
import { findLayouts, inspectColumns } from '../../pipeline/mix/findLayouts.ts';
import { columnsOf, readRows } from '../../pipeline/mix/readRows.ts';
import { readJson } from '../readJson.ts';

interface Case {
  name: string;
  format?: keyof typeof datasetFormats | 'numina_r1';
  layouts?: Layout[];
  row: Record<string, unknown>;
  expected: unknown;
}

const cases = readJson('test/golden/mix/conversations.json') as Case[];

for (const { name, format, layouts, row, expected } of cases)
  t.test(name, (t) => {
    const tried =
      layouts ?? (format === 'numina_r1' ? inspectColumns(Object.keys(row)) : datasetFormats[format!]);
    t.strictSame(conversationOf(row, tried).conversation, expected);
    t.end();
  });

const at = (...columns: string[]) => ({ source: 'mine', file: 'a.parquet', columns });

t.test('declared layouts', (t) => {
  t.strictSame(findLayouts({ format: 'r1_distill_sft' }, at('id', 'messages')), [{ messages: 'messages' }]);
  t.throws(() => findLayouts({ format: 'metamathqa' }, at('querry', 'response')), {
    message: 'a.parquet: has no column "query"; its columns are querry, response (did you mean "querry"?)',
  });
  const columns = { prompt: 'meta.question', response: 'a.b' };
  t.strictSame(findLayouts({ columns }, at('meta', 'a.b')), [columns]);
  t.throws(() => findLayouts({ columns }, at('a.b')), {
    message: /has no column "meta"; its columns are a\.b$/,
  });
  t.end();
});

t.test('layouts found by the names of columns', (t) => {
  const found: [string[], Layout[]][] = [
    [['id', 'problem', 'solution'], [{ prompt: 'problem', response: 'solution' }]],
    [
      ['problem', 'solution', 'answer', 'generations', 'messages'],
      [
        { prompt: 'problem', response: 'generations' },
        { messages: 'messages' },
        { prompt: 'problem', response: 'solution' },
      ],
    ],
    [['Question', 'Thinking', 'Output'], [{ prompt: 'Question', reasoning: 'Thinking', response: 'Output' }]],
    [
      ['problem', 'reasoning', 'deepseek_solution', 'solution', 'conversations'],
      [
        { prompt: 'problem', reasoning: 'reasoning', response: 'deepseek_solution' },
        { messages: 'conversations' },
      ],
    ],
    [
      ['problem', 'deepseek_reasoning', 'deepseek_solution', 'ground_truth_solution'],
      [{ prompt: 'problem', reasoning: 'deepseek_reasoning', response: 'deepseek_solution' }],
    ],
    [['problem', 'reasoning', 'ground_truth_solution', 'conversations'], [{ messages: 'conversations' }]],
    [['problem', 'ground_truth_solution'], [{ prompt: 'problem', response: 'ground_truth_solution' }]],
    [
      ['messages', 'reasoning', 'answer'],
      [{ prompt: 'messages', reasoning: 'reasoning', response: 'answer' }, { messages: 'messages' }],
    ],
    [['conversations', 'system'], [{ messages: 'conversations', system: 'system' }]],
    [
      ['instruction', 'input', 'output', 'prompt'],
      [{ prompt: 'instruction', context: 'input', response: 'output' }],
    ],
    [
      ['Instruction', 'context', 'response', 'category'],
      [{ prompt: 'Instruction', context: 'context', response: 'response' }],
    ],
    [['input', 'output'], [{ prompt: 'input', response: 'output' }]],
    [
      ['system_prompt', 'question', 'response'],
      [{ prompt: 'question', response: 'response', system: 'system_prompt' }],
    ],
    [['reasoning', 'conversations'], [{ messages: 'conversations' }]],
  ];
  for (const [columns, layouts] of found) {
    t.strictSame(inspectColumns(columns), layouts);
    t.strictSame(findLayouts({ format: 'numina_r1' }, at(...columns)), layouts);
    t.strictSame(findLayouts({}, at(...columns)), layouts);
  }
  t.throws(() => findLayouts({ format: 'auto' }, at('x', 'text')), {
    message:
      'a.parquet: none of its columns x, text is known as a prompt with a response, or as messages; name them in mix.yaml under sources.mine (instead of format): columns: { prompt: COLUMN, response: COLUMN } or columns: { messages: COLUMN }',
  });
  t.end();
});

const hubRows = 'test/golden/mix/hubRows';
const expected = readJson(`${hubRows}/expected.json`) as Record<string, string[]>;

for (const [name, outcomes] of Object.entries(expected))
  t.test(`${name}, as Parquet on the Hub has it`, async (t) => {
    const file = `${hubRows}/${name}`;
    const format = name.startsWith('r1Distill') ? 'r1_distill_sft' : 'numina_r1';
    const columns = await columnsOf(file);
    const layouts = findLayouts({ format }, { source: 'mine', file, columns });
    const read: unknown[] = [];
    for await (const rows of readRows(file))
      for (const row of rows) {
        const { conversation } = conversationOf(row, layouts);
        if ('response' in conversation) t.strictSame(conversation.prompt, [{ role: 'user', content: 'q' }]);
        read.push('response' in conversation ? conversation.response : conversation.reason);
      }
    t.strictSame(read, outcomes);
  });
