// Folders that are filled under a temporary name and renamed when they are whole. The name holds the process id, so
// that what a killed process left is known from what a running one is still filling.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRunning } from './runningProcess.ts';

/** A new folder beside `path`, on its file system; those that dead processes left for the same path are removed. */
export async function stagingFolder(path: string): Promise<string> {
  const [parent, prefix] = [dirname(path), `${basename(path)}.`];
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(prefix) && /^(\d+)\.tmp$/.exec(name.slice(prefix.length))?.[1];
    if (owner && !isRunning(Number(owner))) await rm(join(parent, name), { recursive: true, force: true });
  }
  const staging = `${path}.${process.pid}.tmp`;
  await mkdir(staging);
  return staging;
}
