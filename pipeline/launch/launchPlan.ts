// One launch of the logits stage in shares: the command line that all of them have in common, and OUT/launch/ID, the
// folder with the parameters as they were when it was launched (a task may wait in a queue while a recipe is edited),
// what the cluster is given, and a log of each share.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fingerprint } from '../artifact/fingerprint.ts';
import { commitJson } from '../artifact/jsonFile.ts';
import type { LogitsConfig } from '../logits/logitsConfig.ts';
import { shareManifest } from '../logits/share.ts';
import type { SlurmConfig } from '../logits/slurmConfig.ts';

export interface Launch {
  /** Of its jobs; the same for the same work, so that a command given again finds those of the first. */
  name: string;
  /** The folder of the cache, as given. */
  out: string;
  folder: string;
  shards: number;
  slurm: SlurmConfig;
  /** Program and arguments of the stage; `--shard i/n` makes it a share, without it finishes the cache. */
  stage: string[];
}

export interface RunOptions {
  /** Ends what was started. */
  signal: AbortSignal;
  progress: (line: string) => void;
}

export interface Inputs {
  config: LogitsConfig;
  /** Folders of the mix, of the teacher, of the model that this was quantized from, and of the cache. */
  mix: string;
  teacher: string;
  original?: string | undefined;
  out: string;
}

const STAGE = resolve(import.meta.dirname, '../../stages/logits.ts');

/** Writes the parameters and says where everything is. */
export async function planLaunch({ config, ...inputs }: Inputs, shards: number): Promise<Launch> {
  const parameters = { ...config };
  delete parameters.slurm;
  const { mix, teacher, original, out } = inputs;
  const folders = Object.entries({ mix, teacher, ...(original !== undefined && { original }), out }).map(
    ([flag, path]) => [`--${flag}`, resolve(path)],
  );
  const name = `logits-${fingerprint({ parameters, folders, shards }).slice(0, 8)}`;
  const folder = resolve(out, 'launch', name);
  const file = join(folder, 'logits.yaml'); // JSON is YAML
  await commitJson(file, parameters);
  return {
    ...{ name, out, folder, shards },
    slurm: config.slurm ?? { flags: [] },
    stage: [process.execPath, ...process.execArgv, STAGE, '--config', file, ...folders.flat()],
  };
}

/** The log of a share; `%a` for its number makes the pattern that sbatch takes. */
export function shareLog({ folder, shards }: Launch, part: number | '%a'): string {
  return join(folder, `share-${part}-of-${shards}.log`);
}

export function mergeLog({ folder }: Launch): string {
  return join(folder, 'merge.log');
}

/** What the run that finished the cache has to say; there is none before that. */
export function mergeOutput({ folder }: Launch): string {
  return join(folder, 'merge.out');
}

/** Removes what an earlier launch left of some shares: each counts as done when its manifest is there anew. */
export async function clearLaunch(launch: Launch, parts: readonly number[]): Promise<void> {
  const manifests = parts.map((part) => join(launch.out, shareManifest({ part, of: launch.shards })));
  const logs = parts.map((part) => shareLog(launch, part));
  for (const file of [...manifests, ...logs, mergeLog(launch), mergeOutput(launch)])
    await rm(file, { force: true });
}
