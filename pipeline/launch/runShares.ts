// Shares and finishing run from start to end, wherever they run, and what is told when one of them fails: which, where
// its log is and how that ends. A share counts as done when it left its manifest, whatever a cluster says of its task.
import { findText } from '../artifact/optionalFiles.ts';
import { UserError } from '../config/userError.ts';
import { findShareManifests, shareManifest } from '../logits/share.ts';
import { mergeLog, shareLog, type Launch, type RunOptions } from './launchPlan.ts';
import { runLocally } from './localShares.ts';
import { runOnSlurm } from './slurmJobs.ts';

/** Each runs shares and finishing run, and gives what that says, or undefined when something failed. */
const launchers = { slurm: runOnSlurm, local: runLocally };

export type LauncherName = keyof typeof launchers;

/** Lines of a log that a failure is told with. */
const LAST_LINES = 2;

/**
 * Runs some shares of a launch and what finishes the cache; gives what that says.
 * @throws UserError after telling of each failure where its log is.
 */
export async function runShares(
  launch: Launch,
  { launcher, parts, ...options }: RunOptions & { launcher: LauncherName; parts: readonly number[] },
): Promise<string> {
  const output = await launchers[launcher](launch, parts, options);
  if (output !== undefined) return output;
  const remedy = 'run the same command again: it goes on where it stopped';
  if (options.signal.aborted) throw new UserError({ problem: 'interrupted', remedy });
  throw new UserError({ problem: await explainFailure(launch, parts, options), remedy });
}

async function explainFailure(
  launch: Launch,
  parts: readonly number[],
  { progress }: RunOptions,
): Promise<string> {
  const done = new Set(await findShareManifests(launch.out));
  const failed = parts.filter((part) => !done.has(shareManifest({ part, of: launch.shards })));
  for (const part of failed) progress(`share ${part} failed: ${await endOf(shareLog(launch, part))}`);
  if (failed.length > 0) return `${failed.length} of ${launch.shards} shares failed (${failed.join(', ')})`;
  progress(`the finishing run failed: ${await endOf(mergeLog(launch))}`);
  return 'all shares are done, but the finishing run failed';
}

async function endOf(log: string): Promise<string> {
  const lines = (await findText(log))?.split('\n').filter((line) => line.trim() !== '');
  if (!lines || lines.length === 0) return `it never started, or said nothing (${log})`;
  return [`${log} ends`, ...lines.slice(-LAST_LINES)].join('\n  ');
}
