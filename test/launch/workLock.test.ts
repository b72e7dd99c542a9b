// Locks between real processes: refused while the holder lives, taken over when it was killed, on this machine and (a
// lock file that says it comes from elsewhere) on another one.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { lockWork } from '../../pipeline/artifact/workLock.ts';

/** Starts a process that wants the lock; `ended` is how it ends, `said` resolves at its first word. */
function holder(t: Test, path: string, ...words: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/launch/lockHolder.ts', path, ...words]);
  t.teardown(() => child.kill('SIGKILL'));
  const ended = endOf(child);
  return { child, ended, said: Promise.race([once(child.stdout, 'data').then(String), ended]) };
}

async function endOf(child: ChildProcessWithoutNullStreams): Promise<{ code: number; stderr: string }> {
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number]>]);
  return { code, stderr };
}

t.test('a living process keeps the second one out, in one line that names it', async (t) => {
  const path = join(t.testdir(), 'shard');
  const first = holder(t, path);
  t.equal(await first.said, 'held\n');
  const second = await holder(t, path).ended;
  t.equal(second.code, 1);
  const since = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';
  const line = `^holder: ${path}.lock-1: held by process ${first.child.pid} on ${hostname()} since ${since}, which is alive; wait for it or end it, then run the same command again\\n$`;
  t.match(second.stderr, new RegExp(line));
  first.child.stdin.end();
  t.equal((await first.ended).code, 0);
  t.same(readdirSync(join(path, '..')), [], 'released');
});

t.test('what kill -9 left is taken over at once', async (t) => {
  const path = join(t.testdir(), 'shard');
  const first = holder(t, path);
  await first.said;
  first.child.kill('SIGKILL');
  await first.ended;
  t.ok(existsSync(`${path}.lock-1`));
  const lock = await lockWork(path, { notice: (line) => t.fail(line) });
  t.same(readdirSync(join(path, '..')), ['shard.lock-2']);
  await lock.release();
  t.same(readdirSync(join(path, '..')), []);
});

t.test('of many that find the lock of a dead process, one gets it', async (t) => {
  const path = join(t.testdir(), 'shard');
  const dead = holder(t, path);
  await dead.said;
  dead.child.kill('SIGKILL');
  await dead.ended;
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockWork(path)));
  const won = tries.filter((result) => result.status === 'fulfilled');
  t.equal(won.length, 1);
  t.match(
    tries.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : [])),
    Array.from({ length: 19 }, () => /lock-2: held by process \d+ on /),
  );
  await won[0]!.value.release();
  t.same(readdirSync(join(path, '..')), []);
});

t.test('an id that another process has now is no holder', async (t) => {
  const path = join(t.testdir(), 'shard');
  const lock = await lockWork(path);
  const content = readFileSync(`${path}.lock-1`, 'utf8');
  await lock.release();
  writeFileSync(`${path}.lock-1`, content.replace(/"started":"\d+"/, '"started":"1"'));
  await (await lockWork(path)).release();
});

t.test('a holder on another machine is watched', async (t) => {
  const path = join(t.testdir(), 'shard');
  const file = `${path}.lock-1`;
  const notices: string[] = [];
  const elsewhere = {
    host: 'node7',
    pid: 12,
    place: 'elsewhere',
    started: '5',
    since: '2026-01-01T00:00:00Z',
  };

  const blocked = holder(t, path, '1', 'block'); // its main thread stands still, its heart beats
  await blocked.said;
  writeFileSync(file, JSON.stringify(elsewhere));
  const message = new RegExp(
    `^${file}: held by process 12 on node7 since 2026-01-01T00:00:00Z, which is alive`,
  );
  const options = { silence: 1, notice: (line: string) => notices.push(line) };
  await t.rejects(lockWork(path, options), { name: 'UserError', message });
  t.match(notices, [/held by process 12 on node7: watching for 1 s whether it is alive/]);

  blocked.child.kill('SIGKILL');
  await blocked.ended;
  const lock = await lockWork(path, options);
  t.same(readdirSync(join(path, '..')), ['shard.lock-2'], 'silent: taken over');
  await lock.release();
});

t.test('a lock file without a word, left by a process that died making it', async (t) => {
  const path = join(t.testdir(), 'shard');
  writeFileSync(`${path}.lock-3`, '');
  const notices: string[] = [];
  const lock = await lockWork(path, { silence: 0.2, notice: (line) => notices.push(line) });
  t.match(notices, [/held by an unknown process/]);
  t.same(readdirSync(join(path, '..')), ['shard.lock-4']);
  await lock.release();
});
