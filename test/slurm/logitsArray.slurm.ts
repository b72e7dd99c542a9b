// make logits LAUNCH=slurm on a real (one-node) cluster, with a tiny teacher: the array and its finishing run leave the
// bytes of a single process, also when a task is killed, queued again, interrupted, or left alone by its command.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { sumsOf } from '../fileBytes.ts';
import { show } from '../real/figures.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { slurm, startCluster, withoutSlurm } from './cluster.ts';
import { startMake } from './makeCommand.ts';

const skip = withoutSlurm();
const base = t.testdir();
const logits = join(base, 'run/logits');
const paths = [`recipe=${join(base, 'recipe')}`, `run=${join(base, 'run')}`];
const AGAIN = 'run the same command again: it goes on where it stopped';

/** What a single process makes. */
let expected: Record<string, string>;

t.before(async () => {
  if (skip) return;
  process.env.REDISTILL_CACHE = join(base, 'cache');
  const model = join(base, 'model');
  await makeTinyModel(model, { layers: 6, hiddenSize: 256 });
  mkdirSync(join(base, 'recipe'));
  for (const [stage, yaml] of Object.entries(recipeFor(model)))
    writeFileSync(join(base, 'recipe', `${stage}.yaml`), yaml);
  const { code } = await startMake(['logits'], { paths }).ended;
  expected = cache();
  show(`${code === 0 ? 'a single process' : 'FAILED'}: ${inShort(expected)}`);
  const { stop } = await startCluster();
  t.teardown(stop);
});

t.beforeEach((t) => show(`\n  # ${t.name}`));

function recipeFor(model: string): Record<string, string> {
  return {
    sources: `teacher: ${model}\nstudent: ${model}\ndatasets: { metamathqa: data/samples/MetaMathQA }\n`,
    mix: 'total: 400\nheld_out: 8\nmax_tokens: 400\noverlength: truncate\nsources: { metamathqa: { weight: 1, format: metamathqa } }\n',
    teacher: 'bits: 8\n',
    logits:
      'batch_tokens: 1024\nshard_tokens: 1000\nslurm: { partition: main, cpus_per_task: 1, time: 10 }\n',
  };
}

void t.test('an array of four tasks and its finishing run', { skip }, async (t) => {
  const { code, lines } = await launch({ from: 'nothing' }).ended;
  t.equal(code, 0);
  t.match(lines.join('\n'), /^total +400 /m, 'the summary of the finishing run');
  sameCache(t, 'four tasks');
  const again = await startMake(['logits', 'LAUNCH=slurm', 'SHARDS=2'], { paths }).ended;
  t.match(again.lines, ["make: Nothing to be done for 'logits'."], 'other shares make nothing stale');
});

void t.test(
  'a task that is killed: named with its log, the others go on, the same command ends it',
  { skip },
  async (t) => {
    const first = launch({ from: 'nothing' });
    const { pid, part } = await runningShare();
    show(`kill -9 ${pid}, which makes share ${part}`);
    process.kill(pid, 'SIGKILL');
    const { code, lines } = await first.ended;
    t.equal(code, 2, 'of make');
    const text = lines.join('\n');
    t.match(
      text,
      new RegExp(`^launch: share ${part} failed: .*/share-${part}-of-4.log ends\n(.*\n)?  Killed$`, 'm'),
    );
    t.match(text, new RegExp(`^launch: 1 of 4 shares failed \\(${part}\\); ${AGAIN}$`, 'm'));
    t.notOk(readdirSync(logits).includes('manifest.json'), 'no manifest');
    const second = await launch({ from: 'there' }).ended;
    t.equal(second.code, 0);
    t.match(second.lines.join('\n'), /^launch: job \d+ .*: 1 of 4 shares, /m, 'only the share that failed');
    sameCache(t, 'after kill -9');
  },
);

void t.test('a task that is queued again goes on where it was', { skip }, async (t) => {
  const command = launch({ from: 'nothing' });
  const [, job] = await command.said(/^launch: job (\d+) /);
  const { part } = await runningShare();
  show(`scontrol requeue ${job}_${part}`);
  slurm('scontrol', 'requeue', `${job}_${part}`);
  await command.said(/pending \(BeginTime\)/);
  slurm('scontrol', 'update', `JobId=${job}_${part}`, 'StartTime=now'); // and not when Slurm's two minutes are over
  t.equal((await command.ended).code, 0);
  const file = filesOf(logits).find((name) => name.endsWith(`/share-${part}-of-4.log`))!;
  const log = readFileSync(join(logits, file), 'utf8');
  show(`log of share ${part}: ${log.trimEnd().replaceAll('\n', '\n    ')}`);
  t.match(log, /DUE TO JOB REQUEUE[^]* samples, /, 'two starts in one log');
  sameCache(t, 'after a requeue');
});

void t.test('Ctrl-C cancels the jobs', { skip }, async (t) => {
  const command = launch({ from: 'nothing' });
  await runningShare();
  show('Ctrl-C');
  command.signal('SIGINT');
  const { code, lines } = await command.ended;
  t.not(code, 0);
  t.match(
    lines.join('\n'),
    /^launch: cancelled the jobs named logits-\w{8}\n(.*\n)*launch: interrupted; run the same/m,
  );
  while (slurm('squeue', '--noheader') !== '') await setTimeout(500);
  t.notOk(readdirSync(logits).includes('manifest.json'));
});

void t.test(
  'a lost connection leaves the jobs running, and the same command finds them',
  { skip },
  async (t) => {
    const first = launch({ from: 'there' });
    await runningShare();
    show('SIGHUP');
    first.signal('SIGHUP');
    await first.ended;
    t.notSame(slurm('squeue', '--noheader'), '', 'still queued or running');
    const { code, lines } = await launch({ from: 'there' }).ended;
    t.equal(code, 0);
    t.match(lines.join('\n'), /^launch: job \d+ of an earlier command is in the queue: waiting for it$/m);
    sameCache(t, 'after an interrupt and a lost connection');
  },
);

void t.test(
  'what Slurm refuses is told on one line; the environment goes before the recipe',
  { skip },
  async (t) => {
    const { code, lines } = await launch({ from: 'nothing', env: { SBATCH_PARTITION: 'nope' } }).ended;
    t.equal(code, 2);
    t.match(
      lines.filter((line) => line.startsWith('launch:')),
      [
        /^launch: sbatch: invalid partition specified: nope: Batch job submission failed: Invalid partition name specified; see "slurm" in logits.yaml and the variables SBATCH_\*$/,
      ],
    );
    t.equal(slurm('squeue', '--noheader'), '', 'nothing is left in the queue');
  },
);

/** Starts `make logits` as an array of four, after removing all of an earlier one or going on from it. */
function launch({ from, env = {} }: { from: 'nothing' | 'there'; env?: Record<string, string> }) {
  if (from === 'nothing') rmSync(logits, { recursive: true, force: true });
  return startMake(['logits', 'LAUNCH=slurm', 'SHARDS=4'], { paths, env });
}

/** Waits until a shard is finished and another one in the making; gives the process that makes it, and its share. */
async function runningShare(): Promise<{ pid: number; part: string }> {
  for (;;) {
    await setTimeout(20);
    const files = filesOf(logits);
    const lock = files.find((file) => /\/shard-[^/]*\.lock-\d+$/.test(file));
    const found = lock && files.some((file) => file.endsWith('.arrow')) && holderOf(join(logits, lock));
    if (found) return found;
  }
}

/** Undefined when the lock is released already. */
function holderOf(lock: string): { pid: number; part: string } | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(lock, 'utf8')) as { pid: number };
    const [, part] = /--shard\0(\d+)\//.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))!;
    return { pid, part: part! };
  } catch {
    return undefined;
  }
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return []; // not there yet, or changed while it was read
  }
}

/** sha256 of the files of the cache, without what belongs to a launch. */
function cache(): Record<string, string> {
  const files = Object.entries(sumsOf(logits)).filter(([name]) => !name.startsWith('launch/'));
  return Object.fromEntries(files);
}

function sameCache(t: Test, what: string): void {
  const found = cache();
  show(`${what}: ${inShort(found)}`);
  t.same(found, expected, `${what}: every file is that of a single process`);
}

function inShort(sums: Record<string, string>): string {
  return `${Object.keys(sums).length} files, manifest.json with sha256 ${sums['manifest.json']}`;
}
