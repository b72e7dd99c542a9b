// The commit protocol of every file: write NAME.tmp while hashing, fsync, rename, fsync the folder.
// A reader therefore sees the whole new file or the old one, at whatever moment the process or the machine dies.
import { createHash } from 'node:crypto';
import { open, rename, mkdir, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { hasCode, UserError } from '../config/userError.ts';

/** One committed file, as a manifest lists it. `rows` counts records where the format has them. */
export interface FileRecord {
  file: string;
  bytes: number;
  sha256: string;
  rows?: number;
}

/** Appends bytes to the file being committed. */
export type Write = (chunk: Uint8Array | string) => Promise<void>;

/**
 * Writes `path` by the commit protocol.
 * @param produce calls `write` for each piece in order; if it throws, the temporary file is removed and `path` is untouched.
 * @returns the record for the manifest, `file` being the base name.
 */
export async function commitFile(
  path: string,
  produce: (write: Write) => Promise<void>,
): Promise<FileRecord> {
  const temporary = `${path}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(temporary, 'w');
  try {
    await produce(async (chunk) => {
      const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      hash.update(data);
      bytes += data.byteLength;
      await writeFully(handle, data);
    });
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw explainDiskError(error, path);
  }
  await syncFolder(dirname(path));
  return { file: basename(path), bytes, sha256: hash.digest('hex') };
}

/** Commits a small text or byte file in one piece. */
export function commitBytes(path: string, content: Uint8Array | string): Promise<FileRecord> {
  return commitFile(path, (write) => write(content));
}

/** Makes a rename in `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Appends all of `data`. */
export async function writeFully(handle: FileHandle, data: Uint8Array): Promise<void> {
  for (let offset = 0; offset < data.byteLength;) {
    const { bytesWritten } = await handle.write(data, offset, data.byteLength - offset);
    offset += bytesWritten;
  }
}

/** A full disk or a missing permission as a UserError naming `path`; any other error as it is. */
export function explainDiskError(error: unknown, path: string): unknown {
  if (hasCode(error, 'ENOSPC', 'EDQUOT'))
    return new UserError(
      { file: path, problem: 'the disk is full', remedy: 'free some space and run the same command again' },
      { cause: error },
    );
  if (hasCode(error, 'EACCES', 'EROFS', 'EPERM'))
    return new UserError(
      { file: path, problem: 'not writable', remedy: 'check the permissions of its folder' },
      { cause: error },
    );
  if (hasCode(error, 'ENOTDIR'))
    return new UserError(
      {
        file: path,
        problem: 'a file stands where a folder should be',
        remedy: 'move it, or name another folder',
      },
      { cause: error },
    );
  return error;
}
