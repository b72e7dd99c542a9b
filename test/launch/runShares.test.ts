// Shares by both launchers with a stand-in for the stage, and for Slurm: what is started, told, and left to do after a
// failure, an interrupt and a lost connection.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Launch } from '../../pipeline/launch/launchPlan.ts';
import { runShares, type LauncherName } from '../../pipeline/launch/runShares.ts';
import { fakeSlurm } from './fakeSlurm.ts';

/** A launch of four shares of the stand-in; `run` starts some of them. */
function scene(t: Test) {
  const out = join(t.testdir(), 'out');
  const folder = join(out, 'launch');
  mkdirSync(folder, { recursive: true });
  const stage = ['/bin/sh', join(import.meta.dirname, 'fakeStage.sh'), out];
  const launch: Launch = { name: 'logits-0a1b2c3d', out, folder, shards: 4, slurm: { flags: [] }, stage };
  const lines: string[] = [];
  const interrupt = new AbortController();
  const at = (name: string) => join(out, name);
  return {
    ...{ launch, lines, interrupt, at },
    run: (launcher: LauncherName, parts: number[]) => {
      lines.length = 0;
      const { signal } = interrupt;
      return runShares(launch, { launcher, parts, signal, progress: (line) => lines.push(line) });
    },
    /** Which shares were started since last asked, `merge` being the finishing run. */
    started: () => {
      if (!existsSync(at('started'))) return [];
      const names = readFileSync(at('started'), 'utf8').trimEnd().split('\n');
      rmSync(at('started'));
      return names;
    },
  };
}

const both: LauncherName[] = ['local', 'slurm'];
const FAILED = '2 of 4 shares failed (2, 3); run the same command again: it goes on where it stopped';

for (const launcher of both)
  t.test(`${launcher}: failed shares stop no others, are named with their logs, and run again`, async (t) => {
    const { run, at, started, lines, launch } = scene(t);
    fakeSlurm(t, at('bin'));
    writeFileSync(at('manifest-2-of-4.json'), 'left by an earlier launch');
    for (const part of [2, 3]) writeFileSync(at(`fail-${part}`), '');
    await t.rejects(run(launcher, [1, 2, 3, 4]), { name: 'UserError', message: FAILED });
    t.same(started().sort(), ['1', '2', '3', '4']);
    for (const part of [2, 3]) {
      const log = `${launch.folder}/share-${part}-of-4.log`;
      const end =
        launcher === 'local' ? 'the disk is full\n  ended with exit code 1' : 'a word before\n.*full';
      t.match(lines.join('\n'), new RegExp(`share ${part} failed: ${log} ends\n.*${end}`));
    }
    rmSync(at('fail-2'));
    rmSync(at('fail-3'));
    t.equal(await run(launcher, [2, 3]), 'the finished cache\n');
    t.same(started().sort(), ['2', '3', 'merge']);
    t.notMatch(readFileSync(join(launch.folder, 'share-2-of-4.log'), 'utf8'), /disk/, 'a log of its own');
  });

for (const launcher of both)
  t.test(`${launcher}: a finishing run that fails is named, and all that runs again`, async (t) => {
    const { run, at, started, lines, launch } = scene(t);
    fakeSlurm(t, at('bin'));
    writeFileSync(at('fail-merge'), '');
    const message = /^all shares are done, but the finishing run failed; run the same command again/;
    await t.rejects(run(launcher, [1, 4]), { name: 'UserError', message });
    t.match(
      lines.at(-1),
      new RegExp(`^the finishing run failed: ${launch.folder}/merge.log ends\n[^]*disk is full`),
    );
    rmSync(at('fail-merge'));
    started();
    t.equal(await run(launcher, []), 'the finished cache\n');
    t.same(started(), ['merge']);
  });

t.test('local: each process gets one of the devices, and no more run at a time', async (t) => {
  const { run, lines, at, started } = scene(t);
  const devices = process.env.CUDA_VISIBLE_DEVICES;
  t.teardown(() => {
    if (devices === undefined) delete process.env.CUDA_VISIBLE_DEVICES;
    else process.env.CUDA_VISIBLE_DEVICES = devices;
  });
  process.env.CUDA_VISIBLE_DEVICES = '3,5';
  writeFileSync(at('slow'), '');
  const running = run('local', [1, 2, 3, 4]);
  while (lines.length < 2) await setTimeout(10);
  await setTimeout(100);
  t.same([...lines].sort(), ['1/4: on device 3', '2/4: on device 5']);
  rmSync(at('slow'));
  await running;
  t.same(started().length, 5);
  const used = lines.flatMap((line) => /^\d\/4: on device (.*)/.exec(line)?.[1] ?? []);
  t.equal(used.length, 4);
  t.ok(
    used.every((device) => ['3', '5'].includes(device)),
    `then those that are free: ${used.join(' ')}`,
  );
});

t.test('local: an interrupt ends what runs and starts no more', async (t) => {
  const { run, lines, at, started, interrupt, launch } = scene(t);
  process.env.CUDA_VISIBLE_DEVICES = '0';
  t.teardown(() => delete process.env.CUDA_VISIBLE_DEVICES);
  writeFileSync(at('slow'), '');
  const running = run('local', [1, 2]);
  while (lines.length < 1) await setTimeout(10);
  interrupt.abort();
  await t.rejects(running, { name: 'UserError', message: /^interrupted; run the same command again/ });
  t.same(started(), ['1']);
  t.match(readFileSync(join(launch.folder, 'share-1-of-4.log'), 'utf8'), /\nended by SIGTERM\n$/);
});

t.test('slurm: an interrupt cancels the jobs', async (t) => {
  const { run, at, lines, interrupt } = scene(t);
  const slurm = fakeSlurm(t, at('bin'));
  slurm.setQueue(
    '17|1|RUNNING|None\n17|2|PENDING|Resources\n17|3|PENDING|Resources\n18|N/A|PENDING|Dependency\n',
  );
  const running = run('slurm', [1, 2, 3]);
  while (lines.length < 2) await setTimeout(10);
  t.same(lines, [
    'job 17 of an earlier command is in the queue: waiting for it',
    'shares: 1 running, 2 pending (Resources)',
  ]);
  interrupt.abort();
  await t.rejects(running, { name: 'UserError', message: /^interrupted; / });
  t.same(slurm.calls(), ['scancel --me --name=logits-0a1b2c3d']);
  t.equal(lines.at(-1), 'cancelled the jobs named logits-0a1b2c3d');
});

t.test('slurm: jobs of a command that was cut off are waited for, not submitted again', async (t) => {
  const { run, at, started, launch } = scene(t);
  const slurm = fakeSlurm(t, at('bin'));
  slurm.setQueue('17|N/A|RUNNING|None\n');
  const running = run('slurm', [2]);
  await setTimeout(100);
  writeFileSync(join(launch.folder, 'merge.out'), 'finished meanwhile\n');
  slurm.setQueue('');
  t.equal(await running, 'finished meanwhile\n');
  t.same(started(), []);
  t.same(slurm.calls(), []);
});

t.test('slurm: what sbatch refuses is told in its words, on one line', async (t) => {
  const { run, at } = scene(t);
  const slurm = fakeSlurm(t, at('bin'));
  slurm.refuse(
    'sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n',
  );
  await t.rejects(run('slurm', [1]), {
    name: 'UserError',
    message:
      'sbatch: invalid partition specified: nope: Batch job submission failed: Invalid partition name specified; ' +
      'see "slurm" in logits.yaml and the variables SBATCH_*',
  });
});

t.test('slurm: where there is none, it says so', async (t) => {
  const { run, at } = scene(t);
  const path = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = path;
  });
  process.env.PATH = at('nowhere');
  await t.rejects(run('slurm', [1]), {
    name: 'UserError',
    message:
      'LAUNCH=slurm needs squeue, which is not here; run it on a machine of the cluster, or take LAUNCH=local',
  });
});
