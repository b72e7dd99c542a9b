// 500 damaged inputs of the mix stage, each a function of its number: data files of every format with flipped bits, cuts,
// sizes that lie and text that is no text; and mix.yaml. A process of its own (fuzz.test.ts) runs them:
//   node --import tsx test/mix/damagedInputs.ts FOLDER
// A line of JSON for each case, before it is run {"name"} and after it {"outcome"}.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { loadConfig } from '../../pipeline/config/loadConfig.ts';
import { makeMix } from '../../pipeline/mix/makeMix.ts';
import { mixConfig } from '../../pipeline/mix/mixConfig.ts';
import { sha256Of } from '../fileBytes.ts';

type Draw = (below: number) => number;

const rows = 'test/golden/mix/rows';
const files = readdirSync(rows).filter((name) => name !== 'expected.json');

/** Damage done to bytes in place or by new ones. */
const damages: Record<string, (bytes: Buffer, draw: Draw) => Buffer> = {
  bits(bytes, draw) {
    for (let n = 0; n <= draw(6); n++) {
      const at = draw(bytes.length);
      bytes[at] = bytes[at]! ^ (1 << draw(8));
    }
    return bytes;
  },
  cut: (bytes, draw) => bytes.subarray(0, draw(bytes.length)),
  beheaded: (bytes, draw) => bytes.subarray(draw(bytes.length)),
  hole: (bytes, draw) => bytes.fill([0, 255, 128][draw(3)]!, draw(bytes.length), draw(bytes.length)),
  noise(bytes, draw) {
    const start = draw(bytes.length);
    for (let i = start; i < Math.min(bytes.length, start + 16); i++) bytes[i] = draw(256);
    return bytes;
  },
  twice: (bytes, draw) => Buffer.concat([bytes.subarray(0, draw(bytes.length)), bytes]),
  /** Sizes are varints in Parquet: the largest ones, at a place in the footer or a page header. */
  huge(bytes, draw) {
    const at = draw(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from('feffffff0f', 'hex'), bytes.subarray(at + 5)]);
  },
  /** The length of the footer. */
  footer(bytes, draw) {
    if (bytes.length > 8) bytes.writeUInt32LE([0, 1, 0xffffffff, 1 << 30][draw(4)]!, bytes.length - 8);
    return bytes;
  },
  empty: () => Buffer.alloc(0),
};

const mark = Buffer.from([0xef, 0xbb, 0xbf]);
const deep = (open: string, close: string) => `[{"query": ${open.repeat(50000)}${close.repeat(50000)}}]`;
const texts: Record<string, string | Buffer> = {
  'deep.json': deep('[', ']'),
  'deepOpen.json': deep('[', ''),
  'deepObjects.jsonl': `{"query": ${'{"a":'.repeat(50000)}1${'}'.repeat(50000)}}\n`,
  'hugeNumber.json': `[{"query": 1e999999999, "response": ${'9'.repeat(100000)}}]`,
  'utf8.json': Buffer.from('[{"query": "\xff\xfe", "response": "x"}]', 'latin1'),
  'utf8.jsonl': Buffer.from('{"query": "\xc3", "response": "x"}', 'latin1'),
  'utf16.jsonl': Buffer.from('\ufeff{"query": "x", "response": "y"}', 'utf16le'),
  'mark.json': Buffer.concat([mark, Buffer.from('[{"query": "q", "response": "r"}]')]),
  'mark.jsonl': Buffer.concat([mark, Buffer.from('{"query": "q", "response": "r"}\r\n')]),
  'crlf.jsonl': '{"query": "q", "response": "r"}\r\n\r\n{"query": "q2", "response": "r"}\r\n',
  'nul.jsonl': '{"query": "q\0", "response": "r"}\n',
  'nulEscaped.jsonl': '{"query": "q\\u0000", "response": "r\\ud800"}\n',
  'nuls.json': Buffer.alloc(5000),
  'blank.json': ' \n'.repeat(5000),
  'array.json': '[]',
  'comma.json': '[{"query": "q", "response": "r"},]',
  'commas.json': '[,,]',
  'after.json': '[{"query": "q", "response": "r"}] {"query": "q"}',
  'object.json': '{"data": [{"query": "q", "response": "r"}]}',
  'indented.json': '{\n  "query": "q",\n  "response": "r"\n}\n',
  'scalar.json': '42',
  'scalars.json': '[1, "two", null]',
  'lists.jsonl': '[1]\n[2]\n',
  'prototype.json': '[{"__proto__": {"query": "q", "response": "r"}, "constructor": 1}]',
  'types.json': '[{"query": 1, "response": {"a": []}}, {"query": ["q"], "response": true}, {"query": null}]',
  'quote.json': `[{"query": "${'x'.repeat(100000)}`,
  'NaN.jsonl': '{"query": NaN, "response": "r"}\n',
  'single.jsonl': "{'query': 'q', 'response': 'r'}\n",
  'csv.jsonl': 'query,response\nq,r\n',
  'html.json': '<!doctype html><title>404</title>',
  'lfs.parquet': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n',
  'notPacked.json.gz': '[{"query": "q", "response": "r"}]',
  'cut.json.gz': gzipSync('[{"query": "q", "response": "r"}]').subarray(0, 30),
  'packed.jsonl.zst': 'x',
};

const yamls: Record<string, string> = {
  bomb: `a: &a [x, x, x, x, x, x, x, x, x]\n${Array.from('bcdefghij')
    .map((c, i) => `${c}: &${c} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[i]!}`).join(', ')}]`)
    .join('\n')}\ntotal: *j\n`,
  anchor: 'total: *nowhere\n',
  loop: 'sources: &s\n  one: *s\n',
  tabs: 'total: 5\nsources:\n\tone: { weight: 1 }\n',
  twice: 'total: 5\ntotal: 6\n',
  deep: `total: ${'['.repeat(20000)}\n`,
  list: '- total\n- 5\n',
  text: 'just text\n',
  empty: '',
  nul: 'total: "\0"\n',
  merge: 'base: &b { total: 5 }\n<<: *b\n',
  tag: 'total: !!binary "aGk="\n',
  unknownTag: 'total: !ruby/object:Gem 5\n',
  documents: 'total: 5\n---\ntotal: 6\n',
  where: 'total: 5\nmax_tokens: 50\nsources: { one: { weight: 1, where: "a ==" } }\n',
  deepWhere: `total: 5\nmax_tokens: 50\nsources: { one: { weight: 1, where: "${'('.repeat(5000)}" } }\n`,
  whereNumber: 'total: 5\nmax_tokens: 50\nsources: { one: { weight: 1, where: 5 } }\n',
};

const goodYaml = readFileSync('data/recipes/smollm2/mix.yaml', 'utf8');
const wrongValues = [
  'null',
  '-1',
  '1e400',
  '.nan',
  '[1]',
  '{ a: b }',
  '"x"',
  'true',
  '0x',
  '2026-01-01',
  '!!set {a}',
];

/** A page whose levels or values claim a run of two thousand million. */
function huge(at: number): Buffer {
  const bytes = readFileSync(join(rows, 'plain.parquet'));
  Buffer.from('feffffff0f', 'hex').copy(bytes, at);
  return bytes;
}

/** All cases: name and the file they are about, as bytes. */
function* cases(count: number): Generator<{ name: string; file: string; bytes: Buffer }> {
  for (const [file, content] of Object.entries(texts))
    yield { name: file, file, bytes: Buffer.from(content) };
  for (const [name, content] of Object.entries(yamls))
    yield { name: `${name}.yaml`, file: 'mix.yaml', bytes: Buffer.from(content) };
  for (let at = 0; at < 40; at++)
    yield { name: `run ${at} plain.parquet`, file: 'plain.parquet', bytes: huge(at) };
  for (let n = 40 + Object.keys(texts).length + Object.keys(yamls).length; n < count; n++) {
    const generator = xoroshiro128plus(n);
    const draw: Draw = (below) => (below < 1 ? 0 : uniformInt(generator, 0, below - 1));
    if (n % 8 === 0) {
      const [line, value] = [/^( *\w+:).*$/gm, wrongValues[draw(wrongValues.length)]!];
      const chosen = draw([...goodYaml.matchAll(line)].length);
      let at = 0;
      const text = goodYaml.replace(line, (whole, key: string) =>
        at++ === chosen ? `${key} ${value}` : whole,
      );
      yield { name: `${n} value.yaml`, file: 'mix.yaml', bytes: Buffer.from(text) };
      continue;
    }
    const file = files[n % files.length]!;
    const names = Object.keys(damages);
    const damage = names[draw(names.length)]!;
    const bytes = damages[damage]!(Buffer.from(readFileSync(join(rows, file))), draw);
    yield { name: `${n} ${damage} ${file}`, file, bytes };
  }
}

const config = {
  ...{ total: 3, max_tokens: 300 },
  sources: { one: { weight: 1, where: 'true' } },
};

async function run(folder: string, { file, bytes }: { file: string; bytes: Buffer }): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const path = resolve(folder, file);
  writeFileSync(path, bytes);
  if (file === 'mix.yaml') {
    await loadConfig(mixConfig, { file: path });
    return;
  }
  const model = { reference: 'x', revision: null, path: 'x', fingerprint: 'x' };
  const files = [{ path, bytes: bytes.length, sha256: sha256Of(bytes) }];
  const datasets = { one: { reference: 'x', revision: null, files } };
  const sources = { formatVersion: 1, teacher: model, student: model, datasets };
  writeFileSync(join(folder, 'sources.json'), JSON.stringify(sources));
  const tokenizerFolder = 'test/golden/mix/tiny-chatml';
  const checked = mixConfig.parse(config);
  await makeMix({ config: checked, tokenizerFolder, out: join(folder, 'mix') });
}

const [folder, count = '500'] = process.argv.slice(2);
let number = 0;
for (const each of cases(Number(count))) {
  const place = join(folder!, String(number++));
  console.log(JSON.stringify({ name: each.name, folder: place }));
  const outcome = await run(place, each).then(
    () => ({ outcome: 'made' }),
    (error: unknown) => {
      const { name, message, stack } = error as Error;
      return name === 'UserError' ? { outcome: 'refused', message } : { outcome: 'bug', message: stack };
    },
  );
  console.log(JSON.stringify(outcome));
}
console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024 }));
