// What Slurm is given. What logits.yaml asks for stands in the script, as #SBATCH lines, so that SBATCH_PARTITION and the
// like in the environment go before it, by Slurm's own rule; what the launch depends on stands on the command line, which
// goes before both. The finishing run is a job that depends on the array: it loads the teacher too, to compare it with
// what was stored, and so belongs on a node like those of the tasks, not on the machine that one logs in to.
import { mergeLog, mergeOutput, shareLog, type Launch } from './launchPlan.ts';

/** The arguments of sbatch for the array; `parts` in ascending order. */
export function arrayArguments(launch: Launch, parts: readonly number[], script: string): string[] {
  const { at_once } = launch.slurm;
  const array = rangesOf(parts) + (at_once === undefined ? '' : `%${at_once}`);
  return [...jobArguments(launch, shareLog(launch, '%a')), `--array=${array}`, script];
}

/** The arguments of sbatch for the run that finishes the cache; it returns when that has ended. */
export function mergeArguments(launch: Launch, script: string, array?: string): string[] {
  const after = array === undefined ? [] : [`--dependency=afterok:${array}`, '--kill-on-invalid-dep=yes'];
  return [...jobArguments(launch, mergeLog(launch)), '--wait', ...after, script];
}

/** A task that is queued again, by Slurm or a person, goes on where it was, in the same log. */
function jobArguments({ name }: Launch, log: string): string[] {
  return ['--parsable', `--job-name=${name}`, '--requeue', '--open-mode=append', `--output=${log}`];
}

/** The script of a task: makes its share. */
export function shareScript(launch: Launch, cwd = process.cwd()): string {
  return `${head(launch, cwd)}${shellWords(launch.stage)} --shard "$SLURM_ARRAY_TASK_ID/${launch.shards}"\n`;
}

/** The script of the finishing run: what it says is kept only when it succeeds. */
export function mergeScript(launch: Launch, cwd = process.cwd()): string {
  const output = shellWords([mergeOutput(launch)]);
  return `${head(launch, cwd)}${shellWords(launch.stage)} >${output}.tmp && mv ${output}.tmp ${output}\n`;
}

function head({ slurm }: Launch, cwd: string): string {
  const { flags, ...named } = slurm;
  delete named.at_once; // belongs to --array
  const options = Object.entries(named).map(([key, value]) => `--${key.replaceAll('_', '-')}=${value}`);
  const lines = [...options, ...flags].map((option) => `#SBATCH ${option}\n`);
  return `#!/bin/sh\n${lines.join('')}cd ${shellWords([cwd])} || exit\n`;
}

/** `1-4,7`. */
function rangesOf(parts: readonly number[]): string {
  const starts = parts.filter((part, i) => parts[i - 1] !== part - 1);
  const ends = parts.filter((part, i) => parts[i + 1] !== part + 1);
  return starts.map((start, i) => (start === ends[i] ? `${start}` : `${start}-${ends[i]}`)).join(',');
}

/** Words as the shell reads them back. */
function shellWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
