// tokens.arrow and mix.parquet: written and read back by our readers and by pyarrow.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { writeManifest } from '../../pipeline/artifact/manifest.ts';
import { readMixParquet, writeMixParquet, type MixRow } from '../../pipeline/mix/mixParquet.ts';
import { mixFormatVersion, readMix, writeTokens, type Sample } from '../../pipeline/mix/tokensArrow.ts';
import { flipBit } from '../fileBytes.ts';
import { python, withoutModules } from '../needs.ts';

const samples: Sample[] = Array.from({ length: 2500 }, (_, n) => ({
  id: n.toString(16).padStart(32, '0'),
  source: n % 3 === 0 ? 'orca' : 'métá',
  split: n % 10 === 0 ? 'held_out' : 'train',
  tokenIds: Int32Array.from({ length: 1 + (n % 7) }, (_, i) => 150_000 - n * i),
  lossMask: Uint8Array.from({ length: 1 + (n % 7) }, (_, i) => (i > 2 ? 1 : 0)),
}));
const rows: MixRow[] = samples.map(({ id, source, split, tokenIds }, n) => ({
  ...{ id, source, split, file: 'a/b.parquet', row: n, token_count: tokenIds.length },
  prompt: `<|im_start|>é😀\n${n}`,
  response: 'x'.repeat(n % 500),
}));

t.test('round trip', async (t) => {
  const folder = t.testdir({});
  const file = await writeTokens(folder, samples);
  t.match(file, { file: 'tokens.arrow', rows: 2500 });
  await writeMixManifest(folder, [file]);
  const read = await readMix(folder);
  t.equal(read.manifest.files[0]!.sha256, file.sha256);
  t.strictSame(read.samples, samples);
});

t.test('mix.parquet: round trip', async (t) => {
  const folder = t.testdir({});
  t.match(await writeMixParquet(folder, rows), { file: 'mix.parquet', rows: 2500 });
  t.strictSame(
    (await readMixParquet(folder)).map((row) => ({ ...row })),
    rows,
  );
});

t.test('pyarrow reads both', { skip: withoutModules('pyarrow') }, async (t) => {
  const folder = t.testdir({});
  await writeTokens(folder, samples);
  await writeMixParquet(folder, rows);
  const script = `
import json, sys, pyarrow as pa, pyarrow.parquet as pq
table = pa.ipc.open_file(sys.argv[1] + "/tokens.arrow").read_all()
table.validate(full=True)
people = pq.read_table(sys.argv[1] + "/mix.parquet")
print(json.dumps([table.to_pylist(), people.to_pylist(), [str(f.type) for f in table.schema]]))`;
  const output = execFileSync(python, ['-c', script, folder], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const [tokens, people, types] = JSON.parse(output) as unknown[];
  t.strictSame(
    tokens,
    samples.map(({ tokenIds, lossMask, ...rest }) => ({
      ...rest,
      token_ids: [...tokenIds],
      loss_mask: [...lossMask],
    })),
  );
  t.strictSame(people, rows);
  t.match(types, ['string', 'string', 'string', /^list<item: int32/, /^list<item: uint8/]);
});

t.test('a flipped bit is found', async (t) => {
  const folder = t.testdir({});
  await writeMixManifest(folder, [await writeTokens(folder, samples)]);
  flipBit(join(folder, 'tokens.arrow'), 20_000);
  await t.rejects(readMix(folder), {
    name: 'UserError',
    message: /tokens\.arrow: has sha256 .*; run "make mix"/,
  });
});

t.test('no mix, or one without tokens', async (t) => {
  const folder = t.testdir({});
  await t.rejects(readMix(folder), { name: 'UserError', message: /manifest\.json: .*run "make mix"/ });
  await writeMixManifest(folder, []);
  await t.rejects(readMix(folder), { name: 'UserError', message: /lists no tokens\.arrow/ });
});

function writeMixManifest(folder: string, files: Awaited<ReturnType<typeof writeTokens>>[]) {
  return writeManifest(
    folder,
    { kind: 'mix', formatVersion: mixFormatVersion, inputs: {}, parameters: {} },
    { files },
  );
}
