// make cache-gc: removes from the logits of recipes what no manifest refers to: shards of teachers, parameters and mixes
// that are no longer in use. (They are kept because going back to them costs nothing; this is for who will not.)
// Where work is under way nothing is removed, nor where there is no manifest: what lies there is half a cache.
import { rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonObject } from '../artifact/jsonFile.ts';
import type { Manifest } from '../artifact/manifest.ts';
import { findNames } from '../artifact/optionalFiles.ts';
import { lockWork } from '../artifact/workLock.ts';
import { hasCode, UserError } from '../config/userError.ts';
import { lockCache } from './cacheLock.ts';

export interface Garbage {
  file: string;
  bytes: number;
}

interface GcOptions {
  /** Only tells what would be removed. */
  dryRun?: boolean;
  /** Told why a folder is left alone. */
  notice?: (line: string) => void;
}

/**
 * @param folders of caches, `RUN/logits`
 * @returns what was removed, or would be
 */
export async function collectGarbage(
  folders: readonly string[],
  { dryRun = false, notice = () => undefined }: GcOptions = {},
): Promise<Garbage[]> {
  const removed: Garbage[] = [];
  for (const folder of folders)
    try {
      removed.push(...(await collectFrom(folder, { dryRun, notice })));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      notice(`${folder} is left alone: ${error.message}`);
    }
  return removed;
}

async function collectFrom(folder: string, { dryRun, notice }: Required<GcOptions>): Promise<Garbage[]> {
  const listed = await listedFiles(folder);
  const lock = await lockCache(folder, { notice });
  try {
    await refuseWhileInUse(folder, notice);
    const garbage = await unlistedFiles(folder, listed);
    if (!dryRun) for (const { file } of garbage) await rm(file);
    if (!dryRun) await removeEmptyFolders(folder);
    return garbage;
  } finally {
    await lock.release();
  }
}

/** Paths of all that the manifests list, finished shares' among them. @throws UserError when there is no manifest. */
async function listedFiles(folder: string): Promise<Set<string>> {
  const names = ((await findNames(folder)) ?? []).filter((name) =>
    /^manifest(-\d+-of-\d+)?\.json$/.test(name),
  );
  if (names.length === 0)
    throw new UserError({
      problem: 'there is no manifest',
      remedy: 'run "make logits" to finish what may be half a cache',
    });
  const manifests = await Promise.all(names.map((name) => readJsonObject(join(folder, name))));
  const files = manifests.flatMap(
    (manifest) => (manifest as Pick<Manifest, 'files'> | undefined)?.files ?? [],
  );
  return new Set(files.map(({ file }) => join(folder, file)));
}

/** @throws UserError naming a process that is at work on the cache. */
async function refuseWhileInUse(folder: string, notice: (line: string) => void): Promise<void> {
  await (await lockWork(join(folder, 'launch'), { notice })).release();
  for (const sub of await cacheFolders(folder))
    for (const name of (await findNames(sub)) ?? []) {
      const locked = /^(.+)\.lock-\d+$/.exec(name)?.[1];
      if (locked !== undefined) await (await lockWork(join(sub, locked), { notice })).release();
    }
}

async function unlistedFiles(folder: string, listed: ReadonlySet<string>): Promise<Garbage[]> {
  const garbage: Garbage[] = [];
  for (const sub of await cacheFolders(folder))
    for (const name of (await findNames(sub)) ?? []) {
      const file = join(sub, name);
      if (/^shard-[0-9a-f]+\.(arrow|json)(\.tmp)?$/.test(name) && !listed.has(file))
        garbage.push({ file, bytes: (await stat(file)).size });
    }
  return garbage;
}

/** The folders of shards, each of one teacher and set of parameters. */
async function cacheFolders(folder: string): Promise<string[]> {
  const names = (await findNames(folder)) ?? [];
  return names.filter((name) => /^[0-9a-f]{16}$/.test(name)).map((name) => join(folder, name));
}

async function removeEmptyFolders(folder: string): Promise<void> {
  for (const sub of await cacheFolders(folder))
    try {
      await rmdir(sub);
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
}
