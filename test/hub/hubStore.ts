// A folder as the Hub sees a repository: its files with the hashes that the Hub lists them under. Big files are LFS files,
// which git knows by a pointer. Nothing is held in memory, and the sha256 of what does not change is read once ever.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { rememberedSha256 } from '../../pipeline/artifact/rememberedSha256.ts';

export interface StoredFile {
  /** Name in the repository. */
  path: string;
  /** Where it is here. */
  file: string;
  size: number;
  /** git's sha1, of the pointer if it is an LFS file. */
  oid: string;
  /** Of LFS files only. */
  sha256?: string;
}

export interface HubStore {
  commit: string;
  files: StoredFile[];
}

const ALWAYS_BIG = /\.(safetensors|gguf|parquet|bin)$/;

/** Reads a folder. */
export async function readStore(folder: string): Promise<HubStore> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const files: StoredFile[] = [];
  for (const file of paths.sort()) files.push(await storedFile(file, relative(folder, file)));
  const commit = sha1(files.map(({ path, oid }) => path + oid).join());
  return { commit, files };
}

async function storedFile(file: string, path: string): Promise<StoredFile> {
  const { size } = statSync(file);
  if (!ALWAYS_BIG.test(path) && size < 10e6)
    return { path, file, size, oid: sha1(`blob ${size}\0`, readFileSync(file)) };
  const sha256 = await rememberedSha256(file);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${size}\n`;
  return { path, file, size, oid: sha1(`blob ${pointer.length}\0`, pointer), sha256 };
}

function sha1(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What the Hub's tree lists of a store: files, and the folders they are in. */
export function treeOf({ files }: HubStore): object[] {
  const folders = new Set(files.flatMap(({ path }) => parentsOf(path)));
  return [
    ...[...folders].map((path) => ({ type: 'directory', oid: sha1(path), size: 0, path })),
    ...files.map(({ path, size, oid, sha256 }) => ({
      type: 'file',
      oid,
      size,
      path,
      ...(sha256 && { lfs: { oid: sha256, size, pointerSize: 134 } }),
    })),
  ];
}

function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
