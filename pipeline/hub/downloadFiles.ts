// What a snapshot lacks, downloaded several files at a time under one line of progress. One process at a time does so
// for a repository: a second one waits, and then finds all there. The disk is asked first whether it will hold it.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { freeBytes } from '../artifact/freeBytes.ts';
import { lockWork } from '../artifact/workLock.ts';
import { duration, progressMeter } from '../terminal/progressMeter.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { downloadBlob } from './downloadBlob.ts';
import { blobPath, hasBlob, isInSnapshot, linkFile, storeOf, type HubFile } from './hubCache.ts';
import type { HubConnection } from './hubConnection.ts';
import type { HubRepository } from './hubErrors.ts';
import { fileUrl } from './hubRequest.ts';
import { diskFull } from './partialFile.ts';

const AT_ONCE = 4;

interface DownloadFilesOptions {
  hub: HubConnection;
  repository: HubRepository;
  commit: string;
  progress: Progress;
  free?: (folder: string) => Promise<number>;
}

/**
 * Sees to it that all files are in the snapshot of the commit.
 * @param options.note writes down what is known now; called at the end, while no other process does the same
 * @throws HubError when one cannot be had; UserError when the disk has no room. What has arrived is kept.
 */
export async function downloadFiles(
  files: readonly HubFile[],
  options: DownloadFilesOptions & { note: () => Promise<void> },
): Promise<void> {
  const { repository, progress } = options;
  const store = storeOf(repository);
  const notice = (line: string) => progress(`${repository.name}: ${line}`);
  const name = store.slice(dirname(store).length + 1);
  const lock = await lockWork(join(dirname(store), '.locks', name, 'redistill'), { patient: true, notice });
  try {
    const missing = await missingFiles(files, { store, commit: options.commit });
    await downloadAll(missing, { ...options, store });
    for (const file of missing) await linkFile(store, options.commit, file);
    await options.note();
  } finally {
    await lock.release();
  }
}

/** Those of the files that the snapshot lacks. */
export async function missingFiles(
  files: readonly HubFile[],
  { store, commit }: { store: string; commit: string },
): Promise<HubFile[]> {
  const present = await Promise.all(files.map((file) => isInSnapshot(store, commit, file)));
  return files.filter((_, i) => !present[i]);
}

async function downloadAll(
  missing: readonly HubFile[],
  { store, hub, repository, commit, progress, free = freeBytes }: DownloadFilesOptions & { store: string },
): Promise<void> {
  const wanted = await withoutBlobs(missing, store);
  if (wanted.length === 0) return;
  const needed = await bytesToCome(wanted, store);
  const room = await free(store);
  if (needed > room) throw diskFull({ folder: store, needed, free: room });
  const line = downloadProgress(repository.name, { files: wanted.length, bytes: needed, progress });
  const failing = new AbortController();
  const limit = pLimit(AT_ONCE);
  const download = async (file: HubFile) => {
    if (failing.signal.aborted) return;
    const url = fileUrl({ hub, repository }, { commit, path: file.path });
    const blob = blobPath(store, file);
    await downloadBlob(file, { hub, repository, blob, url, signal: failing.signal, ...line }).catch(
      (error: unknown) => {
        failing.abort(error);
      },
    );
  };
  await Promise.all(wanted.map((file) => limit(download, file)));
  failing.signal.throwIfAborted();
  line.done();
}

/** Files whose content is not there; of several with the same content one. */
async function withoutBlobs(missing: readonly HubFile[], store: string): Promise<HubFile[]> {
  const byBlob = new Map(missing.map((file) => [blobPath(store, file), file]));
  const present = await Promise.all([...byBlob.values()].map((file) => hasBlob(store, file)));
  return [...byBlob.values()].filter((_, i) => !present[i]);
}

async function bytesToCome(files: readonly HubFile[], store: string): Promise<number> {
  const left = files.map(async (file) => {
    const partial = await stat(`${blobPath(store, file)}.incomplete`).catch(() => undefined);
    return Math.max(0, file.size - (partial?.size ?? 0));
  });
  return (await Promise.all(left)).reduce((sum, bytes) => sum + bytes, 0);
}

/** A line at the start and the end, the pace between; and the reasons of what is tried again. */
function downloadProgress(
  name: string,
  { files, bytes, progress }: { files: number; bytes: number; progress: Progress },
) {
  const start = performance.now();
  const total = megabytes(bytes);
  const pace = progressMeter({ unit: 'MB', total: bytes / 1e6 });
  let arrived = 0;
  progress(`${name}: ${files} ${files === 1 ? 'file' : 'files'}, ${total} MB to download`);
  return {
    notice: progress,
    received: (count: number) => {
      arrived += count;
      progress(`${name}: ${megabytes(arrived)} of ${total} MB, ${pace(count / 1e6)}`, 'pace');
    },
    done: () => progress(`${name}: ${total} MB in ${duration((performance.now() - start) / 1000)}`),
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
