// What is left on the disk of a folder, which need not be there yet.
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../config/userError.ts';

/** Bytes left to an ordinary user where `folder` is or will be. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return freeBytes(dirname(folder));
    throw error;
  }
}
