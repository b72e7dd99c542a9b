// Files of a Hugging Face repository at one commit, in the cache that the Python tools use too:
// blobs named by content (sha256 for big files), snapshots of symlinks to them, refs from branch to commit.
// @huggingface/hub lists and streams; writing is ours, so that a file is checked before it takes its name.
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  datasetInfo,
  downloadFile,
  getHFHubCachePath,
  getRepoFolderName,
  HubApiError,
  listFiles,
  modelInfo,
  type ListFileEntry,
} from '@huggingface/hub';
import { commitBytes, commitFile } from '../artifact/commitFile.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { messageOf, UserError } from '../config/userError.ts';

/** A repository, as `field` of sources.yaml names it. */
export interface HubRepository {
  type: 'model' | 'dataset';
  name: string;
  /** Branch, tag or commit. */
  revision?: string;
}

/** A repository's files in the cache. */
export interface HubSnapshot {
  folder: string;
  /** The commit, 40 hex digits. */
  revision: string;
  /** Names below `folder`. */
  files: string[];
}

/**
 * Downloads the files of a repository that are not in the cache yet.
 * @param select picks from the names of all files, perhaps none.
 * @param progress is told each file before it is downloaded.
 * @throws UserError when the Hub cannot be reached, denies access, has no such thing or sends another file.
 */
export async function fetchSnapshot(
  repository: HubRepository,
  { select, progress }: { select: (names: string[]) => string[]; progress: (line: string) => void },
): Promise<HubSnapshot> {
  return explainHubErrors(repository, async () => {
    const revision = await commitOf(repository);
    const entries = new Map<string, ListFileEntry>();
    const at = { repo: { type: repository.type, name: repository.name }, revision, ...connection() };
    for await (const entry of listFiles({ ...at, recursive: true }))
      if (entry.type === 'file') entries.set(entry.path, entry);
    const files = select([...entries.keys()]);
    const store = join(getHFHubCachePath(), getRepoFolderName(at.repo));
    const folder = join(store, 'snapshots', revision);
    for (const name of files) {
      const entry = entries.get(name)!;
      const blob = join(store, 'blobs', entry.lfs?.oid ?? entry.oid!);
      if (!existsSync(blob)) {
        progress(`${repository.name}/${name} (${(entry.size / 1e6).toFixed(1)} MB)`);
        await downloadBlob(blob, entry, () => downloadFile({ ...at, path: name }));
      }
      await linkOnce(blob, join(folder, name));
    }
    if (repository.revision !== revision)
      await commitBytes(join(store, 'refs', repository.revision ?? 'main'), revision);
    return { folder, revision, files };
  });
}

/** What the cache holds of a repository at the commit that its branch was last seen at; for when the Hub is out of reach. */
export async function cachedSnapshot({
  type,
  name,
  revision = 'main',
}: HubRepository): Promise<HubSnapshot | undefined> {
  const store = join(getHFHubCachePath(), getRepoFolderName({ type, name }));
  const commit = await findText(join(store, 'refs', revision));
  if (commit === undefined) return undefined;
  const folder = join(store, 'snapshots', commit);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return { folder, revision: commit, files };
}

/** Where the Hub is, and who asks. */
function connection(): { hubUrl: string; accessToken?: string } {
  const accessToken = process.env.HF_TOKEN;
  if (accessToken && !accessToken.startsWith('hf_'))
    throw new UserError({ field: 'HF_TOKEN', problem: 'a token of the Hub begins with "hf_"' });
  return { hubUrl: hubUrl(), ...(accessToken && { accessToken }) };
}

function hubUrl(): string {
  return (process.env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '');
}

async function commitOf({ type, name, revision = 'main' }: HubRepository): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const wanted = { name, revision, additionalFields: ['sha' as const], ...connection() };
  const { sha } = type === 'model' ? await modelInfo(wanted) : await datasetInfo(wanted);
  return sha;
}

/** The blob takes its name only when size and (for big files, which are named by it) sha256 are right. */
async function downloadBlob(
  blob: string,
  { path, size, lfs }: ListFileEntry,
  open: () => Promise<Blob | null>,
): Promise<void> {
  const incomplete = `${blob}.incomplete`;
  const body = await open();
  if (!body) throw new UserError({ file: path, problem: 'listed by the Hub, but not there' });
  const found = await commitFile(incomplete, async (write) => {
    for await (const chunk of body.stream()) await write(chunk as Uint8Array);
  });
  if (found.bytes === size && (lfs === undefined || found.sha256 === lfs.oid))
    return rename(incomplete, blob);
  await rm(incomplete);
  const problem =
    found.bytes === size
      ? `arrived with sha256 ${found.sha256}, the Hub says ${lfs!.oid}`
      : `arrived with ${found.bytes} bytes, the Hub says ${size}`;
  throw new UserError({ file: path, problem, remedy: 'run the same command again' });
}

async function linkOnce(blob: string, pointer: string): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  const present = await lstat(pointer).catch(() => undefined);
  if (!present) await symlink(relative(dirname(pointer), blob), pointer);
}

async function explainHubErrors<T>(
  { type, name, revision = 'main' }: HubRepository,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const where = { file: `${name}@${revision}` };
    if (error instanceof HubApiError)
      throw new UserError({ ...where, ...refusal(error, type) }, { cause: error });
    if (error instanceof TypeError && error.cause !== undefined)
      throw new UserError(
        {
          ...where,
          problem: `${hubUrl()} cannot be reached (${messageOf(error.cause)})`,
          remedy: 'check the network, or name a mirror in HF_ENDPOINT',
        },
        { cause: error },
      );
    throw error;
  }
}

/** The Hub answers 401 for private, gated and missing repositories alike, so as to tell nothing. */
function refusal({ statusCode, message }: HubApiError, type: string): { problem: string; remedy?: string } {
  if (statusCode === 401 || statusCode === 403)
    return {
      problem: `no such ${type}, or no access to it (HTTP ${statusCode})`,
      remedy: 'check the name; for a gated one accept its terms on its page and set HF_TOKEN',
    };
  if (statusCode === 404) return { problem: `no such ${type} or revision (HTTP 404)` };
  return { problem: `${hubUrl()} answered HTTP ${statusCode}: ${message.trim()}` };
}
