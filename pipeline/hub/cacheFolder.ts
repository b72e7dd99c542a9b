// The machine-wide cache of what is derived from a download once: converted and pruned models, wheels, checksums.
// Each entry is a folder named by the hash of all it was made from, so it is never wrong, only absent.
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../artifact/commitFile.ts';
import { hasCode } from '../config/userError.ts';

/** `$REDISTILL_CACHE`, or `~/.cache/redistill`. */
export function cacheFolder(): string {
  return process.env.REDISTILL_CACHE ?? join(homedir(), '.cache', 'redistill');
}

/**
 * The cache entry `kind/key`, made first if it is not there.
 * @param produce fills the (temporary) folder it is given; the folder takes its name only when that has succeeded.
 */
export async function cachedFolder(
  { kind, key }: { kind: string; key: string },
  produce: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), kind, key);
  if (await exists(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned(folder);
  const temporary = `${folder}.${process.pid}.tmp`;
  await mkdir(temporary);
  try {
    await produce(temporary);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process was faster; its folder has the same content.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
  await syncFolder(dirname(folder));
  return folder;
}

/** Whether something lies at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

/** Removes the temporary folders of processes that died while making `folder`. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    const [key, pid, ending] = name.split('.');
    if (key === basename(folder) && ending === 'tmp' && !isRunning(Number(pid)))
      await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}
