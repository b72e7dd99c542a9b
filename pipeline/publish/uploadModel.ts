// Files to a model repository on the Hub, in one commit. What is there already is not sent again: small files by git's
// sha1, big ones by sha256, also those that an upload which was cut left behind without a commit.
import { pathToFileURL } from 'node:url';
import { checkRepoAccess, commitIter, createRepo, HubApiError, type CommitOperation } from '@huggingface/hub';
import { UserError, type Complaint } from '../config/userError.ts';
import type { HubFile } from '../hub/hubCache.ts';
import { hubConnection, type HubConnection } from '../hub/hubConnection.ts';
import { filesAt } from '../hub/hubListing.ts';
import type { PublishedFile } from './publishedModel.ts';
import { writingFetch } from './writingFetch.ts';

export interface UploadOptions {
  repository: string;
  /** Whether a repository that is not there yet is made private; else as its organization has it. */
  isPrivate: boolean;
  progress: (line: string) => void;
}

/**
 * Uploads the files; the repository is made when there is none.
 * @returns the address of the repository
 * @throws UserError without a token, when it may not write, and when the Hub cannot be reached
 */
export async function uploadModel(files: readonly PublishedFile[], options: UploadOptions): Promise<string> {
  const { repository } = options;
  checkRepositoryName(repository);
  const { hub, token } = await writingConnection();
  const repo = { type: 'model' as const, name: repository };
  const fetch = writingFetch({ hub, repository: repo, notice: options.progress });
  const access = { repo, hubUrl: hub.endpoint, accessToken: token, fetch };
  await explain(hub, repository, async () => {
    const present = (await isMade(access))
      ? await filesAt('main', { hub, repository: repo, progress: options.progress })
      : await createRepository(access, options);
    const operations = await missingFrom(present, files, options);
    if (operations.length === 0) return;
    // Plain LFS uploads, which every Hub takes, and not Xet's.
    const events = commitIter({ ...access, title: 'Publish with redistill', operations, useXet: false });
    for await (const event of events)
      if (event.event === 'fileProgress' && event.state === 'uploading' && event.progress === 1)
        options.progress(`${event.path}: sent`);
  });
  return `${hub.endpoint}/${repository}`;
}

async function writingConnection(): Promise<{ hub: HubConnection; token: string }> {
  const hub = await hubConnection();
  if (hub.isOffline)
    throw new UserError({
      field: 'HF_HUB_OFFLINE',
      problem: 'nothing can be published while it is set',
      remedy: 'unset it, or use DRY_RUN=1',
    });
  if (hub.token) return { hub, token: hub.token.text };
  throw new UserError({
    field: 'HF_TOKEN',
    problem: 'publishing needs a token that may write',
    remedy: `make one on ${hub.endpoint}/settings/tokens and set HF_TOKEN (or run "hf auth login")`,
  });
}

/** What turns the repository's files into these. */
async function missingFrom(
  present: readonly HubFile[],
  files: readonly PublishedFile[],
  { progress }: UploadOptions,
): Promise<CommitOperation[]> {
  const sending: PublishedFile[] = [];
  for (const file of files) if (!(await isThere(file, present))) sending.push(file);
  const megabytes = (sending.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(1);
  progress(`${sending.length} files to send (${megabytes} MB), ${files.length - sending.length} are there`);
  const stale = staleWeights(files, present).map((path) => ({ operation: 'delete' as const, path }));
  return [...sending.map(addition), ...stale];
}

/** @throws UserError for a name that the Hub does not take (huggingface_hub's validate_repo_id) */
export function checkRepositoryName(repository: string): void {
  const isName = /^[\w.-]+\/[\w.-]+$/.test(repository) && repository.length <= 96;
  if (isName && !/--|\.\.|\.git$|\/[.-]|^[.-]|[.-]$|[.-]\//.test(repository)) return;
  throw new UserError({
    field: '--repo',
    value: repository,
    problem: 'not a name of a repository on the Hub',
    remedy:
      'use ORG/NAME: letters, digits, "-", "_" and ".", at most 96, no "--" or "..", and none of "-" and "." at an end',
  });
}

type Access = Parameters<typeof createRepo>[0];

/** Whether there is such a repository that the token may see. */
async function isMade(access: Access): Promise<boolean> {
  try {
    await checkRepoAccess(access);
    return true;
  } catch (error) {
    if (isAnswer(error, 404)) return false;
    throw error;
  }
}

function isAnswer(error: unknown, status: number): boolean {
  return error instanceof HubApiError && error.statusCode === status;
}

async function createRepository(
  access: Access,
  { repository, isPrivate, progress }: UploadOptions,
): Promise<HubFile[]> {
  await createRepo({ ...access, ...(isPrivate && { visibility: 'private' as const }) }).catch(
    (error: unknown) => {
      if (!isAnswer(error, 409)) throw error; // made by a request whose answer was lost
    },
  );
  progress(`${repository}: made${isPrivate ? ', private' : ''}`);
  return [];
}

async function isThere(file: PublishedFile, present: readonly HubFile[]): Promise<boolean> {
  const other = present.find(({ path }) => path === file.path);
  if (other?.size !== file.bytes) return false;
  return other.sha256 ? other.sha256 === file.sha256 : other.oid === (await file.sha1());
}

/** Weights of an earlier upload that this one does not replace: loaders would take them for the model's. */
function staleWeights(files: readonly PublishedFile[], present: readonly HubFile[]): string[] {
  const own = new Set(files.map(({ path }) => path));
  const isWeights = (path: string) => /^(model|adapter_model)\b.*\.safetensors(\.index\.json)?$/.test(path);
  return present.map(({ path }) => path).filter((path) => isWeights(path) && !own.has(path));
}

function addition({ path, content }: PublishedFile): CommitOperation {
  const source = 'text' in content ? new Blob([content.text]) : pathToFileURL(content.file);
  return { operation: 'addOrUpdate', path, content: source };
}

async function explain(hub: HubConnection, repository: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const complaint = complaintOf(error, hub);
    throw complaint ? new UserError({ file: repository, ...complaint }, { cause: error }) : error;
  }
}

/** What the Hub would not do; that it is busy or out of reach has been said before. */
function complaintOf(error: unknown, { endpoint, token }: HubConnection): Complaint | undefined {
  if (!(error instanceof HubApiError)) return undefined;
  const { statusCode, data } = error;
  const tokens = `${endpoint}/settings/tokens`;
  if (statusCode === 401)
    return { problem: `the Hub does not know the token of ${token!.from}`, remedy: `make one on ${tokens}` };
  if (statusCode === 403)
    return {
      problem: `the token of ${token!.from} may not write there (HTTP 403)`,
      remedy: `give it write access to this repository on ${tokens}`,
    };
  if (statusCode === 404)
    return {
      problem: `${endpoint} answered HTTP 404`,
      remedy: 'check the name before the "/", and that what HF_ENDPOINT names takes uploads',
    };
  const said = typeof data?.error === 'string' ? `: ${data.error}` : '';
  return {
    problem: `the Hub answered HTTP ${statusCode}${said}`,
    remedy: 'run the same command again: what was sent is not sent again',
  };
}
