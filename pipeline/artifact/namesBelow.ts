// All files below a folder by their names from there, with "/" between folders on every system.
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** The names, in order; what symbolic links lead to counts as a file. */
export async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort();
}
