// Rows to conversations: every format and every reason for a rejection (test/golden/mix/conversations.json).
import t from 'tap';
import {
  conversationOf,
  datasetFormats,
  fittingLayouts,
  type Layout,
} from '../../pipeline/mix/datasetFormats.ts';
import { readJson } from '../readJson.ts';

interface Case {
  name: string;
  format?: keyof typeof datasetFormats;
  layouts?: Layout[];
  row: Record<string, unknown>;
  expected: unknown;
}

const cases = readJson('test/golden/mix/conversations.json') as Case[];

for (const { name, format, layouts, row, expected } of cases)
  t.test(name, (t) => {
    t.strictSame(conversationOf(row, layouts ?? datasetFormats[format!]), expected);
    t.end();
  });

t.test('a file decides which layouts are tried', (t) => {
  const file = 'a.parquet';
  t.strictSame(fittingLayouts(datasetFormats.numina_r1, { file, columns: ['id', 'problem', 'solution'] }), [
    { prompt: 'problem', response: 'solution' },
  ]);
  t.throws(() => fittingLayouts(datasetFormats.metamathqa, { file, columns: ['querry', 'response'] }), {
    message: 'a.parquet: has no column "query"; its columns are querry, response (did you mean "querry"?)',
  });
  t.end();
});
