// A disk that will not hold the cache is found before the work, by the most it can take or by what a few samples take.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { requireRoom } from '../../pipeline/logits/diskSpace.ts';
import { valueBytes } from '../../pipeline/logits/logitsShard.ts';
import type { SampleLogits, ShardFormat } from '../../pipeline/logits/shardColumns.ts';
import { lossPositions } from '../../pipeline/mix/batches.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { randomSamples } from '../tinyMix.ts';
import { dumpScene } from './dumpScene.ts';

const FORMAT: ShardFormat = { vocabularySize: 49_152, temperatures: [1], precision: 'uint8' };
const SAMPLES = randomSamples(100);

/** Room for so many tokens at each position, and the tenth more that is asked for. */
function roomFor(tokens: number): number {
  const sizes = SAMPLES.map((sample) => {
    const positions = lossPositions([sample]);
    return valueBytes({ positions, tokens: tokens * positions }, FORMAT);
  });
  return 1.1 * sizes.reduce((sum, size) => sum + size, 0);
}

/** Asks with a teacher that keeps 10 of at most 50 tokens; tells which samples it was given. */
async function ask(free: number): Promise<readonly Sample[]> {
  let read: readonly Sample[] = [];
  await requireRoom('/nowhere', SAMPLES, {
    ...{ format: FORMAT, mostTokens: 50, free: () => Promise.resolve(free) },
    compute: (samples) => {
      read = samples;
      const sizes = samples.map((sample) => ({ ids: { length: 10 * lossPositions([sample]) } }));
      return Promise.resolve(sizes as unknown as SampleLogits[]);
    },
  });
  return read;
}

t.test('room for the most there can be is enough', async (t) => {
  t.same(await ask(roomFor(50)), []);
});

t.test('otherwise a few samples, from all of the work, decide', async (t) => {
  const read = await ask(roomFor(10));
  t.same(
    read,
    [0, 25, 50, 75].map((i) => SAMPLES[i]),
  );
  await t.rejects(ask(roomFor(10) - 100), {
    name: 'UserError',
    message:
      /^\/nowhere: the shards still to be made take about 0\.\d+ MB, and the disk has 0\.\d+ MB left; free some/,
  });
});

t.test('nothing to be made needs no room, and the system knows how much there is', async (t) => {
  const compute = () => Promise.reject(new Error('not to be asked'));
  await requireRoom('/nowhere', [], {
    format: FORMAT,
    mostTokens: 50,
    compute,
    free: () => Promise.resolve(0),
  });
  await requireRoom(join(t.testdir(), 'not/there/yet'), SAMPLES.slice(0, 1), {
    format: FORMAT,
    mostTokens: 1,
    compute,
  });
});

t.test('the stage refuses before it writes anything', async (t) => {
  const { at, dump } = await dumpScene(t);
  await t.rejects(dump({ free: () => Promise.resolve(1000) }), {
    name: 'UserError',
    message: /the disk has 0.00100 MB/,
  });
  t.same(readdirSync(at('out')), []);
});
