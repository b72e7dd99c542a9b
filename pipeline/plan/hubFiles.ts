// A repository on the Hub without its weights: what files there are, how large, which of them are in the cache already,
// and any of their bytes by Range. The small JSON files go through the cache like every download.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '@huggingface/hub';
import { UserError } from '../config/userError.ts';
import { fetchSnapshot, type HubRepository } from '../hub/hubSnapshot.ts';
import type { ByteSource } from '../model/safetensors.ts';

/** A file of a repository. */
export interface HubFile {
  path: string;
  bytes: number;
  isCached: boolean;
}

export interface HubFiles {
  /** Snapshot folder, with the files that `fetch` chose. */
  folder: string;
  files: HubFile[];
  source: (file: HubFile) => ByteSource;
}

/**
 * @param fetch picks the names of files to download
 * @throws UserError when the Hub cannot be reached, denies access or has no such repository.
 */
export async function listHubFiles(
  repository: HubRepository,
  { fetch: choose = () => [] }: { fetch?: (names: string[]) => string[] } = {},
): Promise<HubFiles> {
  const options = { select: choose, progress: () => undefined };
  const { folder, revision } = await fetchSnapshot(repository, options);
  const { type, name } = repository;
  const accessToken = process.env.HF_TOKEN;
  const asking = { hubUrl: endpoint(), ...(accessToken && { accessToken }) };
  const files: HubFile[] = [];
  for await (const { type: kind, path, size } of listFiles({
    repo: { type, name },
    revision,
    recursive: true,
    ...asking,
  }))
    if (kind === 'file') files.push({ path, bytes: size, isCached: existsSync(join(folder, path)) });
  const source = ({ path, bytes }: HubFile): ByteSource => ({
    size: bytes,
    read: (range) =>
      readRange(`${type === 'dataset' ? 'datasets/' : ''}${name}/resolve/${revision}/${path}`, range),
  });
  return { folder, files, source };
}

async function readRange(path: string, { position, length }: { position: number; length: number }) {
  const token = process.env.HF_TOKEN;
  const response = await fetch(`${endpoint()}/${path}`, {
    headers: {
      range: `bytes=${position}-${position + length - 1}`,
      ...(token && { authorization: `Bearer ${token}` }),
    },
  });
  if (response.status === 206) return new Uint8Array(await response.arrayBuffer());
  await response.body?.cancel();
  throw new UserError({
    file: path,
    problem: `HTTP ${response.status} where a part of the file was asked for`,
  });
}

function endpoint(): string {
  return (process.env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '');
}
