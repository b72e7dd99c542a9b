// LAUNCH=local end to end, in the processes that make starts: the cache of a single one, a share whose shard another
// process holds, the same command again, and what is refused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { launchScene } from './scene.ts';

t.test('shares as processes make the cache of a single one, though one failed at first', async (t) => {
  const { at, dump, launch, files } = await launchScene(t);
  const expected = await dump('plain');
  const shards = Object.keys(expected).filter((name) => name.endsWith('.arrow'));
  t.ok(shards.length > 6, `${shards.length} shards`);
  const held = at('out', shards[0]!.replace('.arrow', ''));
  const holder = spawn(process.execPath, ['--import', 'tsx', 'test/launch/lockHolder.ts', held]);
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');

  const failed = await launch({ launch: 'local', shards: '2' });
  t.equal(failed.code, 1);
  t.equal(failed.stdout, '');
  const part = /^launch: share (\d) failed: .*out\/launch\/logits-\w{8}\/share-\1-of-2\.log ends$/m.exec(
    failed.stderr,
  )?.[1];
  t.match(
    failed.stderr,
    new RegExp(`^launch: ${part}/2: ${held}.lock-1: held by process ${holder.pid} on `, 'm'),
  );
  t.match(failed.stderr, new RegExp(`^launch: ${part === '1' ? 2 : 1}/2: done$`, 'm'), 'the other went on');
  t.ok(
    failed.stderr.endsWith(
      `launch: 1 of 2 shares failed (${part}); run the same command again: it goes on where it stopped\n`,
    ),
  );

  holder.kill('SIGKILL');
  await once(holder, 'close');
  const resumed = await launch({ launch: 'local', shards: '2' });
  t.equal(resumed.code, 0, resumed.stderr);
  t.match(
    resumed.stdout,
    /^source +samples .*\neven +20 .*\nodd +20 /,
    'stdout is that of the finishing run',
  );
  t.notMatch(
    resumed.stderr,
    new RegExp(`launch: ${part === '1' ? 2 : 1}/2`),
    'only the share that had failed',
  );
  t.same(files(), expected);
  t.match((await launch({ launch: 'local', shards: '3' })).stdout, /out: up to date\n$/);
});

t.test('bad input is told once, not by every share', async (t) => {
  const { at, launch } = await launchScene(t);
  t.same(await launch({ launch: 'pbs', shards: '2' }), {
    ...{ code: 1, stdout: '', stderr: 'launch: --launch = "pbs": expected slurm or local\n' },
  });
  t.same(await launch({ launch: 'local', shards: '0' }), {
    ...{ code: 1, stdout: '', stderr: 'launch: --shards = "0": expected the number of shares, such as 8\n' },
  });
  const { code, stderr } = await launch({ launch: 'local', shards: '2', mix: at('nothing') });
  t.equal(code, 1);
  t.match(stderr, /^logits: .*nothing\/manifest.json: missing or unreadable; run "make mix"\n$/);
});

t.test('a shard that another machine finishes meanwhile is not made again', async (t) => {
  const { at, dump } = await launchScene(t);
  const expected = await dump('plain');
  const shard = Object.keys(expected).find((name) => name.endsWith('.arrow'))!;
  const lock = at('out', shard.replace('.arrow', '.lock-1'));
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, '{"host":"node7","pid":12,"place":"elsewhere","started":"5","since":"now"}');
  let finished = 0;
  const files = await dump('out', (line) => {
    if (!line.includes('held by process 12 on node7: watching')) return;
    for (const name of [shard, shard.replace('.arrow', '.json')]) cpSync(at('plain', name), at('out', name));
    finished = statSync(at('out', shard)).mtimeMs;
    rmSync(lock);
  });
  t.ok(finished > 0, 'it was waited for');
  t.equal(statSync(at('out', shard)).mtimeMs, finished);
  t.same(files, expected);
});
