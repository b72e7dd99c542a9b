// Shards come back as written, from this code and from pyarrow; a damaged one is found before its values are used.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util'; // tap would take hours to show how long arrays differ
import t from 'tap';
import { writeManifest } from '../../pipeline/artifact/manifest.ts';
import { openLogits, readShards } from '../../pipeline/logits/logitsCache.ts';
import {
  logitsFormatVersion,
  type SampleLogits,
  type ShardFormat,
} from '../../pipeline/logits/logitsShard.ts';
import { commitShard, findShards, recordName } from '../../pipeline/logits/shardRecords.ts';
import { flipBit, sha256Of } from '../fileBytes.ts';
import { python, withoutModules } from '../needs.ts';

const FORMAT: ShardFormat = { vocabularySize: 151_665, temperatures: [1, 0.5, 2], precision: 'float16' };

/** A sample with these numbers of tokens at its positions; log-probabilities are small multiples of 1/64, exact in float16. */
function sampleWith(id: string, counts: number[]): SampleLogits {
  const size = counts.reduce((sum, k) => sum + k, 0);
  const atTemperature = FORMAT.temperatures.map((T) => ({
    logSumExp: Float32Array.from(counts, (k, p) => 20.123456 / T + p + k),
    logTailMass: Float32Array.from(counts, (k, p) => (k === 1 ? -Infinity : -(7 + p) / T)),
  }));
  return {
    id,
    counts: Uint16Array.from(counts),
    ids: Int32Array.from({ length: size }, (_, i) => (i * 65_537 + 131_070) % 151_665),
    logProbs: Float32Array.from({ length: size }, (_, i) => -(i % 640) / 64),
    atTemperature,
  };
}

const SAMPLES = [
  sampleWith('a'.repeat(32), [3, 1, 128]),
  sampleWith('b'.repeat(32), []),
  sampleWith('c'.repeat(32), [1]),
  sampleWith(
    'd'.repeat(32),
    Array.from({ length: 700 }, (_, p) => 1 + (p % 99)),
  ), // fills a record batch
  sampleWith('e'.repeat(32), [2, 2]),
];
const CHUNK = '00000000000000aa';

async function committed(folder: string, format = FORMAT) {
  await commitShard(folder, CHUNK, SAMPLES, format);
  return (await findShards(folder)).map((record) => ({ folder, record }));
}

for (const precision of ['float16', 'float32'] as const)
  t.test(`${precision} values come back`, async (t) => {
    const shards = await committed(t.testdir(), { ...FORMAT, precision });
    t.same(shards[0]?.record.batches, [4, 1], 'samples share record batches of bounded size');
    const cache = readShards(shards, FORMAT.temperatures, { keptBatches: 1 });
    for (const { id, counts, ids, logProbs, atTemperature } of [...SAMPLES, ...SAMPLES].reverse())
      for (const [i, temperature] of FORMAT.temperatures.entries()) {
        const { logSumExp: logSumExpAtTemperature, logTailMass } = atTemperature[i]!;
        const { logSumExp } = atTemperature[0]!;
        const expected = { counts, ids, logProbs, logSumExp, logSumExpAtTemperature, logTailMass };
        t.ok(isDeepStrictEqual(await cache.read(id, { temperature }), expected), `${id} at ${temperature}`);
      }
    t.equal(cache.has('f'.repeat(32)), false);
    await t.rejects(cache.read('f'.repeat(32)), {
      name: 'UserError',
      message: /not in the logits cache; run "make logits"/,
    });
    await t.rejects(cache.read(SAMPLES[0]!.id, { temperature: 3 }), {
      message: /the logits cache has 1, 0.5, 2/,
    });
    await cache.close();
  });

t.test('float16 is the nearest of its values, the log-sum-exp stays float32', async (t) => {
  const sample = sampleWith('a'.repeat(32), [2]);
  sample.logProbs.set([-0.1, -2.34567]);
  const folder = t.testdir();
  await commitShard(folder, CHUNK, [sample], FORMAT);
  const cache = readShards([{ folder, record: (await findShards(folder))[0]! }], FORMAT.temperatures);
  const { logProbs, logSumExp } = await cache.read(sample.id);
  t.same([...logProbs], [-0.0999755859375, -2.345703125]); // numpy.float16
  t.same(logSumExp, sample.atTemperature[0]!.logSumExp);
  await cache.close();
});

t.test('pyarrow reads the same', { skip: withoutModules('numpy', 'pyarrow') }, async (t) => {
  const folder = t.testdir();
  await committed(folder);
  const file = join(folder, `shard-${CHUNK}.arrow`);
  const found = JSON.parse(
    execFileSync(python, ['test/golden/logits/readShard.py', file], { encoding: 'utf8', maxBuffer: 1 << 28 }),
  ) as { metadata: Record<string, string>; types: Record<string, string>; rows: object[] };
  t.same(found.metadata, {
    'redistill.format_version': String(logitsFormatVersion),
    'redistill.vocabulary_size': '151665',
    'redistill.temperatures': '[1,0.5,2]',
    'redistill.precision': 'float16',
  });
  const half = 'list<item: halffloat not null>';
  t.match(found.types, {
    id: 'string',
    k: 'list<item: uint16 not null>',
    logprobs: half,
    log_tail_mass_t2: half,
  });
  const plain = (values: Float32Array) => Array.from(values, (value) => (value === -Infinity ? null : value));
  const expected = SAMPLES.map(({ id, counts, ids, logProbs, atTemperature: [one, half, two] }) => ({
    ...{ id, k: [...counts], ids: [...ids], logprobs: plain(logProbs) },
    ...{ logsumexp: plain(one!.logSumExp), log_tail_mass: plain(one!.logTailMass) },
    ...{ logsumexp_t2: plain(two!.logSumExp), log_tail_mass_t2: plain(two!.logTailMass) },
    'logsumexp_t0.5': plain(half!.logSumExp),
    'log_tail_mass_t0.5': plain(half!.logTailMass),
  }));
  t.ok(isDeepStrictEqual(found.rows, expected), 'every row');
});

t.test('a flipped bit in a shard, or in its record, is found', async (t) => {
  const folder = t.testdir();
  const [shard] = await committed(folder);
  const { file } = shard!.record.shard;
  const record = readFileSync(join(folder, recordName(CHUNK)));
  const files = [
    shard!.record.shard,
    { file: recordName(CHUNK), bytes: record.length, sha256: sha256Of(record) },
  ];
  await writeManifest(
    folder,
    { kind: 'logits', formatVersion: logitsFormatVersion, inputs: {}, parameters: {} },
    { files, statistics: { vocabulary_size: FORMAT.vocabularySize, temperatures: [...FORMAT.temperatures] } },
  );
  const cache = await openLogits(folder);
  t.equal(cache.vocabularySize, FORMAT.vocabularySize);
  t.same(cache.temperatures, FORMAT.temperatures);
  t.same((await cache.read(SAMPLES[4]!.id)).ids, SAMPLES[4]!.ids);
  await cache.close();
  flipBit(join(folder, file), 5000);
  const damaged = await openLogits(folder);
  const message = new RegExp(`${file}: has sha256 .* run "make logits"`);
  await t.rejects(damaged.read(SAMPLES[4]!.id), { name: 'UserError', message });
  await damaged.close();
  t.same(await findShards(folder), [], 'it does not count as done');
  flipBit(join(folder, recordName(CHUNK)), 100);
  await t.rejects(openLogits(folder), { name: 'UserError', message: /\.json: has sha256/ });
});
