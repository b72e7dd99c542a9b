// Every reader against the rows that Python wrote (test/golden/mix/makeGoldens.py), and every way a file can be broken.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { columnsOf, readRows, type Row } from '../../pipeline/mix/readRows.ts';
import { readJson } from '../readJson.ts';

const folder = 'test/golden/mix/rows';
const expected = readJson(join(folder, 'expected.json')) as Record<string, Row[]>;

for (const [name, rows] of Object.entries(expected))
  t.test(name, async (t) => {
    const file = join(folder, name);
    t.strictSame(nulled(await all(file)), rows);
    t.strictSame(await columnsOf(file), Object.keys(rows[0]!));
  });

t.test('parquet comes by row group, and only the columns asked for', async (t) => {
  const sizes: number[] = [];
  for await (const rows of readRows(join(folder, 'orca.parquet'), { columns: ['answer'] })) {
    sizes.push(rows.length);
    t.strictSame(Object.keys(rows[0]!), ['answer']);
  }
  t.strictSame(sizes, [16, 16, 8]);
});

t.test('a JSON array longer than a chunk', async (t) => {
  const file = join(t.testdir(), 'long.json');
  const rows = Array.from({ length: 3000 }, (_, n) => ({ n, text: 'é😀'.repeat(n % 400) }));
  writeFileSync(file, JSON.stringify(rows));
  t.strictSame(await all(file), rows);
});

t.test('a JSON Lines file longer than a chunk', async (t) => {
  const file = join(t.testdir(), 'long.jsonl');
  const rows = Array.from({ length: 3000 }, (_, n) => ({ n, text: 'é😀'.repeat(n % 400) }));
  writeFileSync(file, rows.map((row) => JSON.stringify(row) + '\n').join(''));
  t.strictSame(await all(file), rows);
});

t.test('gzipped JSON', async (t) => {
  const folder = t.testdir();
  const rows = Array.from({ length: 30_000 }, (_, n) => ({ n, text: `${n} é` }));
  const contents = {
    'lines.jsonl.gz': rows.map((row) => JSON.stringify(row) + '\n').join(''),
    'array.json.gz': JSON.stringify(rows, null, 1),
  };
  for (const [name, content] of Object.entries(contents)) {
    writeFileSync(join(folder, name), gzipSync(content));
    t.strictSame(await all(join(folder, name)), rows);
    t.strictSame(await columnsOf(join(folder, name)), ['n', 'text']);
  }
});

t.test('a row that never ends is refused before it fills the memory', async (t) => {
  const folder = t.testdir();
  const endless = '"'.padEnd((1 << 26) + (1 << 21), 'x');
  for (const [name, opening] of Object.entries({ 'array.json': '[{"a": ', 'lines.jsonl': '{"a": ' })) {
    writeFileSync(join(folder, name), opening + endless);
    await t.rejects(all(join(folder, name)), {
      name: 'UserError',
      message: /(row 0|line 1) is longer than 64 MiB/,
    });
  }
});

t.test('a large row group comes in parts', async (t) => {
  const sizes: number[] = [];
  const read: unknown[] = [];
  for await (const rows of readRows('test/golden/mix/hubRows/oneGroup.parquet')) {
    sizes.push(rows.length);
    read.push(...rows.map(({ text }) => text));
  }
  t.strictSame(sizes, [20_000, 20_000, 5_000]);
  t.strictSame(
    read,
    Array.from({ length: 45_000 }, (_, n) => (n % 7 ? `text ${n % 101}` : null)),
  );
});

t.test('columns of JSON are those of its first rows together', async (t) => {
  const file = join(t.testdir(), 'sparse.jsonl');
  writeFileSync(file, '{"a":1}\n{"b":2}\n');
  t.strictSame(await columnsOf(file), ['a', 'b']);
});

t.test('a column of JSON that comes late is found when it is asked for', async (t) => {
  const file = join(t.testdir(), 'late.jsonl');
  const rows = Array.from({ length: 40_000 }, (_, n) => ({
    n,
    ...(n === 30_000 && { late: 1, 'a.b': 2, other: 3 }),
  }));
  writeFileSync(file, rows.map((row) => JSON.stringify(row) + '\n').join(''));
  t.strictSame(await columnsOf(file), ['n']);
  t.strictSame(await columnsOf(file, { wanted: ['n', 'late.deeper'] }), ['n', 'late']);
  t.strictSame(await columnsOf(file, { wanted: ['a.b'] }), ['n', 'a.b']);
  t.strictSame(await columnsOf(file, { wanted: ['latte'] }), ['n', 'late', 'a.b', 'other']);
});

t.test('an object that holds its rows as an array', async (t) => {
  const folder = t.testdir();
  const rows = Array.from({ length: 30_000 }, (_, n) => ({ n, text: `é ${n} ]}` }));
  const files = {
    'indented.json': JSON.stringify({ data: rows, version: '1', more: { data: [] } }, null, 2),
    'oneLine.json': JSON.stringify({ rows }) + '\n',
    'lines.json': `{"data": [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]}`,
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    t.strictSame(await all(join(folder, name)), rows, name);
  }
  const file = join(folder, 'rows.jsonl');
  const own = [{ data: [{ a: 1 }] }, { data: [{ a: 2 }] }];
  writeFileSync(file, own.map((row) => JSON.stringify(row)).join('\n'));
  t.strictSame(await all(file), own, 'rows with such a column stay rows');
});

const orca = readFileSync(join(folder, 'orca.parquet'));
const broken: Record<string, { content: string | Uint8Array; message: RegExp }> = {
  'cut.json': {
    content: '[{"a": 1}, {"a": 2}, {"a',
    message: /cut\.json: not valid JSON after byte 21 \(row 2\): the file ends early/,
  },
  'comma.json': {
    content: '[{"a": 1}, {"a": 2} {"a": 3}]',
    message: /comma\.json: not valid JSON after byte 20 \(row 2\)/,
  },
  'number.json': { content: '[{"a": 1}, 7]', message: /number\.json: row 1 is not an object/ },
  'cut.jsonl': { content: '{"a": 1}\n\n{"a": 2', message: /cut\.jsonl: line 3 is not valid JSON/ },
  'indented.json': {
    content: '{\n  "a": 1\n}\n',
    message: /indented\.json: neither an array of objects nor one object a line; save it as JSON Lines/,
  },
  'nested.json': {
    content: '{"version": 1, "data": [\n{"a": 1}\n]}',
    message: /nested\.json: neither an array of objects nor one object a line/,
  },
  'cutWithin.json': {
    content: '{"data": [{"a": 1}, {"a"',
    message: /byte 20 \(row 1\): the file ends early/,
  },
  'cutAround.json': {
    content: '{"data": [{"a": 1}], "b',
    message: /the object around its rows is not valid JSON/,
  },
  'firstLine.jsonl': { content: '{"a": 1', message: /firstLine\.jsonl: line 1 is not valid JSON/ },
  'text.jsonl': { content: '{"a": 1}\n"b"\n', message: /text\.jsonl: line 2 is not an object/ },
  'cut.parquet': { content: orca.subarray(0, 900), message: /cut\.parquet: not a whole Parquet file: / },
  'empty.parquet': { content: '', message: /empty\.parquet: not a whole Parquet file: / },
  'damaged.parquet': {
    content: Buffer.concat([orca.subarray(0, 20), Buffer.alloc(60, 0xff), orca.subarray(80)]),
    message: /damaged\.parquet: rows 0 to 15 cannot be read: /,
  },
};
for (const [name, { content, message }] of Object.entries(broken))
  t.test(name, async (t) => {
    const file = join(t.testdir(), name);
    writeFileSync(file, content);
    await t.rejects(all(file), { name: 'UserError', message });
  });

t.test('an empty file has no columns', async (t) => {
  const file = join(t.testdir(), 'empty.jsonl');
  writeFileSync(file, '\n');
  t.strictSame(await all(file), []);
  t.strictSame(await columnsOf(file, { wanted: ['a'] }), []);
});

/** Parquet's null lists arrive as undefined and its int64 as bigint: no matter to text, but to the comparison. */
function nulled(rows: Row[]): unknown {
  const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : (value ?? null));
  return JSON.parse(JSON.stringify(rows, plain));
}

async function all(file: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const some of readRows(file)) rows.push(...some);
  return rows;
}
