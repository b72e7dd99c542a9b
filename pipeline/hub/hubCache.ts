// The cache of Python's huggingface_hub, laid out as it lays it out, so that either reads what the other fetched:
//   HF_HUB_CACHE/models--ORG--NAME/blobs/ETAG                 content by its sha256, small files by git's sha1
//                                  blobs/ETAG.incomplete      a download that was cut
//                                  snapshots/COMMIT/PATH      symlinks to blobs
//                                  refs/BRANCH                the commit it was last seen at
//                                  trees/COMMIT.json          all files there are, as huggingface_hub 2 keeps them
import { existsSync } from 'node:fs';
import { lstat, mkdir, stat, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { getRepoFolderName } from '@huggingface/hub';
import { z } from 'zod';
import { commitBytes } from '../artifact/commitFile.ts';
import { namesBelow } from '../artifact/namesBelow.ts';
import { findText } from '../artifact/optionalFiles.ts';
import type { HubRepository } from './hubErrors.ts';

/** A file as the Hub lists it. */
export interface HubFile {
  path: string;
  /** In bytes. */
  size: number;
  /** git's sha1 of the file, or of the pointer that stands for a big one. */
  oid: string;
  /** sha256 of a big file's content. */
  sha256?: string | undefined;
  /** What Xet storage knows a big file by; only kept, for Python. */
  xet?: string | undefined;
}

export const COMMIT = /^[0-9a-f]{40}$/;

/** The folder of all repositories. */
export function hubCacheFolder(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = process.env;
  return expanded(HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(home(), 'hub'));
}

/** What `hf auth login` writes. */
export function hubTokenFile(): string {
  return expanded(process.env.HF_TOKEN_PATH || join(home(), 'token'));
}

function home(): string {
  const { HF_HOME, XDG_CACHE_HOME } = process.env;
  return expanded(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'));
}

/** As Python's expanduser and expandvars: what is not set stays as it is written. */
function expanded(path: string): string {
  return path
    .replace(/^~(?=\/|$)/, homedir())
    .replaceAll(/\$(\w+|\{\w+\})/g, (whole: string) => process.env[whole.replaceAll(/\W/g, '')] ?? whole);
}

/** The folder of one repository. */
export function storeOf({ type, name }: HubRepository): string {
  return join(hubCacheFolder(), getRepoFolderName({ type, name }));
}

export function snapshotFolder(store: string, commit: string): string {
  return join(store, 'snapshots', commit);
}

export function blobPath(store: string, { sha256, oid }: HubFile): string {
  return join(store, 'blobs', sha256 ?? oid);
}

/** Whether a file is in the snapshot; by its size, as another tool may have left it unfinished. */
export function isInSnapshot(store: string, commit: string, file: HubFile): Promise<boolean> {
  return hasSize(join(snapshotFolder(store, commit), file.path), file.size);
}

/** Whether the content is there, perhaps under another name. */
export function hasBlob(store: string, file: HubFile): Promise<boolean> {
  return hasSize(blobPath(store, file), file.size);
}

async function hasSize(path: string, size: number): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.size === size;
}

/** Puts a blob into the snapshot; a link whose blob had been removed leads to it again. */
export async function linkFile(store: string, commit: string, file: HubFile): Promise<void> {
  const pointer = join(snapshotFolder(store, commit), file.path);
  if (await lstat(pointer).catch(() => undefined)) return;
  await mkdir(dirname(pointer), { recursive: true });
  await symlink(relative(dirname(pointer), blobPath(store, file)), pointer).catch((error: unknown) => {
    if (!existsSync(pointer)) throw error; // another process was faster
  });
}

/** The commit that a revision was last seen at. */
export async function knownCommit(store: string, revision: string): Promise<string | undefined> {
  if (COMMIT.test(revision)) return revision;
  const text = (await findText(join(store, 'refs', revision)))?.trim();
  return text !== undefined && COMMIT.test(text) ? text : undefined;
}

export async function writeRef(store: string, revision: string, commit: string): Promise<void> {
  if (revision === commit || (await knownCommit(store, revision)) === commit) return;
  await commitBytes(join(store, 'refs', revision), commit);
}

/** Names below the snapshot of a commit. */
export function snapshotNames(store: string, commit: string): Promise<string[]> {
  return namesBelow(snapshotFolder(store, commit)).catch(() => []);
}

/** A name that stays inside its folder, whatever a mirror lists. */
const filePath = z
  .string()
  .refine((path) => path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'));
const sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const treeSchema = z.object({
  format_version: z.literal(1),
  files: z.record(
    filePath,
    z.object({
      size: z.int(),
      blob_id: sha1,
      lfs_sha256: sha256.optional(),
      lfs_size: z.int().optional(),
      xet_hash: sha256.optional(),
    }),
  ),
});

/** All files of a commit, if they were listed before; a list that cannot be read is none. */
export async function readTree(store: string, commit: string): Promise<HubFile[] | undefined> {
  const text = (await findText(join(store, 'trees', `${commit}.json`))) ?? 'null';
  const { data } = treeSchema.safeParse(parseOrNull(text));
  if (!data) return undefined;
  return Object.entries(data.files).map(([path, { size, blob_id: oid, ...rest }]) => {
    const [big, xet] = [rest.lfs_sha256, rest.xet_hash];
    return { path, size: rest.lfs_size ?? size, oid, ...(big && { sha256: big }), ...(xet && { xet }) };
  });
}

export async function writeTree(store: string, commit: string, files: readonly HubFile[]): Promise<void> {
  const entries = files.map(({ path, size, oid, sha256: big, xet }) => {
    const lfs = big && { lfs_sha256: big, lfs_size: size };
    return [path, { size, blob_id: oid, ...lfs, ...(xet && { xet_hash: xet }) }] as const;
  });
  const tree: z.infer<typeof treeSchema> = { format_version: 1, files: Object.fromEntries(entries) };
  await commitBytes(join(store, 'trees', `${commit}.json`), JSON.stringify(tree, null, 1));
}

/** An entry of the Hub's list; folders and submodules give undefined. @throws ZodError for anything but a list's entry. */
export function listedFile(entry: unknown): HubFile | undefined {
  const { type } = z.object({ type: z.string() }).parse(entry);
  if (type !== 'file') return undefined;
  const { path, size, oid, lfs, xetHash } = entrySchema.parse(entry);
  return {
    path,
    size: lfs?.size ?? size,
    oid,
    ...(lfs && { sha256: lfs.oid }),
    ...(xetHash && { xet: xetHash }),
  };
}

const entrySchema = z.object({
  path: filePath,
  size: z.int(),
  oid: sha1,
  lfs: z.object({ oid: sha256, size: z.int() }).optional(),
  xetHash: z
    .string()
    .optional()
    .transform((hash) => sha256.safeParse(hash).data),
});

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
