// How large a file is, or all files below a folder, while stages at work rename files and remove folders.
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { namesBelow } from './namesBelow.ts';
import { unlessMissing } from './optionalFiles.ts';

/** Bytes of a file or of all files below a folder, links not counted; undefined when it is not there, or no longer. */
export function findSize(path: string): Promise<number | undefined> {
  return unlessMissing(sizeOf(path));
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path);
  if (!found.isDirectory()) return found.size;
  const sizes = (await namesBelow(path)).map(async (name) => {
    const file = await unlessMissing(lstat(join(path, name)));
    return file?.isFile() ? file.size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
