// Distributions from a mix and shards written here: by source, without samples that left the mix, and none where the
// large files are gone.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { writeManifest } from '../../pipeline/artifact/manifest.ts';
import { commitShard, findShards } from '../../pipeline/logits/shardRecords.ts';
import type { SampleLogits, ShardFormat } from '../../pipeline/logits/shardColumns.ts';
import { mixFormatVersion, writeTokens, type Sample } from '../../pipeline/mix/tokensArrow.ts';
import { readDistributions } from '../../pipeline/report/distributions.ts';
import { readRun } from '../../pipeline/report/readRun.ts';

const FORMAT: ShardFormat = { vocabularySize: 300, temperatures: [1], precision: 'uint8' };

const sample = (id: string, source: string, length: number): Sample => ({
  ...{ id, source, split: 'train' },
  ...{ tokenIds: new Int32Array(length), lossMask: new Uint8Array(length) },
});

/** A position for each of `counts`, with the tail mass of one half to the power of its count. */
function logitsOf(id: string, counts: readonly number[]): SampleLogits {
  const tokens = counts.reduce((sum, k) => sum + k, 0);
  return {
    ...{ id, counts: Uint16Array.from(counts), ids: Int32Array.from({ length: tokens }, (_, i) => i % 300) },
    logProbs: Float32Array.from(counts.flatMap((k) => Array.from({ length: k }, (_, i) => -i - 1))),
    atTemperature: [
      {
        logSumExp: new Float32Array(counts.length),
        logTailMass: Float32Array.from(counts, (k) => -k * Math.LN2),
      },
    ],
  };
}

async function writeRun(t: Test): Promise<string> {
  const run = join(t.testdir(), 'run');
  await mkdir(run);
  const plan = { inputs: {}, parameters: {} };
  const tokens = await writeTokens(join(run, 'mix'), [
    sample('one', 'a', 3),
    sample('two', 'b', 7),
    sample('three', 'a', 5),
  ]);
  await writeManifest(
    join(run, 'mix'),
    { ...plan, kind: 'mix', formatVersion: mixFormatVersion },
    { files: [tokens] },
  );
  const cached = [logitsOf('one', [1, 2]), logitsOf('gone', [9]), logitsOf('two', [3])];
  await commitShard(join(run, 'logits/key'), '00000000000000aa', cached, FORMAT);
  const [record] = await findShards(join(run, 'logits/key'));
  const files = [record!.shard, { ...record!.shard, file: 'shard-00000000000000aa.json' }];
  await writeManifest(
    join(run, 'logits'),
    { ...plan, kind: 'logits', formatVersion: 2 },
    { files: files.map((file) => ({ ...file, file: `key/${file.file}` })) },
  );
  return run;
}

t.test('values by source', async (t) => {
  const run = await writeRun(t);
  const { lengths, cache } = await readDistributions(run, await readRun(run));
  t.strictSame(
    lengths,
    new Map([
      ['a', [3, 5]],
      ['b', [7]],
    ]),
  );
  t.equal(cache?.samples, 2);
  t.strictSame(
    cache?.kept,
    new Map([
      ['a', [1, 2]],
      ['b', [3]],
    ]),
  );
  const masses = [...cache!.tailMass.values()].flat();
  for (const [i, expected] of [0.5, 0.25, 0.125].entries())
    t.ok(Math.abs(masses[i]! / expected - 1) < 1e-3, `${masses[i]}, expected ${expected}`);
});

t.test('what is not there', async (t) => {
  const run = await writeRun(t);
  await rm(join(run, 'logits/key/shard-00000000000000aa.arrow'));
  t.equal((await readDistributions(run, await readRun(run))).cache, undefined);
  await rm(join(run, 'mix/tokens.arrow'));
  t.strictSame(await readDistributions(run, await readRun(run)), {});
});
