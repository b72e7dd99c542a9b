// `where:` on rows as Parquet and JSON give them: what is taken, what a null does, and what is said about mistakes.
import t from 'tap';
import { columnsNamedIn, rowFilter, syntaxProblem } from '../../pipeline/mix/rowFilter.ts';

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
const columns = [...Object.keys(rows[0]!), 'quality-score', 'Unnamed: 0'];
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

t.test('what a null leaves undecided is not taken, negated or not', (t) => {
  const cases: [string, number[]][] = [
    ['type != "MATH"', [0, 3]],
    ['!(type == "MATH")', [0, 3]],
    ['!!(type == "MATH")', [1]],
    ['meta.lang != "en"', [1]],
    ['!(meta.lang in ["en", "de"])', [1]],
    ['!(type == "GSM" && score > 5)', [0, 1]],
    ['type == "GSM" || score > 3', [0, 1, 3]],
    ['score > 3 || type == "GSM"', [0, 1, 3]],
    ['!(score > 3 || type == "GSM")', []],
    ['!(score > 3 || type == "MATH")', [0]],
    ['score > 3 || true', [0, 1, 2, 3]],
    ['!(false && score > 3)', [0, 1, 2, 3]],
    ['score > 3 ? true : true', [0, 1]],
    ['!(type == "GSM" ? score > 0 : false)', [1]],
    ['meta.lang == null', [2, 3]],
    ['null != meta.lang', [0, 1]],
    ['meta.more.w == null', [0, 2, 3]],
    ['!(type == null) && type != "GSM"', [1]],
    ['type in [null, "MATH"]', [1, 2]],
    ['!has(meta.more)', [0, 2, 3]],
    ['type == meta.lang || type != meta.lang', [0, 1]],
    ['(type) != ("GSM") && !((score) < (1 + 1))', [1]],
    ['text.contains(")") != (type == "GSM")', [0]],
  ];
  for (const [where, expected] of cases) t.strictSame(taken(where), expected, where);
  t.end();
});

t.test('what a row has not leaves it out', (t) => {
  const cases: [string, number[]][] = [
    ['ok[1] == true', []],
    ['ok[0] != false', [0]],
    ['!(ok[7] == true)', []],
    ['ok[size(ok)] != false || n == 6', [1]],
    ['ok[7] == null', [0, 1, 2, 3]],
    ['meta["lang"] != "en"', [1]],
    ['meta.more["w"] > 1', [1]],
    ['ok.exists(x, x != true)', [0, 1]],
    ['ok.all(x, x == meta.w)', []],
  ];
  for (const [where, expected] of cases) t.strictSame(taken(where), expected, where);
  t.end();
});

t.test('numbers are numbers, whatever the file calls them', (t) => {
  const cases: [string, number[]][] = [
    ['score % 2 == 1', [0]],
    ['score + 1 > 2', [1]],
    ['1 + score == 2', [0]],
    ['score * 2 - 1 == 6.0', [1]],
    ['score > 2.5', [1]],
    ['score == 1 || score == 3.5', [0, 1]],
    ['score in [1, 2]', [0]],
    ['score in [2, 3.5]', [1]],
    ['n / 2 == 2.5', [0]],
    ['n % 2 == 1', [0, 3]],
    ['n in [6, 7]', [1, 3]],
    ['-n < -5 && n * score > 5', [1]],
    ['size(text) + 0.5 > 4', [1]],
    ['meta.more.w % 2 == 0', [1]],
  ];
  for (const [where, expected] of cases) t.strictSame(taken(where), expected, where);
  const { takes } = rowFilter('n == 9007199254740993', at);
  t.strictSame([takes({ n: 9007199254740993n }), takes({ n: 9007199254740992n })], [true, false]);
  t.end();
});

t.test('columns that are no names, or taken ones', (t) => {
  const row = { 'quality-score': 0.5, 'Unnamed: 0': null, type: 'x', 'a.b': 1 };
  const here = { ...at, columns: Object.keys(row) };
  const takes = (where: string) => rowFilter(where, here).takes(row);
  t.equal(takes('row["quality-score"] > 0.4 && type == "x"'), true);
  t.equal(takes('(row[\'quality-score\']) * 2 == 1 && row["a.b"] == 1'), true);
  t.equal(takes('row["Unnamed: 0"] != 3'), false);
  t.equal(takes('row["Unnamed: 0"] == null && row["type"] == "x"'), true);
  t.strictSame(rowFilter('row["quality-score"] > type', here).columns, ['quality-score', 'type']);
  t.throws(() => takes('row["quality_score"] > 1'), {
    message:
      /: no column "quality_score"; the columns of a\.parquet are row\["quality-score"\], .* \(did you mean row\["quality-score"\]\?\)$/,
  });
  const own = { ...at, columns: ['row', 'a-b'] };
  t.equal(rowFilter('row["a-b"] == 1', own).takes({ row: { 'a-b': 1 } }), true);
  t.end();
});

t.test('the columns that an expression names', (t) => {
  const where = 'tags.exists(tag, tag == other) && meta.lang == "en" && row["a-b"] > size(text)';
  t.strictSame(columnsNamedIn(where), ['tags', 'other', 'meta', 'text', 'a-b']);
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
      /^sources\.mine\.where = "scor > 1": Unknown variable: scor; the columns of a\.parquet are type, .* \(did you mean score\?\)$/,
    ],
    ['size(text)', /: is a int, not true or false$/],
    ['text', /: gives "one", not true or false, for a row of a\.parquet$/],
    ['text > 1', /: no such overload: .*, for a row of a\.parquet$/],
    ['1 + "a" == 2', /: no such overload: int \+ string; the columns/],
    ['lower(text) == "one"', /: found no matching overload for 'lower/],
    ['text.matches("[")', /Invalid regular expression/],
    ['1 / 0 == 1 && n == 5', /division by zero/],
    ['type == None', /Unknown variable: None; .*; CEL writes && for and, .* and null, true, false$/],
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
  const hint = /; CEL writes && for and, \|\| for or, ! for not, == for equals, and null, true, false$/;
  for (const where of ['a == "x" and b == 1', 'a = 1', 'a <> 1', 'not a', 'a is null', 'a not in ["x"]'])
    t.match(syntaxProblem(where), hint, where);
  t.notMatch(syntaxProblem('a == "x = y and not z" >='), hint);
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
