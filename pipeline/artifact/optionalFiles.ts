// Files and folders that need not be there: undefined then, and an error only for what is there and cannot be read.
import { readdir, readFile } from 'node:fs/promises';
import { hasCode } from '../config/userError.ts';

/** The text of a file. */
export function findText(file: string): Promise<string | undefined> {
  return unlessMissing(readFile(file, 'utf8'));
}

/** The names in a folder, in order. */
export async function findNames(folder: string): Promise<string[] | undefined> {
  return (await unlessMissing(readdir(folder)))?.sort();
}

/** What is read, or undefined when that is not there. */
export async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
