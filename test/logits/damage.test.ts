// A bit flipped anywhere in a shard or its record, before there is a manifest or after, is found, and the file made
// again as it was; while the damage stands, nothing reads it.
import { rmSync, statSync } from 'node:fs';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { readRecord } from '../../pipeline/logits/shardRecords.ts';
import { flipBit, sumsOf } from '../fileBytes.ts';
import { randomSamples } from '../tinyMix.ts';
import { dumpScene } from './dumpScene.ts';

const PLACES = 20;

for (const withManifest of [true, false])
  t.test(`${PLACES} bits, ${withManifest ? 'in a finished cache' : 'before it is finished'}`, async (t) => {
    const { at, dump, samples } = await dumpScene(t, { config: { fidelity_sequences: 0 } });
    await dump();
    const whole = sumsOf(at('out'));
    const files = Object.keys(whole).filter((file) => file !== 'manifest.json');
    const stream = xoroshiro128plus(271_828_182);
    for (let i = 0; i < PLACES; i++) {
      const file = files[uniformInt(stream, 0, files.length - 1)]!;
      const place = uniformInt(stream, 0, 8 * statSync(at(`out/${file}`)).size - 1);
      flipBit(at(`out/${file}`), place >> 3, { bit: place & 7 });
      if (withManifest)
        await t.rejects(readAll(at('out'), samples), { name: 'UserError', message: /make logits/ });
      else rmSync(at('out/manifest.json'));
      t.equal((await dump()).upToDate, false, `bit ${place} of ${file}`);
      t.same(sumsOf(at('out')), whole, 'every file as before');
    }
  });

t.test('a bit of any byte of a record', async (t) => {
  const { at, dump } = await dumpScene(t, { samples: randomSamples(8), config: { fidelity_sequences: 0 } });
  const { manifest } = await dump();
  const file = at(`out/${manifest!.files.find(({ file }) => file.endsWith('.json'))!.file}`);
  const unseen: number[] = [];
  for (let i = 0; i < statSync(file).size; i++) {
    flipBit(file, i, { bit: i % 8 });
    if (await readRecord(file)) unseen.push(i);
    flipBit(file, i, { bit: i % 8 });
  }
  t.same(unseen, []);
  t.ok(await readRecord(file));
});

async function readAll(folder: string, samples: readonly { id: string }[]): Promise<void> {
  const cache = await openLogits(folder);
  try {
    for (const { id } of samples) await cache.read(id);
  } finally {
    await cache.close();
  }
}
