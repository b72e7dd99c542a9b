// What no manifest refers to goes, all else stays: what another run is writing, half a cache, what is not ours.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { collectGarbage } from '../../pipeline/logits/cacheGc.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { sumsOf } from '../fileBytes.ts';
import { runStage } from '../runStage.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { CONFIG, dumpScene, shardRecords } from './dumpScene.ts';

/** A run's logits of two teachers, of which manifest.json lists the second's. */
async function twoTeachers(t: Test) {
  const scene = await dumpScene(t, { config: { fidelity_sequences: 0 } });
  const { at, dump } = scene;
  const config = { ...CONFIG, fidelity_sequences: 0 };
  await dump({ out: at('logits'), config });
  const first = sumsOf(at('logits'));
  await makeTinyModel(at('second'), { seed: 1 });
  await dump({ out: at('logits'), teacher: at('second'), config });
  const old = Object.keys(first).filter((file) => file !== 'manifest.json');
  return { ...scene, config, old, logits: at('logits') };
}

t.test('shards of another teacher go, the cache stays whole', async (t) => {
  const { at, dump, old, logits, config, samples } = await twoTeachers(t);
  const key = old[0]!.split('/')[0]!;
  writeFileSync(join(logits, key, 'shard-00.arrow.tmp'), 'half a shard');
  writeFileSync(join(logits, 'notes.txt'), 'mine');
  const before = sumsOf(logits);
  const { stdout: dry } = await runStage('cacheGc', { runs: at('.'), 'dry-run': '' });
  t.match(dry, new RegExp(`\\n${old.length + 1} files to be removed, 0\\.\\d MB\\n$`));
  t.same(sumsOf(logits), before, 'nothing was removed');
  const { stdout } = await runStage('cacheGc', { runs: at('.') });
  t.equal(stdout, dry.replace('to be removed', 'removed'));
  const expected = Object.entries(before).filter(([file]) => !file.startsWith(key));
  t.same(sumsOf(logits), Object.fromEntries(expected));
  t.notOk(existsSync(join(logits, key)), 'nor is its folder there');
  const cache = await openLogits(logits);
  for (const { id } of samples) await cache.read(id);
  await cache.close();
  t.same(await collectGarbage([logits]), [], 'nothing more to remove');
  const again = await dump({ out: logits, teacher: at('second'), config });
  t.equal(again.upToDate, true);
});

t.test('what shares have listed stays, and shards that a later mix still borrows', async (t) => {
  const { dump, logits, config } = await twoTeachers(t);
  await dump({ out: logits, config, share: { part: 1, of: 2 } });
  t.ok(existsSync(join(logits, 'manifest-1-of-2.json')));
  const garbage = await collectGarbage([logits]);
  const left = shardRecords(logits).length;
  t.equal(garbage.length % 2, 0, 'shards and their records');
  t.ok(garbage.length > 0 && left > garbage.length / 2, `${garbage.length} files of the other share went`);
});

t.test('half a cache, and one that is being written, are left alone', async (t) => {
  const { logits, old } = await twoTeachers(t);
  const key = old[0]!.split('/')[0]!;
  const lines: string[] = [];
  const notice = (line: string) => lines.push(line);
  const held = join(logits, key, 'shard-00000000000000aa');
  const holder = spawn(process.execPath, ['--import', 'tsx', 'test/launch/lockHolder.ts', held]);
  await once(holder.stdout, 'data');
  t.same(await collectGarbage([logits], { notice }), []);
  t.match(
    lines.at(-1),
    new RegExp(`logits is left alone: ${held}.lock-1: held by process ${holder.pid} on `),
  );
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await rename(join(logits, 'manifest.json'), join(logits, 'aside'));
  t.same(await collectGarbage([logits, join(logits, 'nowhere')], { notice }), []);
  t.match(lines.slice(-2), [/logits is left alone: there is no manifest; run/, /nowhere is left alone/]);
  await rename(join(logits, 'aside'), join(logits, 'manifest.json'));
  t.equal(
    (await collectGarbage([logits], { notice })).length,
    old.length,
    'the lock of a dead process does not count',
  );
});
