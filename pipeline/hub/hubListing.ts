// What the Hub says of a repository: which commit a branch stands for, and which files there are at a commit.
import { datasetInfo, listFiles, modelInfo } from '@huggingface/hub';
import { ZodError } from 'zod';
import type { Progress } from '../terminal/stageProgress.ts';
import { COMMIT, listedFile, type HubFile } from './hubCache.ts';
import type { HubConnection } from './hubConnection.ts';
import { HubError, nameOf, type HubRepository } from './hubErrors.ts';
import { hubFetch } from './hubRequest.ts';

export interface AskOptions {
  hub: HubConnection;
  repository: HubRepository;
  progress: Progress;
}

/** A long list is told of each time it has grown by so many. */
const LISTED_AT_ONCE = 1000;

/** The commit that the repository's revision stands for. @throws HubError */
export function commitOf(asking: AskOptions): Promise<string> {
  const { type, name, revision = 'main' } = asking.repository;
  const wanted = { name, revision, additionalFields: ['sha' as const], ...connection(asking) };
  return plainly(asking, async () => {
    const { sha } = type === 'model' ? await modelInfo(wanted) : await datasetInfo(wanted);
    if (!COMMIT.test(sha)) throw new SyntaxError('no commit');
    return sha;
  });
}

/** All files of a commit. @throws HubError */
export function filesAt(commit: string, asking: AskOptions): Promise<HubFile[]> {
  const { type, name } = asking.repository;
  return plainly(asking, async () => {
    const files: HubFile[] = [];
    const repo = { type, name };
    for await (const entry of listFiles({ repo, revision: commit, recursive: true, ...connection(asking) })) {
      const file = listedFile(entry);
      if (!file) continue;
      files.push(file);
      if (files.length % LISTED_AT_ONCE === 0) asking.progress(`${name}: ${files.length} files listed`);
    }
    return files;
  });
}

/** How @huggingface/hub asks; it gets no token, as hubFetch adds that itself. */
function connection({ hub, repository, progress }: AskOptions) {
  return { hubUrl: hub.endpoint, fetch: hubFetch({ hub, repository, notice: progress }) };
}

async function plainly<T>({ hub, repository }: AskOptions, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ZodError)) throw error;
    const problem = `${hub.endpoint} does not answer as a Hub does`;
    const remedy = 'check HF_ENDPOINT, and whether a proxy or a log-in page stands between';
    throw new HubError('refused', { file: nameOf(repository), problem, remedy }, { cause: error });
  }
}
