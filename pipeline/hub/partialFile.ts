// A download that may have been cut: its bytes in BLOB.incomplete, where huggingface_hub before 2.0 keeps them too, so
// that either tool goes on with what the other left, and the running hash that will say whether they are right. Big
// files are named by their sha256, small ones by git's sha1 of "blob SIZE", a zero byte and the content.
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explainDiskError, syncFolder, writeFully } from '../artifact/commitFile.ts';
import { freeBytes } from '../artifact/freeBytes.ts';
import { hasCode, UserError } from '../config/userError.ts';
import { gitBlobHash } from './gitBlob.ts';
import type { HubFile } from './hubCache.ts';

export interface PartialFile {
  /** Bytes so far. */
  bytes: () => number;
  append: (chunk: Uint8Array) => Promise<void>;
  /** Throws away what is there. */
  restart: () => Promise<void>;
  /** What is wrong with the whole file; undefined when nothing is. */
  fault: () => string | undefined;
  /** Gives the blob its name. */
  keep: () => Promise<void>;
  /** Leaves what has arrived for another time. */
  close: () => Promise<void>;
}

/** Opens `blob.incomplete` with what a cut download left in it. */
export async function openPartial(blob: string, file: HubFile): Promise<PartialFile> {
  const path = `${blob}.incomplete`;
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'a+').catch((error: unknown) => {
    throw explainDiskError(error, path);
  });
  let [bytes, hash] = await readSoFar(handle, file);
  return {
    bytes: () => bytes,
    append: async (chunk) => {
      await writeFully(handle, chunk).catch((error: unknown) => explainFull(error, { path, file, bytes }));
      hash.update(chunk);
      bytes += chunk.byteLength;
    },
    restart: async () => {
      await handle.truncate(0);
      [bytes, hash] = [0, hashOf(file)];
    },
    fault: () => faultOf(file, { bytes, digest: hash.copy().digest('hex') }),
    keep: async () => {
      await handle.sync();
      await rename(path, blob);
      await syncFolder(dirname(blob));
    },
    close: async () => {
      await handle.close();
      if (bytes === 0) await rm(path, { force: true });
    },
  };
}

async function readSoFar(handle: FileHandle, file: HubFile): Promise<[number, Hash]> {
  const hash = hashOf(file);
  const { size } = await handle.stat();
  let bytes = 0;
  if (size === 0) return [bytes, hash];
  for await (const chunk of handle.createReadStream({ start: 0, end: size - 1, autoClose: false })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).byteLength;
  }
  return [bytes, hash];
}

function hashOf({ sha256, size }: HubFile): Hash {
  return sha256 === undefined ? gitBlobHash(size) : createHash('sha256');
}

function faultOf(
  { size, sha256, oid }: HubFile,
  found: { bytes: number; digest: string },
): string | undefined {
  if (found.bytes !== size) return `arrived with ${found.bytes} bytes, the Hub says ${size}`;
  if (found.digest === (sha256 ?? oid)) return undefined;
  const kind = sha256 === undefined ? 'git sha1' : 'sha256';
  return `arrived with ${kind} ${found.digest}, the Hub says ${sha256 ?? oid}`;
}

async function explainFull(
  error: unknown,
  { path, file, bytes }: { path: string; file: HubFile; bytes: number },
): Promise<never> {
  if (!hasCode(error, 'ENOSPC', 'EDQUOT')) throw explainDiskError(error, path);
  const folder = dirname(path);
  throw diskFull({ folder, needed: file.size - bytes, free: await freeBytes(folder) }, { cause: error });
}

/** What is said when `folder` cannot take the bytes that are needed. */
export function diskFull(
  { folder, needed, free }: { folder: string; needed: number; free: number },
  options?: ErrorOptions,
): UserError {
  const [need, have] = [needed, free].map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`);
  return new UserError(
    {
      file: folder,
      problem: `the disk is full: downloads still need ${need}, and ${have} are free`,
      remedy: 'free some space, or set HF_HOME to a folder on another disk; what has arrived is kept',
    },
    options,
  );
}
