// The machine-wide cache of what is derived from a download once: converted and pruned models, wheels, checksums.
// Each entry is a folder named by the hash of all it was made from, so it is never wrong, only absent.
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasCode } from '../config/userError.ts';
import { syncFolder } from './commitFile.ts';
import { stagingFolder } from './stagingFolder.ts';

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
  if (existsSync(folder)) return folder;
  const temporary = await stagingFolder(folder);
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
