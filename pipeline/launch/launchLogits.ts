// make logits LAUNCH=…: shares of the logits stage elsewhere, then the run that finishes the cache. Only shares that lack
// shards are started, so the same command goes on after a failure, an interrupt or a lost connection. This folder stands
// apart from logits/ because it loads no TensorFlow, on purpose: the machine that one logs in to has no GPU or little
// memory, and a process that only waits must not hold a GPU that its shares need.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { lockWork } from '../artifact/workLock.ts';
import { UserError } from '../config/userError.ts';
import type { PendingShares } from '../logits/dumpLogits.ts';
import { parseShareCount } from '../logits/share.ts';
import { planLaunch, type Inputs, type Launch } from './launchPlan.ts';
import { runShares, type LauncherName } from './runShares.ts';

interface LaunchOptions extends Inputs {
  /** `slurm` or `local`. */
  launch: string | undefined;
  shards: string | undefined;
  progress: (line: string) => void;
}

/**
 * Runs the logits stage in shares and prints what the finishing run says.
 * @throws UserError when a share failed, and on what the user can mend in the options.
 */
export async function launchLogits({
  launch: name,
  shards,
  progress,
  ...inputs
}: LaunchOptions): Promise<void> {
  const launcher = parseLauncher(name);
  const launch = await planLaunch(inputs, parseShareCount('--shards', shards));
  const lock = await lockWork(join(launch.out, 'launch'), { notice: progress });
  try {
    const pending = await findPending(launch);
    if (!pending) process.exitCode = 1;
    else if (pending.upToDate) console.log(`${launch.out}: up to date`);
    else {
      const options = { launcher, parts: pending.parts, signal: signalOfInterrupts(), progress };
      process.stdout.write(await runShares(launch, options));
    }
  } finally {
    await lock.release();
  }
}

function parseLauncher(name: string | undefined): LauncherName {
  if (name === 'slurm' || name === 'local') return name;
  throw new UserError({ field: '--launch', value: name ?? '', problem: 'expected slurm or local' });
}

/** Asks the stage, in a process of its own; undefined when that has failed and said why. */
async function findPending({ stage, shards }: Launch): Promise<PendingShares | undefined> {
  const [command, ...args] = [...stage, '--pending', String(shards)];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number]>]);
  return code === 0 ? (JSON.parse(stdout) as PendingShares) : undefined;
}

/** Ctrl-C and `kill` end what was started; a lost terminal ends this process alone. */
function signalOfInterrupts(): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort());
  return interrupt.signal;
}
