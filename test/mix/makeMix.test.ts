// The stage as a whole, on small data with the committed tokenizers: what it writes, that the same rows give the same
// bytes however they are ordered, and what it says about bad input.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { validate } from '../../pipeline/config/loadConfig.ts';
import { makeMix } from '../../pipeline/mix/makeMix.ts';
import type { MixStatistics } from '../../pipeline/mix/mixStatistics.ts';
import { mixConfig } from '../../pipeline/mix/mixConfig.ts';
import { readMixParquet } from '../../pipeline/mix/mixParquet.ts';
import { byRank, rankOf } from '../../pipeline/mix/selection.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { readMix } from '../../pipeline/mix/tokensArrow.ts';
import { sha256Of, sumsOf } from '../fileBytes.ts';
import { runStage } from '../runStage.ts';

const golden = 'test/golden/mix';
const tokenizerFolder = join(golden, 'tiny-chatml');
process.env.REDISTILL_CACHE = t.testdir({});

const model = { reference: 'x', revision: null, path: 'x', fingerprint: 'x' };
const columns = { prompt: 'q', response: 'a' };
const mine = { weight: 1, format: 'columns', columns };
const base = { seed: 3, total: 60, held_out: 6, max_tokens: 300, sources: { one: mine, two: mine } };

/** `count` rows that differ between datasets of another `name`. */
function rowsOf(name: string, count: number): Record<string, string>[] {
  return Array.from({ length: count }, (_, n) => ({
    q: `${name}: how much is ${n}+1?`,
    a: `It is ${n + 1}.`,
  }));
}

/** A folder with sources.json over datasets given as file name to rows (JSON Lines) or as a file to copy. */
function sourcesIn(folder: string, datasets: Record<string, Record<string, object[] | string>>): string {
  const described = Object.entries(datasets).map(([dataset, files]) => {
    const paths = Object.entries(files).map(([name, content]) => {
      const path = join(folder, dataset, name);
      mkdirSync(join(path, '..'), { recursive: true });
      if (typeof content === 'string') copyFileSync(content, path);
      else writeFileSync(path, content.map((row) => JSON.stringify(row) + '\n').join(''));
      const bytes = readFileSync(path);
      return { path, bytes: bytes.length, sha256: sha256Of(bytes) };
    });
    return [dataset, { reference: dataset, revision: null, files: paths }] as const;
  });
  const file = join(folder, 'sources.json');
  writeFileSync(
    file,
    JSON.stringify({
      formatVersion: 1,
      teacher: model,
      student: model,
      datasets: Object.fromEntries(described),
    }),
  );
  return file;
}

/** Makes a mix in `folder/mix` beside `folder/sources.json`. */
function mixIn(folder: string, config: object, options: { tokenizer?: string } = {}) {
  const out = join(folder, 'mix');
  const checked = validate(mixConfig, config, () => 'mix.yaml');
  return makeMix({ config: checked, tokenizerFolder: options.tokenizer ?? tokenizerFolder, out });
}

for (const name of ['tiny-chatml', 'tiny-r1'])
  t.test(`five formats, ${name}`, async (t) => {
    const folder = t.testdir({});
    const rows = join(golden, 'rows');
    sourcesIn(folder, {
      meta: { 'MetaMathQA-395K.json': join(rows, 'meta.json') },
      orca: { 'data/train-00000-of-00001.parquet': join(rows, 'orca.parquet') },
      numina: { 'train.parquet': join(rows, 'numina.parquet') },
      r1: { 'v1/train.parquet': join(rows, 'r1.parquet') },
      mine: { 'a.jsonl': rowsOf('mine', 20) },
    });
    const config = {
      ...{ total: 40, held_out: 4, max_tokens: 400 },
      sources: {
        meta: { weight: 1, format: 'metamathqa' },
        orca: { weight: 1, format: 'orca_math' },
        numina: { count: 3, format: 'numina_r1' },
        r1: { count: 5, format: 'r1_distill_sft' },
        mine,
      },
    };
    const { manifest, upToDate } = await mixIn(folder, config, { tokenizer: join(golden, name) });
    t.equal(upToDate, false);
    const { samples } = await readMix(join(folder, 'mix'));
    const { sources, total } = manifest.statistics as MixStatistics;
    t.match(sources, {
      meta: { rows_read: 12, wanted: 11, kept: 11 },
      mine: { rows_read: 20, wanted: 11, kept: 11, rejected: {} },
      numina: { rows_read: 3, wanted: 3, kept: 1, rejected: { no_prompt: 1, no_reasoning: 1 } },
      orca: { rows_read: 40, wanted: 10, kept: 10, rejected: { no_prompt: 6, no_response: 18 } },
      r1: { rows_read: 6, wanted: 5, kept: 2, rejected: { no_messages: 2, malformed_message: 2 } },
    });
    t.match(total, {
      kept: 35,
      held_out: 4,
      tokens: samples.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0),
    });
    t.equal(samples.filter(({ split }) => split === 'held_out').length, 4);

    const tokenizer = await loadTokenizer(join(golden, name));
    const people = await readMixParquet(join(folder, 'mix'));
    for (const [i, { id, source, split, tokenIds, lossMask }] of samples.entries()) {
      const { prompt, response, ...row } = people[i]!;
      t.match(row, { id, source, split, token_count: tokenIds.length });
      const learned = tokenIds.filter((_, at) => lossMask[at] === 1);
      t.equal(await tokenizer.decode(learned), response + tokenizer.endOfTurn());
      t.equal(await tokenizer.decode(tokenIds), prompt + response + tokenizer.endOfTurn());
    }
    const trace = people.find(({ source, row }) => source === 'r1' && row === 0)!;
    t.match(trace, { file: 'train.parquet' });
    t.ok(
      (trace.prompt + trace.response).endsWith('<think>\nt\n</think>\n\na1'),
      'the whole trace, its tag once',
    );

    const rejected = readFileSync(join(folder, 'mix/rejected.jsonl'), 'utf8').trim().split('\n');
    t.equal(rejected.length, manifest.files.find(({ file }) => file === 'rejected.jsonl')!.rows);
    t.ok(rejected.includes('{"source":"r1","file":"train.parquet","row":1,"reason":"no_messages"}'));
  });

t.test('same rows, same bytes: order of files and sources and place do not count', async (t) => {
  const [a, b, c] = [rowsOf('a', 50), rowsOf('b', 50), rowsOf('c', 50)];
  const folder = t.testdir({ x: {}, elsewhere: {} });
  sourcesIn(join(folder, 'x'), { one: { 'a.jsonl': a, 'b.jsonl': b }, two: { 'c.jsonl': c } });
  sourcesIn(join(folder, 'elsewhere'), { two: { 'c.jsonl': c }, one: { 'b.jsonl': b, 'a.jsonl': a } });
  await mixIn(join(folder, 'x'), base);
  await mixIn(join(folder, 'elsewhere'), base);
  const bytes = sumsOf(join(folder, 'x', 'mix'));
  t.strictSame(Object.keys(bytes), [
    'README.md',
    'contamination.json',
    'manifest.json',
    'mix.parquet',
    'rejected.jsonl',
    'tokens.arrow',
  ]);
  t.strictSame(sumsOf(join(folder, 'elsewhere', 'mix')), bytes);
  const reordered = await mixIn(join(folder, 'elsewhere'), { ...base, sources: { two: mine, one: mine } });
  t.equal(reordered.upToDate, true, 'nor does the order in mix.yaml');
});

t.test('same rows in another order: the same samples in the same order', async (t) => {
  const folder = t.testdir({ x: {}, shuffled: {}, seed: {} });
  const [one, two] = [rowsOf('one', 80), rowsOf('two', 80)];
  sourcesIn(join(folder, 'x'), { one: { 'a.jsonl': one }, two: { 'a.jsonl': two } });
  sourcesIn(join(folder, 'shuffled'), {
    one: { 'a.jsonl': one.toReversed() },
    two: { 'a.jsonl': two.toReversed() },
  });
  await mixIn(join(folder, 'x'), base);
  await mixIn(join(folder, 'shuffled'), base);
  const tokens = sumsOf(join(folder, 'x', 'mix'))['tokens.arrow'];
  t.equal(sumsOf(join(folder, 'shuffled', 'mix'))['tokens.arrow'], tokens);

  sourcesIn(join(folder, 'seed'), { one: { 'a.jsonl': one }, two: { 'a.jsonl': two } });
  await mixIn(join(folder, 'seed'), { ...base, seed: 4 });
  t.not(sumsOf(join(folder, 'seed', 'mix'))['tokens.arrow'], tokens, 'another seed, another mix');
});

t.test('a larger mix contains the smaller one and holds out no sample that trained in it', async (t) => {
  const folder = t.testdir({});
  sourcesIn(folder, { one: { 'a.jsonl': rowsOf('one', 300) }, two: { 'a.jsonl': rowsOf('two', 300) } });
  const splits = async (config: object) => {
    await mixIn(folder, config);
    const { samples } = await readMix(join(folder, 'mix'));
    return new Map(samples.map(({ id, split }) => [id, split]));
  };
  const small = await splits(base);
  const large = await splits({ ...base, total: 300 });
  t.equal(large.size, 300);
  for (const [id, split] of small) {
    t.ok(large.has(id));
    if (split === 'train') t.equal(large.get(id), 'train');
  }
});

t.test('duplicates go, within a source and across sources', async (t) => {
  const folder = t.testdir({ x: {}, reordered: {} });
  const [own, shared] = [rowsOf('own', 20), rowsOf('shared', 20)];
  const datasets = {
    one: { 'a.jsonl': shared, 'b.jsonl': shared },
    two: { 'a.jsonl': [...shared, ...own] },
  };
  sourcesIn(join(folder, 'x'), datasets);
  const { manifest } = await mixIn(join(folder, 'x'), base);
  const { sources, total } = manifest.statistics as MixStatistics;
  t.match(sources, {
    one: { kept: 20, wanted: 30, rejected: { duplicate: 20 } },
    two: { kept: 20, wanted: 30, rejected: { duplicate: 20 } },
  });
  const { samples } = await readMix(join(folder, 'x/mix'));
  t.equal(new Set(samples.map(({ id }) => id)).size, total.kept);
  sourcesIn(join(folder, 'reordered'), datasets);
  await mixIn(join(folder, 'reordered'), { ...base, sources: { two: mine, one: mine } });
  t.strictSame((await readMix(join(folder, 'reordered/mix'))).samples, samples, 'whichever is named first');
});

/** Forty words that no other story has. */
function storyOf(n: number): string {
  return Array.from({ length: 40 }, (_, i) => `s${n}w${i}`).join(' ');
}

t.test('near-duplicates: within a source and across, in the order of the ranks', async (t) => {
  const row = (n: number, change = '') => ({ q: storyOf(n) + change, a: `It is ${n}.` });
  const one = Array.from({ length: 60 }, (_, n) => row(n));
  const two = [
    ...Array.from({ length: 20 }, (_, n) => row(n, ' more')),
    ...one.slice(20, 30).map(({ q, a }) => ({ q: q.toUpperCase().replace(' ', '\n\n'), a })),
    ...Array.from({ length: 60 }, (_, n) => row(100 + n)),
    row(100, ' more'),
  ];
  const folder = t.testdir({ x: {}, shuffled: {} });
  sourcesIn(join(folder, 'x'), { one: { 'a.jsonl': one }, two: { 'a.jsonl': two } });
  const config = {
    ...base,
    total: 121,
    max_tokens: 1000,
    sources: { one: { ...mine, weight: undefined, count: 60 }, two: mine },
  };
  const { manifest } = await mixIn(join(folder, 'x'), config);
  const { sources } = manifest.statistics as MixStatistics;
  t.strictSame(sources.one!.rejected, {});
  t.match(sources.two!, { kept: 60, wanted: 61, rejected: { near_duplicate: 21, duplicate: 10 } });
  const lines = readFileSync(join(folder, 'x/mix/rejected.jsonl'), 'utf8').trim().split('\n');
  t.equal(
    lines[0],
    '{"source":"two","file":"a.jsonl","row":0,"reason":"near_duplicate",' +
      '"of":{"source":"one","file":"a.jsonl","row":0},"similarity":0.8372}',
  );
  t.match(JSON.parse(lines[20]!), { row: 20, reason: 'duplicate', of: { source: 'one', row: 20 } });

  sourcesIn(join(folder, 'shuffled'), {
    one: { 'a.jsonl': one.slice(30).reverse(), 'b.jsonl': one.slice(0, 30) },
    two: { 'a.jsonl': two.toReversed() },
  });
  await mixIn(join(folder, 'shuffled'), config);
  const tokens = (place: string) => sumsOf(join(folder, place, 'mix'))['tokens.arrow'];
  t.equal(tokens('shuffled'), tokens('x'), 'the order of rows and files does not count');

  const kept = async (near_duplicates: object) => {
    const { manifest } = await mixIn(join(folder, 'x'), { ...config, near_duplicates });
    return (manifest.statistics as MixStatistics).sources.two!.kept;
  };
  t.equal(await kept({ similarity: 0.9 }), 61, 'another threshold');
  t.equal(await kept({ words: 1, similarity: 0.95 }), 60, 'single words');
});

t.test('answers to the same prompt: kept, or one of them', async (t) => {
  const folder = t.testdir({});
  const rows = Array.from({ length: 40 }, (_, n) => ({ q: storyOf(n % 20), a: storyOf(500 + n) }));
  sourcesIn(folder, { one: { 'a.jsonl': rows } });
  const kept = async (compare: string) => {
    const config = { ...base, max_tokens: 1000, sources: { one: mine }, near_duplicates: { compare } };
    const { manifest } = await mixIn(folder, config);
    return (manifest.statistics as MixStatistics).total.kept;
  };
  t.equal(await kept('prompt_and_response'), 40);
  t.equal(await kept('prompt'), 20);
});

t.test('what is turned down makes room: the files are read again for the rows that rank next', async (t) => {
  const folder = t.testdir({});
  const rows = Array.from({ length: 300 }, (_, n) => ({ q: storyOf(n), a: `It is ${n}.` }));
  const copies = Array.from({ length: 2700 }, (_, i) => ({ ...rows[0]!, a: `It is 0 (${i}).` }));
  sourcesIn(folder, { one: { 'a.jsonl': [...copies, ...rows] } });
  const told: string[] = [];
  const config = { ...base, max_tokens: 1000, sources: { one: { ...mine, weight: undefined, count: 60 } } };
  const checked = validate(mixConfig, config, () => 'mix.yaml');
  const progress = (line: string) => told.push(line);
  const { manifest } = await makeMix({
    config: checked,
    tokenizerFolder,
    out: join(folder, 'mix'),
    progress,
  });
  t.ok(told.filter((line) => line.includes('reading again')).length >= 2, told.join('\n'));
  const { samples } = await readMix(join(folder, 'mix'));
  const { kept, rejected, rows_read } = (manifest.statistics as MixStatistics).sources.one!;
  t.equal(kept, 60);
  t.equal(rows_read, 3000, 'each row counted once');

  // What the definition says, by sorting all rows: ranks, then each that repeats none.
  const ranked = [...copies, ...rows]
    .map(({ q, a }) => ({
      q,
      a,
      rank: rankOf(3, 'choice', JSON.stringify({ prompt: [{ role: 'user', content: q }], response: a })),
    }))
    .sort(byRank);
  const seen = new Set<string>();
  const taken = ranked.filter(({ q }) => seen.size < 60 && !seen.has(q) && seen.add(q));
  const people = await readMixParquet(join(folder, 'mix'));
  t.strictSame(people.map(({ response }) => response).sort(), taken.map(({ a }) => a).sort());
  const lookedAt = ranked.indexOf(taken.at(-1)!) + 1;
  t.equal(
    Object.values(rejected).reduce((sum, count) => sum + count, 0),
    lookedAt - 60,
  );
  t.equal(samples.length, 60);
});

t.test('benchmark items are left out, and told of', async (t) => {
  const folder = t.testdir({});
  const question =
    'A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?';
  const items = join(folder, 'items.jsonl');
  writeFileSync(
    items,
    [storyOf(900), question].map((q) => JSON.stringify({ question: q, answer: '3' }) + '\n').join(''),
  );
  const planted = { q: `Tell me. ${question.toUpperCase()}`, a: 'It takes 3.' };
  sourcesIn(folder, {
    one: { 'a.jsonl': [planted, ...rowsOf('one', 40)] },
    two: { 'a.jsonl': rowsOf('two', 40) },
  });
  const decontaminate = { tasks: ['gsm8k'], data: { gsm8k: { test: items } } };
  const { manifest } = await mixIn(folder, { ...base, total: 81, decontaminate });
  const { benchmarks, sources } = manifest.statistics as MixStatistics;
  t.strictSame(benchmarks, { gsm8k: { items: 2, found: 1, rows: { one: 1 } } });
  t.strictSame(sources.one!.rejected, { benchmark_overlap: 1 });
  t.equal(
    readFileSync(join(folder, 'mix/rejected.jsonl'), 'utf8'),
    '{"source":"one","file":"a.jsonl","row":0,"reason":"benchmark_overlap","items":{"gsm8k":[1]}}\n',
  );
  t.strictSame(JSON.parse(readFileSync(join(folder, 'mix/contamination.json'), 'utf8')), {
    gsm8k: { items: 2, found: [1], rows: { one: 1 } },
  });
  t.notOk(readFileSync(join(folder, 'mix/manifest.json'), 'utf8').includes(folder), 'no path');

  const again = (tasks: object) => mixIn(folder, { ...base, total: 81, decontaminate: tasks });
  t.equal((await again(decontaminate)).upToDate, true);
  writeFileSync(items, JSON.stringify({ question: storyOf(900), answer: '3' }) + '\n');
  const other = await again(decontaminate);
  t.equal(other.upToDate, false, 'other items');
  t.strictSame((other.manifest.statistics as MixStatistics).sources.one!.rejected, {});
  await t.rejects(again({ tasks: ['gms8k'] }), {
    message: 'mix.yaml: tasks = "gms8k": unknown task; did you mean "gsm8k"?',
  });
  await t.rejects(again({ ...decontaminate, data: { gsm8k: { test: join(folder, 'none') } } }), {
    message: /^mix\.yaml: decontaminate\.data\.gsm8k\.test = .*none": no such file$/,
  });
});

t.test('up to date, damaged, changed', async (t) => {
  const folder = t.testdir({});
  const datasets = { one: { 'a.jsonl': rowsOf('one', 40) }, two: { 'a.jsonl': rowsOf('two', 40) } };
  sourcesIn(folder, datasets);
  await mixIn(folder, base);
  const bytes = sumsOf(join(folder, 'mix'));
  const [manifest, tokens] = ['manifest.json', 'tokens.arrow'].map((name) => join(folder, 'mix', name));
  utimesSync(manifest!, 1, 1);
  t.equal((await mixIn(folder, base)).upToDate, true);
  t.strictSame(sumsOf(join(folder, 'mix')), bytes);
  t.ok(statSync(manifest!).mtimeMs > 1000, 'make sees that it was looked at');

  writeFileSync(tokens!, 'x');
  t.equal((await mixIn(folder, base)).upToDate, false);
  t.strictSame(sumsOf(join(folder, 'mix')), bytes);

  t.equal((await mixIn(folder, { ...base, max_tokens: 301 })).upToDate, false);
  t.equal((await mixIn(folder, base, { tokenizer: join(golden, 'tiny-r1') })).upToDate, false);
  sourcesIn(folder, { ...datasets, two: { 'a.jsonl': rowsOf('two', 41) } });
  t.equal((await mixIn(folder, base)).upToDate, false);
});

t.test('files chooses among the files of a dataset', async (t) => {
  const folder = t.testdir({});
  sourcesIn(folder, {
    one: {
      'data/train-0.jsonl': rowsOf('train', 9),
      'data/test-0.jsonl': rowsOf('test', 9),
      'train-1.jsonl': rowsOf('more', 9),
    },
  });
  const kept = async (files?: string) => {
    const source = files === undefined ? mine : { ...mine, files };
    const { manifest } = await mixIn(folder, { ...base, held_out: 0, sources: { one: source } });
    return (manifest.statistics as MixStatistics).total.kept;
  };
  t.equal(await kept(), 27);
  t.equal(await kept('**/train-*.jsonl'), 18);
  t.equal(await kept('data/*'), 18);
  t.equal(await kept('train-?.jsonl'), 9);
  await t.rejects(kept('*.parquet'), {
    message: /datasets\.one\.files: none matches "\*\.parquet"; there are data\/train-0\.jsonl, /,
  });
});

t.test('bad input is one line, and nothing is left half-written', async (t) => {
  const folder = t.testdir({});
  const good = { one: { 'a.jsonl': rowsOf('one', 40) }, two: { 'a.jsonl': rowsOf('two', 40) } };
  const complaint = async (
    datasets: Parameters<typeof sourcesIn>[1],
    config: object,
    tokenizer = tokenizerFolder,
  ) => {
    sourcesIn(folder, datasets);
    const error: unknown = await mixIn(folder, config, { tokenizer }).catch((thrown: unknown) => thrown);
    const left = existsSync(join(folder, 'mix')) ? readdirSync(join(folder, 'mix')) : [];
    t.strictSame(
      left.filter((name) => name !== 'rejected.jsonl'),
      [],
    );
    t.match(error, { name: 'UserError' });
    return (error as Error).message.replaceAll(folder, '');
  };
  const { one } = good;
  t.equal(
    await complaint({ one, tow: good.two }, base),
    '/sources.json: datasets.two: missing, though the mix asks for it; did you mean "tow"?',
  );
  t.equal(
    await complaint({ one, two: { 'a.jsonl': [{ question: 'x', answer: 'y' }] } }, base),
    '/two/a.jsonl: has no column "q"; its columns are question, answer',
  );
  writeFileSync(join(folder, 'bad'), '{"q": "x", "a": "y"}\n{"q": ');
  t.match(
    await complaint({ one, two: { 'a.jsonl': join(folder, 'bad') } }, base),
    /^\/two\/a\.jsonl: line 2 is not valid JSON: .*; if it was downloaded, run "make fetch"/,
  );
  t.match(await complaint(good, base, folder), /^\/tokenizer\.json: no such file; a tokenizer folder holds/);
  t.match(
    await complaint(
      { one: { 'a.jsonl': [{ q: 'x', a: '' }, ...rowsOf('one', 1)] }, two: { 'a.jsonl': rowsOf('two', 1) } },
      base,
    ),
    /^held_out = 6: only 2 samples could be made; rejected rows: one: no_response 1$/,
  );
  t.match(
    await complaint({ one, two: { 'README.md': [] } }, base),
    /datasets\.two\.files: no \.parquet, \.json or/,
  );
});

t.test('a file that is not the one fetched is refused', async (t) => {
  const folder = t.testdir({});
  sourcesIn(folder, { one: { 'a.jsonl': rowsOf('one', 40) } });
  const file = join(folder, 'one/a.jsonl');
  const config = { ...base, sources: { one: mine } };
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('how', 'HOW'));
  await t.rejects(mixIn(folder, config), {
    name: 'UserError',
    message: /a\.jsonl: has sha256 .*; run "make fetch"/,
  });
  writeFileSync(file, text + '\n');
  await t.rejects(mixIn(folder, config), { name: 'UserError', message: /a\.jsonl: has \d+ bytes, \d+ when/ });
  sourcesIn(folder, {});
  await t.rejects(mixIn(join(folder, 'nowhere'), config), {
    message: /sources\.json: no such file; run "make fetch"/,
  });
});

t.test('the configuration is strict', (t) => {
  const faults: [object, RegExp][] = [
    [{ ...base, max_token: 5 }, /mix\.yaml: max_token: unknown key; did you mean "max_tokens"\?/],
    [{ ...base, held_out: 60 }, /held_out = 60: must be less than total \(60\)/],
    [{ ...base, overlength: 'cut' }, /overlength = "cut"/],
    [
      { ...base, sources: { one: { ...mine, wieght: 1 } } },
      /sources\.one\.wieght: unknown key; did you mean "weight"/,
    ],
    [
      { ...base, sources: { one: { format: 'columns', columns } } },
      /sources\.one.*needs either weight or count/,
    ],
    [
      { ...base, sources: { one: { weight: 1, count: 1, format: 'orca_math' } } },
      /needs either weight or count/,
    ],
    [{ ...base, sources: { one: { weight: 1, format: 'columns' } } }, /needs columns exactly when/],
    [
      { ...base, sources: { one: { count: 61, format: 'orca_math' } } },
      /total = 60: the counts add up to 61, more/,
    ],
    [
      { ...base, sources: { one: { count: 9, format: 'orca_math' } } },
      /total = 60: the counts add up to 9, less/,
    ],
    [{ ...base, sources: {} }, /total = 60: sources names no dataset/],
  ];
  for (const [config, message] of faults)
    t.throws(() => validate(mixConfig, config, () => 'mix.yaml'), { name: 'UserError', message });
  t.end();
});

t.test('a path that no row has anything at', async (t) => {
  const folder = t.testdir({});
  const rows = rowsOf('one', 40).map((row, n) => ({ ...row, meta: { text: n === 7 ? 'Add.' : null } }));
  sourcesIn(folder, { one: { 'a.jsonl': rows }, two: { 'a.jsonl': rowsOf('two', 40) } });
  const withContext = (context: string) => {
    const one = { ...base.sources.one, columns: { prompt: 'q', response: 'a', context } };
    return mixIn(folder, { ...base, sources: { ...base.sources, one } });
  };
  await t.rejects(withContext('meta.txt'), {
    name: 'UserError',
    message:
      'sources.one.columns.context = "meta.txt": no row has anything there; correct the name, or leave it out',
  });
  t.equal((await withContext('meta.text')).upToDate, false, 'one row is enough');
});

t.test('a source that gives nothing is a mistake, and nothing is written', async (t) => {
  const folder = t.testdir({});
  sourcesIn(folder, { one: { 'a.jsonl': rowsOf('one', 40) }, two: { 'a.jsonl': rowsOf('two', 10) } });
  const two = { ...base.sources.two, where: 'q == "none"' };
  await t.rejects(mixIn(folder, { ...base, sources: { ...base.sources, two } }), {
    name: 'UserError',
    message: 'sources.two: none of its 10 rows can be taken; left out: where 10',
  });
  t.notOk(existsSync(join(folder, 'mix/rejected.jsonl')));
  t.notOk(existsSync(join(folder, 'mix/manifest.json')));
});

t.test('the command', async (t) => {
  const folder = t.testdir({});
  const sources = sourcesIn(folder, {
    one: { 'a.jsonl': rowsOf('one', 40) },
    two: { 'a.jsonl': rowsOf('two', 10) },
  });
  const [config, out] = [join(folder, 'mix.yaml'), join(folder, 'mix')];
  writeFileSync(config, JSON.stringify(base)); // JSON is YAML
  const run = (flags: object) =>
    runStage('mix', { config, tokenizer: tokenizerFolder, out, total: '50', ...flags });
  const first = await run({ 'sources-file': sources });
  t.match(first.stdout, /^source +rows read +rejected +wanted +kept/);
  t.match(first.stdout, /^one +40 +0 +25 +25 /m);
  t.match(first.stdout, /^total +35 +6 /m);
  t.match(first.stderr, /mix: two gave 10 of the 25 samples wanted; left out: none/);
  const second = await run({});
  t.equal(second.stdout, `${out}: up to date\n`);
  await t.rejects(run({ totl: '50' }), { code: 1, stderr: /^mix: .*totl.*\n$/ });
});

t.test('where takes rows by columns, and the manifest says which columns the text is from', async (t) => {
  const folder = t.testdir({});
  const rows = rowsOf('one', 40).map((row, n) => ({
    ...{ question: row.q, thinking: n % 2 ? 'hm' : null, answer: row.a },
    meta: n % 4 ? { stars: n % 5 } : null,
  }));
  sourcesIn(folder, { one: { 'a.jsonl': rows } });
  const source = { weight: 1, where: 'meta.stars >= 3' };
  const { manifest } = await mixIn(folder, { ...base, held_out: 0, sources: { one: source } });
  const kept = rows.filter(({ meta }) => meta && meta.stars >= 3);
  const traces = kept.filter(({ thinking }) => thinking).length;
  t.match((manifest.statistics as MixStatistics).sources.one, {
    rows_read: 40,
    kept: traces,
    rejected: { where: 40 - kept.length, no_reasoning: kept.length - traces },
    columns: { 'question, thinking, answer': traces },
  });
  const sources = { one: { ...source, where: 'stars > 3' } };
  await t.rejects(mixIn(folder, { ...base, sources }), {
    name: 'UserError',
    message:
      /^sources\.one\.where = "stars > 3": Unknown variable: stars; the columns of .*a\.jsonl are question, thinking, answer, meta/,
  });
});

t.test('an empty shard is passed over, a column may come late', async (t) => {
  const folder = t.testdir({});
  const rows = rowsOf('one', 300).map((row, n) => (n > 250 ? { ...row, level: n % 2 } : row));
  sourcesIn(folder, { one: { 'a.jsonl': [], 'b.jsonl': rows } });
  const made = (where: string) =>
    mixIn(folder, { ...base, held_out: 0, sources: { one: { ...mine, where } } });
  const { manifest } = await made('level != 0');
  t.match((manifest.statistics as MixStatistics).sources.one, { rows_read: 300, kept: 25 });
  await t.rejects(made('levle != 0'), {
    message: /Unknown variable: levle; the columns of .*b\.jsonl are q, a, level \(did you mean level\?\)$/,
  });
  sourcesIn(folder, { one: { 'a.jsonl': [], 'b.jsonl': [] } });
  await t.rejects(made('level != 0'), {
    message: /a\.jsonl: holds no rows, nor does another file of one$/,
  });
});

t.test('the log says which columns were taken, and which not though they look like it', async (t) => {
  const folder = t.testdir({});
  const row = (n: number) => ({
    instruction: `What is ${n}+1?`,
    input: n % 2 ? 'In words.' : '',
    output: `${n}`,
  });
  const rows = Array.from({ length: 20 }, (_, n) => ({
    ...row(n),
    system: null,
    messages: null,
    solution: 'x',
  }));
  sourcesIn(folder, {
    one: { 'a.jsonl': rows, 'b.jsonl': rows.map(({ solution, ...row }) => ({ ...row, source: solution })) },
  });
  const said: string[] = [];
  const config = mixConfig.parse({ ...base, held_out: 0, sources: { one: { weight: 1 } } });
  const progress = (line: string) => void said.push(line);
  await makeMix({ config, tokenizerFolder, out: join(folder, 'mix'), progress });
  t.match(said.at(-1), /of columns instruction, input, output, system \(not messages\), 20 samples$/);
});

t.test('as many threads as there may be, the same bytes; another seed, others', async (t) => {
  const folder = t.testdir({});
  const [a, b] = [rowsOf('a', 300), rowsOf('b', 300)];
  const made = async (
    name: string,
    { threads, seed, files }: { threads: number; seed: number; files: object },
  ) => {
    const place = join(folder, name);
    const sources = sourcesIn(place, { one: files as Record<string, object[]> });
    const config = join(place, 'mix.yaml');
    writeFileSync(config, JSON.stringify({ ...base, total: 200, seed, sources: { one: mine } }));
    const environment = { UV_THREADPOOL_SIZE: `${threads}`, RAYON_NUM_THREADS: `${threads}` };
    const out = join(place, 'mix');
    await runStage('mix', { config, tokenizer: tokenizerFolder, out, 'sources-file': sources }, environment);
    return sumsOf(out);
  };
  const one = await made('one', { threads: 1, seed: 3, files: { 'a.jsonl': a, 'b.jsonl': b } });
  t.strictSame(await made('eight', { threads: 8, seed: 3, files: { 'b.jsonl': b, 'a.jsonl': a } }), one);
  const other = await made('other', { threads: 8, seed: 4, files: { 'a.jsonl': a, 'b.jsonl': b } });
  for (const file of ['tokens.arrow', 'mix.parquet', 'manifest.json']) t.not(other[file], one[file], file);
});
