// Files of a Hugging Face repository at one commit, in the cache that the Python tools use too (hubCache.ts).
// The Hub is asked which commit a branch stands for, and for the list of a commit's files if that is not known yet.
// When it is not to be asked (HF_HUB_OFFLINE) or does not answer, what the cache holds has to do, and that is said.
import { messageOf, UserError } from '../config/userError.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { downloadFiles, missingFiles } from './downloadFiles.ts';
import {
  COMMIT,
  hubCacheFolder,
  knownCommit,
  readTree,
  snapshotFolder,
  snapshotNames,
  storeOf,
  writeRef,
  writeTree,
} from './hubCache.ts';
import { hubConnection } from './hubConnection.ts';
import { HubError, isHubError, nameOf, type HubRepository } from './hubErrors.ts';
import { commitOf, filesAt, type AskOptions } from './hubListing.ts';

export type { HubRepository } from './hubErrors.ts';

/** A repository's files in the cache. */
export interface HubSnapshot {
  folder: string;
  /** The commit, 40 hex digits. */
  revision: string;
  /** Names below `folder`. */
  files: string[];
}

export interface SnapshotOptions {
  /** Picks from the names of all files, perhaps none. */
  select: (names: string[]) => string[];
  /** Is told of downloads, and of what stands in for them. */
  progress: Progress;
  /** What the revision is known to stand for; default: the Hub is asked. */
  commit?: string;
}

/**
 * Downloads the files of a repository that are not in the cache yet.
 * @throws HubError when the Hub cannot be reached, denies access, has no such thing or sends another file; or when it
 * may not be asked, and the cache does not hold them all.
 */
export async function fetchSnapshot(
  repository: HubRepository,
  { progress, ...choice }: SnapshotOptions,
): Promise<HubSnapshot> {
  const hub = await hubConnection();
  if (hub.isOffline) return cachedSnapshot(repository, choice);
  try {
    return await snapshotFromHub(choice, { hub, repository, progress });
  } catch (error) {
    if (!isHubError(error, 'absent', 'cut', 'busy')) throw error;
    const cached = await cachedSnapshot(repository, choice).catch(() => undefined);
    if (!cached) throw error;
    progress(`${error.message.split('; ')[0]}; using commit ${cached.revision} from the cache`);
    return cached;
  }
}

type Choice = Omit<SnapshotOptions, 'progress'>;

async function snapshotFromHub({ select, commit: known }: Choice, asking: AskOptions): Promise<HubSnapshot> {
  const { revision = 'main' } = asking.repository;
  const store = storeOf(asking.repository);
  const commit = known ?? (COMMIT.test(revision) ? revision : await commitOf(asking));
  const listedBefore = await readTree(store, commit);
  const listed = listedBefore ?? (await filesAt(commit, asking));
  const names = select(listed.map(({ path }) => path));
  const wanted = new Set(names);
  const files = listed.filter(({ path }) => wanted.has(path));
  const note = async () => {
    if (!listedBefore) await writeTree(store, commit, listed);
    await writeRef(store, revision, commit);
  };
  const missing = await missingFiles(files, { store, commit });
  if (missing.length > 0) await downloadFiles(missing, { ...asking, commit, note });
  else await note().catch(() => undefined); // a read-only cache only costs another question
  return { folder: snapshotFolder(store, commit), revision: commit, files: names };
}

/**
 * What the cache holds of a repository at the commit that its revision was last seen at.
 * @throws HubError when that is not all that is wanted.
 */
async function cachedSnapshot(
  repository: HubRepository,
  { select, commit: known }: Choice,
): Promise<HubSnapshot> {
  const store = storeOf(repository);
  const commit = known ?? (await knownCommit(store, repository.revision ?? 'main'));
  if (commit === undefined) throw notCached(repository, 'not in the cache');
  const present = await snapshotNames(store, commit);
  const listed = await readTree(store, commit);
  const names = chooseCached(repository, () => select(listed?.map(({ path }) => path) ?? present), listed);
  const missing = listed
    ? await missingFiles(
        listed.filter(({ path }) => names.includes(path)),
        { store, commit },
      )
    : [];
  if (missing.length > 0)
    throw notCached(repository, `the cache lacks ${missing.map(({ path }) => path).join(', ')}`);
  return { folder: snapshotFolder(store, commit), revision: commit, files: names };
}

/** Without a list of what there is, a choice that finds nothing only says that the cache does not hold it. */
function chooseCached(repository: HubRepository, choose: () => string[], listed: unknown): string[] {
  try {
    return choose();
  } catch (error) {
    if (listed || !(error instanceof UserError)) throw error;
    throw notCached(repository, `not whole in the cache (${messageOf(error)})`);
  }
}

function notCached(repository: HubRepository, problem: string): HubError {
  return new HubError('not_cached', {
    file: nameOf(repository),
    problem: `${problem} (${hubCacheFolder()})`,
    remedy: 'run the same command once without HF_HUB_OFFLINE',
  });
}
