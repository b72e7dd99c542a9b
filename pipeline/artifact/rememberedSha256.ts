// The sha256 of big, unchanging files without reading them at every run: a blob of the Hugging Face cache is named by
// it, and any other file's is remembered by path, size, inode and times to the nanosecond, as git's index does.
import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cacheFolder } from './cacheFolder.ts';
import { fingerprint, sha256OfFile } from './fingerprint.ts';

/** sha256 of the file's content in hex. */
export async function rememberedSha256(path: string): Promise<string> {
  const file = await realpath(path);
  const name = basename(file);
  if (/^[0-9a-f]{64}$/.test(name) && basename(dirname(file)) === 'blobs') return name;
  const { size, ino, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
  const key = fingerprint([file, ...[size, ino, mtimeNs, ctimeNs].map(String)]);
  const note = join(cacheFolder(), 'sha256', key);
  return (await readNote(note)) ?? remember(note, await sha256OfFile(file));
}

async function readNote(note: string): Promise<string | undefined> {
  const text = await readFile(note, 'utf8').catch(() => '');
  return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
}

/** Keeps the sum if the cache can be written; a read-only cache only costs time. */
async function remember(note: string, sha256: string): Promise<string> {
  try {
    await mkdir(dirname(note), { recursive: true });
    await writeFile(note, sha256);
  } catch {
    // no note: it is computed again next time
  }
  return sha256;
}
