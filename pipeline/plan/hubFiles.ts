// A repository on the Hub without its weights: what files there are, how large, which of them are in the cache already,
// and any of their bytes: from the cache, or else by Range. It is asked as `make fetch` asks it (pipeline/hub).
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isInSnapshot, readTree, storeOf } from '../hub/hubCache.ts';
import { hubConnection } from '../hub/hubConnection.ts';
import { HubError, nameOf } from '../hub/hubErrors.ts';
import { filesAt, type AskOptions } from '../hub/hubListing.ts';
import { fileUrl, hubRequest, wholeBody } from '../hub/hubRequest.ts';
import { fetchSnapshot, type HubRepository } from '../hub/hubSnapshot.ts';
import { retryRequest } from '../hub/retryRequest.ts';
import { readBytes, type ByteSource } from '../model/safetensors.ts';

/** A file of a repository. */
export interface ListedFile {
  path: string;
  bytes: number;
  isCached: boolean;
}

export interface HubFiles {
  /** Snapshot folder, with the files that `fetch` chose. */
  folder: string;
  files: ListedFile[];
  source: (file: ListedFile) => ByteSource;
}

type Range = Parameters<ByteSource['read']>[0];

/**
 * @param fetch picks the names of files to download
 * @throws HubError when the Hub cannot be reached or may not be asked, denies access or has no such repository.
 */
export async function listHubFiles(
  repository: HubRepository,
  { fetch: choose = () => [] }: { fetch?: (names: string[]) => string[] } = {},
): Promise<HubFiles> {
  const asking: AskOptions = { hub: await hubConnection(), repository, progress: () => undefined };
  const options = { select: choose, progress: asking.progress };
  const { folder, revision: commit } = await fetchSnapshot(repository, options);
  const store = storeOf(repository);
  const listed = (await readTree(store, commit)) ?? (await filesAt(commit, asking));
  const files = listed.map(async (file): Promise<ListedFile> => {
    return { path: file.path, bytes: file.size, isCached: await isInSnapshot(store, commit, file) };
  });
  const source = ({ path, bytes, isCached }: ListedFile): ByteSource => ({
    size: bytes,
    read: (range) =>
      isCached ? readFromFile(join(folder, path), range) : readFromHub({ commit, path }, range, asking),
  });
  return { folder, files: await Promise.all(files), source };
}

async function readFromFile(path: string, range: Range) {
  const handle = await open(path);
  try {
    return await readBytes(handle, path, range);
  } finally {
    await handle.close();
  }
}

function readFromHub(
  file: { commit: string; path: string },
  { position, length }: Range,
  { progress, ...asking }: AskOptions,
) {
  const headers = { 'accept-encoding': 'identity', range: `bytes=${position}-${position + length - 1}` };
  const attempt = () =>
    hubRequest(fileUrl(asking, file), { ...asking, headers }, (response, heard) => {
      if (response.status === 206) return wholeBody(response, heard);
      const problem = `HTTP ${response.status} where a part of the file was asked for`;
      throw new HubError('refused', { file: `${nameOf(asking.repository)}/${file.path}`, problem });
    });
  return retryRequest(attempt, { notice: progress });
}
