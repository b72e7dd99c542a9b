// Shards come back as written, from this code and, by the reader in the module's head, from pyarrow and polars; a
// damaged one is found before its values are used.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util'; // tap would take hours to show how long arrays differ
import { Float16 } from 'apache-arrow';
import t from 'tap';
import { writeManifest } from '../../pipeline/artifact/manifest.ts';
import { openLogits, readShards } from '../../pipeline/logits/logitsCache.ts';
import { logitsFormatVersion, valueBytes } from '../../pipeline/logits/logitsShard.ts';
import {
  columnsOf,
  encodeSample,
  type SampleLogits,
  type ShardFormat,
} from '../../pipeline/logits/shardColumns.ts';
import { commitShard, findShards, recordName } from '../../pipeline/logits/shardRecords.ts';
import { float32OfFloat16 } from '../../pipeline/model/halfPrecision.ts';
import { flipBit, sha256Of } from '../fileBytes.ts';
import { python, withoutModules } from '../needs.ts';

const FORMAT: ShardFormat = { vocabularySize: 151_665, temperatures: [1, 0.5, 2], precision: 'float16' };
const DRAWN: ShardFormat = { vocabularySize: 49_152, temperatures: [1], precision: 'uint8', draws: 50 };

/** Every precision and method, with two bits, one and none above the 16th of an id. */
const FORMATS: Record<string, ShardFormat> = {
  'float16, 151,665 tokens': FORMAT,
  'float32, 131,072 tokens': { ...FORMAT, vocabularySize: 131_072, precision: 'float32' },
  'uint8, 49,152 tokens': { ...FORMAT, vocabularySize: 49_152, precision: 'uint8' },
  'uint8, 151,665 tokens': { ...FORMAT, precision: 'uint8' },
  'draws, 49,152 tokens': DRAWN,
  'many draws, float32, 151,665 tokens': {
    ...{ ...DRAWN, vocabularySize: 151_665, precision: 'float32', draws: 300 },
  },
};

/**
 * A sample with these numbers of tokens at its positions. Values are exact in float16; log-probabilities lie 1/64 apart,
 * and so do the levels of uint8 where a position has 256 of them.
 */
function sampleWith(id: string, counts: number[], { vocabularySize, temperatures, draws }: ShardFormat) {
  const places = counts.flatMap((k) => Array.from({ length: k }, (_, i) => i));
  const share = (i: number) => Math.log((i % 50) / (draws ?? 1));
  const atTemperature = temperatures.map((T) => ({
    logSumExp: Float32Array.from(counts, (k, p) => 20.123456 / T + p + k),
    logTailMass: Float32Array.from(counts, (k, p) =>
      k === 1 || draws !== undefined ? -Infinity : -(7 + p) / T,
    ),
  }));
  return {
    id,
    counts: Uint16Array.from(counts),
    ids: Int32Array.from(places, (_, i) => (i * 65_537 + 131_070) % vocabularySize),
    logProbs: Float32Array.from(places, (i) => (draws === undefined ? -i / 64 : share(i))),
    atTemperature,
    ...(draws === undefined ? {} : { entropy: Float32Array.from(counts, (_, p) => (p % 7) / 4) }),
  };
}

function samplesOf(format: ShardFormat): SampleLogits[] {
  return [
    sampleWith('a'.repeat(32), [3, 1, 256], format),
    sampleWith('b'.repeat(32), [], format),
    sampleWith('c'.repeat(32), [1], format),
    sampleWith(
      'd'.repeat(32),
      Array.from({ length: 700 }, (_, p) => 1 + (p % 99)),
      format,
    ), // fills a record batch
    sampleWith('e'.repeat(32), [2, 2], format),
  ];
}

const CHUNK = '00000000000000aa';

async function committed(folder: string, format = FORMAT) {
  await commitShard(folder, CHUNK, samplesOf(format), format);
  return (await findShards(folder)).map((record) => ({ folder, record }));
}

/** How far log-probabilities may be off: a step of uint8, of 255 to the last of a position; all else is exact here. */
function boundOf({ precision, draws }: ShardFormat): number {
  return precision === 'uint8' && draws === undefined ? 1 / 64 : 1e-6;
}

function farthest(found: Float32Array, { logProbs }: Pick<SampleLogits, 'logProbs'>): number {
  return found.reduce((most, value, i) => {
    const exact = logProbs[i]!;
    return value === exact ? most : Math.max(most, Math.abs(value - exact));
  }, 0);
}

for (const [name, format] of Object.entries(FORMATS))
  t.test(`${name}: values come back`, async (t) => {
    const samples = samplesOf(format);
    const shards = await committed(t.testdir(), format);
    t.same(shards[0]?.record.batches, [4, 1], 'samples share record batches of bounded size');
    const cache = readShards(shards, format.temperatures, { keptBatches: 1 });
    for (const sample of [...samples, ...samples].reverse())
      for (const [i, temperature] of format.temperatures.entries()) {
        const { logSumExp: logSumExpAtTemperature, logTailMass } = sample.atTemperature[i]!;
        const { logSumExp } = sample.atTemperature[0]!;
        const { id, counts, ids, entropy } = sample;
        const { logProbs, ...others } = await cache.read(id, { temperature });
        const expected = { counts, ids, logSumExp, logSumExpAtTemperature, logTailMass };
        t.ok(
          isDeepStrictEqual(others, { ...expected, ...(entropy && { entropy }) }),
          `${id} at ${temperature}`,
        );
        t.ok(farthest(logProbs, sample) <= boundOf(format), 'log-probabilities');
      }
    t.equal(cache.has('f'.repeat(32)), false);
    await t.rejects(cache.read('f'.repeat(32)), {
      name: 'UserError',
      message: /not in the logits cache; run "make logits"/,
    });
    await t.rejects(cache.read(samples[0]!.id, { temperature: 3 }), { message: /the logits cache has 1/ });
    await cache.close();
  });

t.test('float16 is the nearest of its values, the log-sum-exp stays float32', async (t) => {
  const sample = sampleWith('a'.repeat(32), [2], FORMAT);
  sample.logProbs.set([-0.1, -2.34567]);
  const folder = t.testdir();
  await commitShard(folder, CHUNK, [sample], FORMAT);
  const cache = readShards([{ folder, record: (await findShards(folder))[0]! }], FORMAT.temperatures);
  const { logProbs, logSumExp } = await cache.read(sample.id);
  t.same([...logProbs], [-0.0999755859375, -2.345703125]); // numpy.float16
  t.same(logSumExp, sample.atTemperature[0]!.logSumExp);
  await cache.close();
});

t.test('a record says how large a shard is, and how much of it are values', async (t) => {
  for (const format of Object.values(FORMATS)) {
    const folder = t.testdir();
    const { record } = (await committed(folder, format))[0]!;
    const samples = samplesOf(format);
    const { size } = statSync(join(folder, record.shard.file));
    const sizes = samples.map(({ counts, ids }) => ({ positions: counts.length, tokens: ids.length }));
    t.equal(
      record.valueBytes,
      sizes.reduce((sum, size) => sum + valueBytes(size, format), 0),
    );
    const around = size - record.valueBytes;
    t.ok(around > 0 && around < 8000, `${around} bytes are not values, of ${size}`); // two batches and the schema
  }
});

interface PythonView {
  metadata: Record<string, string>;
  types: Record<string, string>;
  pyarrow: object[];
  polars: object[];
  /** Sample, position, tokens, values. */
  positions: [string, number, number[], number[]][];
}

function pythonView(file: string): PythonView {
  const args = ['test/golden/logits/readShard.py', file, 'pipeline/logits/logitsShard.ts'];
  return JSON.parse(execFileSync(python, args, { encoding: 'utf8', maxBuffer: 1 << 28 })) as PythonView;
}

/** A row as Python's readers give it, infinities as null. */
function rowOf(sample: SampleLogits, format: ShardFormat): object {
  const encoded = encodeSample(sample, format);
  const lists = columnsOf(format).map(({ name, type }) => {
    const values = encoded[name]!;
    const numbers = type instanceof Float16 ? float32OfFloat16(values as Uint16Array) : values;
    return [name, Array.from(numbers, (value) => (value === -Infinity ? null : value))];
  });
  return { id: sample.id, ...(Object.fromEntries(lists) as object) };
}

const skip = withoutModules('numpy', 'pyarrow', 'polars');

t.test('pyarrow and polars read every precision and method', { skip }, async (t) => {
  for (const [name, format] of Object.entries(FORMATS)) {
    const folder = t.testdir();
    await committed(folder, format);
    const found = pythonView(join(folder, `shard-${CHUNK}.arrow`));
    t.match(found.metadata, {
      'redistill.format_version': String(logitsFormatVersion),
      'redistill.vocabulary_size': String(format.vocabularySize),
      'redistill.precision': format.precision,
    });
    t.match(found.types, { id: 'string', k: 'list<item: uint16 not null>' });
    t.equal('ids_high' in found.types, format.vocabularySize > 65_536, `${name}: bits above the 16th`);
    const samples = samplesOf(format);
    const rows = samples.map((sample) => rowOf(sample, format));
    t.ok(isDeepStrictEqual(found.pyarrow, rows), `${name} in pyarrow`);
    t.ok(isDeepStrictEqual(found.polars, rows), `${name} in polars`);
    t.ok(readsAsWritten(found.positions, samples, format), `${name}, by the reader of the module's head`);
  }
});

/** Whether tokens and values of each position are those of the samples, values within their rounding. */
function readsAsWritten(
  positions: PythonView['positions'],
  samples: readonly SampleLogits[],
  format: ShardFormat,
): boolean {
  const written = samples.flatMap(({ id, counts, ids, logProbs }) => {
    let end = 0;
    return Array.from(counts, (k, p) => {
      const begin = end;
      end += k;
      return { id, p, tokens: ids.slice(begin, end), logProbs: logProbs.subarray(begin, end) };
    });
  });
  return (
    positions.length === written.length &&
    positions.every(([id, p, tokens, values], i) => {
      const expected = written[i]!;
      const logs = format.draws ? values.map((times) => Math.log(times / format.draws!)) : values;
      return (
        isDeepStrictEqual([id, p, tokens], [expected.id, expected.p, [...expected.tokens]]) &&
        farthest(Float32Array.from(logs), expected) <= boundOf(format)
      );
    })
  );
}

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
  const [, , , , last] = samplesOf(FORMAT);
  const cache = await openLogits(folder);
  t.equal(cache.vocabularySize, FORMAT.vocabularySize);
  t.same(cache.temperatures, FORMAT.temperatures);
  t.same((await cache.read(last!.id)).ids, last!.ids);
  await cache.close();
  flipBit(join(folder, file), 5000);
  const damaged = await openLogits(folder);
  const message = new RegExp(`${file}: has sha256 .* run "make logits"`);
  await t.rejects(damaged.read(last!.id), { name: 'UserError', message });
  await damaged.close();
  t.same(await findShards(folder), [], 'it does not count as done');
  flipBit(join(folder, recordName(CHUNK)), 100);
  await t.rejects(openLogits(folder), { name: 'UserError', message: /\.json: has sha256/ });
});

t.test('a cache of another format version is refused', async (t) => {
  const folder = t.testdir();
  await writeManifest(
    folder,
    { kind: 'logits', formatVersion: logitsFormatVersion - 1, inputs: {}, parameters: {} },
    { files: [] },
  );
  const message = /formatVersion = 1: this version reads 2; run "make logits"/;
  await t.rejects(openLogits(folder), { name: 'UserError', message });
});
