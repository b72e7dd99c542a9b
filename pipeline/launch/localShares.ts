// LAUNCH=local: the shares as processes of this machine, each with a teacher of its own. As many run at a time as there
// are devices in CUDA_VISIBLE_DEVICES (each gets one of them) or, without that list, as there are cores.
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { clearLaunch, mergeLog, shareLog, type Launch, type RunOptions } from './launchPlan.ts';
import { runLogged } from './loggedProcess.ts';

/** Runs the shares to their ends, good or bad, and the merging run after good ones; gives what that says. */
export async function runLocally(
  launch: Launch,
  parts: readonly number[],
  { signal, progress }: RunOptions,
): Promise<string | undefined> {
  await clearLaunch(launch, parts);
  const free = freeDevices();
  const limit = pLimit(free.length);
  const ends = parts.map((part) =>
    limit(async () => {
      if (signal.aborted) return false;
      const device = free.shift();
      const ok = await runShare(launch, part, { device, signal, progress });
      free.push(device);
      return ok;
    }),
  );
  if ((await Promise.all(ends)).includes(false)) return undefined;
  const merge = { log: mergeLog(launch), signal, progress: told(progress, 'merge') };
  const { ok, stdout } = await runLogged(launch.stage, merge);
  return ok ? stdout : undefined;
}

async function runShare(
  launch: Launch,
  part: number,
  { device, signal, progress }: RunOptions & { device: string | undefined },
): Promise<boolean> {
  const share = `${part}/${launch.shards}`;
  const env = device === undefined ? process.env : { ...process.env, CUDA_VISIBLE_DEVICES: device };
  const options = { log: shareLog(launch, part), env, signal, progress: told(progress, share) };
  const { ok } = await runLogged([...launch.stage, '--shard', share], options);
  progress(`${share}: ${ok ? 'done' : 'failed'}`);
  return ok;
}

/** One for each process that may run at a time; undefined is the machine as it is. */
function freeDevices(): (string | undefined)[] {
  const listed = process.env.CUDA_VISIBLE_DEVICES?.split(',').filter(Boolean) ?? [];
  return listed.length > 0 ? listed : Array.from({ length: availableParallelism() }, () => undefined);
}

/** Tells the lines of a stage with `who` in front instead of the stage's name. */
function told(progress: (line: string) => void, who: string): (line: string) => void {
  return (line) => progress(`${who}: ${line.replace(/^logits: /, '')}`);
}
