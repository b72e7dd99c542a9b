// LAUNCH=slurm: the shares as the tasks of a job array, and the finishing run as a job after it. Both carry the name of
// the launch: by it they are cancelled together when this command is interrupted, and found again by the same command
// when this one was cut off (a lost connection): they go on meanwhile, and are not submitted twice.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { commitBytes } from '../artifact/commitFile.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { messageOf, UserError } from '../config/userError.ts';
import { runProgram } from '../setup/runProgram.ts';
import { clearLaunch, mergeOutput, type Launch, type RunOptions } from './launchPlan.ts';
import { arrayArguments, mergeArguments, mergeScript, shareScript } from './slurmScripts.ts';

/** Seconds between two looks at the queue: first and most. */
const PAUSE = { first: 2, most: 30 };

/** A task of the array, or the finishing run. */
interface QueuedTask {
  job: string;
  isMerge: boolean;
  /** Such as `running`, or `pending (Resources)`. */
  state: string;
}

/** Submits shares and finishing run, unless they are in the queue already, and waits; gives what the latter says. */
export async function runOnSlurm(
  launch: Launch,
  parts: readonly number[],
  options: RunOptions,
): Promise<string | undefined> {
  const job = (await queueOf(launch))[0]?.job;
  if (job) options.progress(`job ${job} of an earlier command is in the queue: waiting for it`);
  const finishing = job ? undefined : await submitShares(launch, parts, options);
  try {
    await untilGone(launch, finishing ? sbatch(finishing) : Promise.resolve(''), options);
  } catch (error) {
    await run('scancel', ['--me', `--name=${launch.name}`]);
    options.progress(`cancelled the jobs named ${launch.name}`);
    if (!options.signal.aborted) throw error;
  }
  return findText(mergeOutput(launch));
}

/** Submits the array; gives the arguments of sbatch for what finishes the cache after it. */
async function submitShares(
  launch: Launch,
  parts: readonly number[],
  { progress }: RunOptions,
): Promise<string[]> {
  const [share, merge] = [join(launch.folder, 'share.sh'), join(launch.folder, 'merge.sh')];
  await clearLaunch(launch, parts);
  await commitBytes(share, shareScript(launch));
  await commitBytes(merge, mergeScript(launch));
  if (parts.length === 0) return mergeArguments(launch, merge);
  const job = await sbatch(arrayArguments(launch, parts, share));
  const shares = `${parts.length} of ${launch.shards} shares`;
  progress(`job ${job} (${launch.name}): ${shares}, logs in ${launch.folder}`);
  return mergeArguments(launch, merge, job);
}

/** Gives the job's number. @throws UserError with Slurm's own words when it does not accept the job. */
async function sbatch(args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run('sbatch', args);
  const id = /^\d+/.exec(stdout)?.[0];
  if (id !== undefined) return id;
  const complaint = stderr
    .replaceAll(/^sbatch: (error: )?/gm, '')
    .trim()
    .replaceAll('\n', ': ');
  const remedy = 'see "slurm" in logits.yaml and the variables SBATCH_*';
  throw new UserError({ field: 'sbatch', problem: complaint, remedy });
}

/** Waits until nothing of the launch is queued or running, and tells how many are. */
async function untilGone(
  launch: Launch,
  merged: Promise<unknown>,
  { signal, progress }: RunOptions,
): Promise<void> {
  let [isOpen, told, pause] = [true, '', PAUSE.first];
  const closed = merged.finally(() => {
    [isOpen, pause] = [false, PAUSE.first];
  });
  closed.catch(() => undefined); // it is thrown where it is awaited
  for (;;) {
    const { isEmpty, line } = await lookAtQueue(launch);
    if (line !== told) progress(line);
    told = line;
    if (isEmpty && !isOpen) break;
    const paused = setTimeout(1000 * pause, undefined, { signal, ref: !isOpen });
    await (isOpen ? Promise.race([closed, paused]) : paused);
    pause = Math.min(2 * pause, PAUSE.most);
  }
  await closed;
}

/** A queue that does not answer may still hold everything. */
async function lookAtQueue(launch: Launch): Promise<{ isEmpty: boolean; line: string }> {
  try {
    const queued = await queueOf(launch);
    return { isEmpty: queued.length === 0, line: summaryOf(queued) };
  } catch (error) {
    return { isEmpty: false, line: `asking again: ${messageOf(error)}` };
  }
}

function summaryOf(queued: readonly QueuedTask[]): string {
  const counts = new Map<string, number>();
  for (const { isMerge, state } of queued) if (!isMerge) counts.set(state, (counts.get(state) ?? 0) + 1);
  const shares = [...counts].map(([state, count]) => `${count} ${state}`);
  const merge = queued.find(({ isMerge }) => isMerge);
  if (shares.length > 0) return `shares: ${shares.join(', ')}`;
  return merge ? `finishing run: ${merge.state}` : 'nothing left in the queue';
}

async function queueOf({ name }: Launch): Promise<QueuedTask[]> {
  const format = '--format=%F|%K|%T|%r';
  const args = ['--me', `--name=${name}`, '--array', '--noheader', format];
  const { code, stdout, stderr } = await run('squeue', args);
  if (code !== 0) throw new UserError({ field: 'squeue', problem: stderr.trim() });
  const rows = stdout
    .split('\n')
    .filter(Boolean)
    .map((row) => row.split('|'));
  return rows.map(([job = '', index, state = '', reason]) => ({
    job,
    isMerge: index === 'N/A',
    state: state.toLowerCase() + (state === 'PENDING' ? ` (${reason})` : ''),
  }));
}

async function run(command: string, args: readonly string[]) {
  const result = await runProgram(command, args);
  if (result) return result;
  const remedy = 'run it on a machine of the cluster, or take LAUNCH=local';
  throw new UserError({ problem: `LAUNCH=slurm needs ${command}, which is not here`, remedy });
}
