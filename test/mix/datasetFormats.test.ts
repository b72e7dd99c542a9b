// Rows to conversations: every format and every reason for a rejection (test/golden/mix/conversations.json).
import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  conversationOf,
  datasetFormats,
  fittingLayouts,
  type Layout,
} from '../../pipeline/mix/datasetFormats.ts';

interface Case {
  name: string;
  format?: keyof typeof datasetFormats;
  layouts?: Layout[];
  row: Record<string, unknown>;
  expected: unknown;
}

const cases = JSON.parse(readFileSync('test/golden/mix/conversations.json', 'utf8')) as Case[];

for (const { name, format, layouts, row, expected } of cases)
  void t.test(name, (t) => {
    t.strictSame(conversationOf(row, layouts ?? datasetFormats[format!]), expected);
    t.end();
  });

void t.test('a file decides which layouts are tried', (t) => {
  const file = 'a.parquet';
  t.strictSame(fittingLayouts(datasetFormats.numina_r1, { file, columns: ['id', 'problem', 'solution'] }), [
    { prompt: 'problem', response: 'solution' },
  ]);
  t.throws(() => fittingLayouts(datasetFormats.metamathqa, { file, columns: ['querry', 'response'] }), {
    message: 'a.parquet: has no column "query"; its columns are querry, response (did you mean "querry"?)',
  });
  t.end();
});
