// `where:` on rows as Parquet and JSON give them: what is taken, what a null does, and what is said about mistakes.
import t from 'tap';
import { rowFilter, syntaxProblem } from '../../pipeline/mix/rowFilter.ts';

const rows = [
  { type: 'GSM', text: 'one', score: 1, n: 5n, ok: [true, null], meta: { lang: 'en' }, string: 'a' },
  {
    type: 'MATH',
    text: 'three',
    score: 3.5,
    n: 6n,
    ok: [false],
    meta: { lang: 'fr', more: { w: 2 } },
    string: 'b',
  },
  { type: null, text: 'é😀', score: null, n: null, ok: null, meta: null, string: null },
  { type: 'GSM', text: null, n: 7n, meta: { lang: null }, string: 'c' },
];
const columns = [...Object.keys(rows[0]!), 'a column'];
const at = { field: 'sources.mine.where', file: 'a.parquet', columns };

/** The numbers of the rows taken. */
function taken(where: string): number[] {
  const { takes } = rowFilter(where, at);
  return rows.flatMap((row, i) => (takes(row) ? [i] : []));
}

t.test('rows are taken', (t) => {
  const cases: [string, number[]][] = [
    ['score > 1', [1]],
    ['score >= 1.0', [0, 1]],
    ['score < 2 || text == "three"', [0, 1]],
    ['score == null', [2, 3]],
    ['!(score > 1)', [0]],
    ['type == "GSM"', [0, 3]],
    ['type != null && type.startsWith("M")', [1]],
    ['string in ["a", "c"] && type == "GSM"', [0, 3]],
    ['n > 5 && n < 7', [1]],
    ['size(text) == 3 || size(text) == 2', [0, 2]],
    ['text.matches("^t.*e$")', [1]],
    ['!text.contains("e")', [2]],
    ['meta.lang == "en"', [0]],
    ['meta.more.w == 2', [1]],
    ['has(meta.more)', [1]],
    ['ok[0]', [0]],
    ['ok.exists(x, x == false)', [1]],
    ['true', [0, 1, 2, 3]],
    ['false', []],
  ];
  for (const [where, expected] of cases) t.strictSame(taken(where), expected, where);
  t.end();
});

t.test('it says which columns it reads', (t) => {
  t.strictSame(rowFilter('ok.all(x, x) && meta.lang == type && meta != null', at).columns, [
    'ok',
    'meta',
    'type',
  ]);
  t.end();
});

t.test('mistakes are one line', (t) => {
  const cases: [string, RegExp][] = [
    [
      'scor > 1',
      /^sources\.mine\.where = "scor > 1": Unknown variable: scor; the columns of a\.parquet are type, .* \(did you mean "score"\?\)$/,
    ],
    ['size(text)', /: is a int, not true or false$/],
    ['text', /: gives "one", not true or false, for a row of a\.parquet$/],
    ['text > 1', /: no such overload: .*, for a row of a\.parquet$/],
    ['1 + "a" == 2', /: no such overload: int \+ string; the columns/],
    ['lower(text) == "one"', /: found no matching overload for 'lower/],
    ['text.matches("[")', /Invalid regular expression/],
    ['n / 0 == 1', /division by zero/],
    ['type(text) == 3', /no such overload/],
    ['constructor.x == 1', /Unknown variable: constructor/],
  ];
  for (const [where, message] of cases) {
    t.throws(() => taken(where), { name: 'UserError', message }, where);
    t.doesNotThrow(() =>
      t.notMatch(
        messageOf(() => taken(where)),
        '\n',
      ),
    );
  }
  t.match(syntaxProblem('score >'), /^Unexpected token: EOF$/);
  t.equal(syntaxProblem('scor > 1'), undefined);
  t.end();
});

function messageOf(action: () => void): string {
  try {
    action();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
