// Locks on work that two processes may start at once, here or on two machines that share a file system: NAME.lock-1 is
// made with O_EXCL, which NFS keeps, and says who holds it. `kill -9` leaves it behind, so a lock whose process is gone is
// taken over by making NAME.lock-2, which one process alone can do; nobody removes a lock that might have a new holder.
// Whether a process of another machine is gone cannot be asked: a thread of the holder (TensorFlow blocks the main one
// for minutes) renews the file's time, and who wants the lock watches whether that moves, by no clock but its own.
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { hasCode, UserError } from '../config/userError.ts';
import { explainDiskError } from './commitFile.ts';
import { findNames } from './optionalFiles.ts';
import { markOfThisProcess, runsStill } from './runningProcess.ts';

export interface WorkLock {
  release: () => Promise<void>;
}

export interface LockOptions {
  /** Seconds between two signs of life. */
  beat?: number;
  /** Seconds without one after which a process of another machine counts as gone. */
  silence?: number;
  /** Told what is being waited for. */
  notice?: (line: string) => void;
  /** Waits for a living holder to release it, instead of refusing. */
  patient?: true;
}

const holderSchema = z.object({
  host: z.string(),
  pid: z.int(),
  place: z.string(),
  started: z.string(),
  since: z.string(),
});

interface FoundLock {
  file: string;
  generation: number;
}

/**
 * Takes the lock on `path` (which need not exist), at once or, when its holder was on another machine, after `silence`.
 * @throws UserError naming the holder when it is alive, unless `patient`.
 */
export async function lockWork(
  path: string,
  { beat = 10, silence = 60, notice = () => undefined, patient }: LockOptions = {},
): Promise<WorkLock> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw explainDiskError(error, dirname(path));
  });
  for (let waited = false; ;) {
    const last = (await findLocks(path)).at(-1);
    const holder = last && (await livingHolder(last, { silence, notice }));
    if (holder !== undefined) {
      if (!patient) throw heldLock(last!.file, holder);
      if (!waited) notice(`waiting for ${holder}, which is doing the same`);
      waited = true;
      await setTimeout(500);
      continue;
    }
    const generation = (last?.generation ?? 0) + 1;
    const file = `${path}.lock-${generation}`;
    if (!(await makeExclusively(file))) continue;
    const others = (await findLocks(path)).filter((lock) => lock.file !== file);
    if (others.some((lock) => lock.generation > generation)) {
      await rm(file, { force: true }); // all this happened since we looked; look again
      continue;
    }
    for (const stale of others) await rm(stale.file, { force: true });
    return keepAlive(file, beat);
  }
}

/**
 * Removes what was left, by a process killed just after it had finished, of the locks on `names` in a folder. The work
 * has to be done: who still has such a lock is about to release it.
 */
export async function removeLocks(folder: string, names: ReadonlySet<string>): Promise<void> {
  for (const file of (await findNames(folder)) ?? []) {
    const name = /^(.+)\.lock-\d+$/.exec(file)?.[1];
    if (name !== undefined && names.has(name)) await rm(join(folder, file), { force: true });
  }
}

/** The locks on `path`, the one that counts last. */
async function findLocks(path: string): Promise<FoundLock[]> {
  const prefix = `${basename(path)}.lock-`;
  const names = ((await findNames(dirname(path))) ?? []).filter((name) => name.startsWith(prefix));
  return names
    .map((name) => ({ file: join(dirname(path), name), generation: Number(name.slice(prefix.length)) }))
    .sort((a, b) => a.generation - b.generation);
}

async function makeExclusively(file: string): Promise<boolean> {
  const holder = { ...markOfThisProcess(), since: new Date().toISOString() };
  try {
    await writeFile(file, JSON.stringify(holder) + '\n', { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw explainDiskError(error, file);
  }
}

/** Who holds a lock, or undefined when that process is gone. */
async function livingHolder(
  { file }: FoundLock,
  { silence, notice }: Required<Pick<LockOptions, 'silence' | 'notice'>>,
): Promise<string | undefined> {
  const holder = (await readHolder(file)) ?? (await readHolder(file, { delay: 1000 }));
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'an unknown process';
  const runs = holder && runsStill(holder);
  if (runs === undefined) notice(`${file} is held by ${who}: watching for ${silence} s whether it is alive`);
  if (!(runs ?? (await showsLife(file, silence)))) return undefined;
  return holder ? `${who} since ${holder.since}` : who;
}

function heldLock(file: string, holder: string): UserError {
  return new UserError({
    file,
    problem: `held by ${holder}, which is alive`,
    remedy: 'wait for it or end it, then run the same command again',
  });
}

/** Undefined when the file was just released, just made, or its process died before it wrote a word. */
async function readHolder(
  file: string,
  { delay = 0 }: { delay?: number } = {},
): Promise<z.infer<typeof holderSchema> | undefined> {
  await setTimeout(delay);
  try {
    return holderSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Whether the time of a file moves within `silence` seconds; false, too, as soon as the file is gone. */
async function showsLife(file: string, silence: number): Promise<boolean> {
  const first = await timeOf(file);
  const end = performance.now() + 1000 * silence;
  while (first !== undefined && performance.now() < end) {
    await setTimeout((1000 * silence) / 30);
    const now = await timeOf(file);
    if (now !== first) return now !== undefined;
  }
  return false;
}

/** Modification time; the file is opened for it, as an NFS client answers `stat` from memory. */
async function timeOf(file: string): Promise<number | undefined> {
  try {
    const handle = await open(file);
    const { mtimeMs } = await handle.stat().finally(() => handle.close());
    return mtimeMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESTALE')) return undefined;
    throw error;
  }
}

const HEARTBEAT = `
const { utimesSync } = require('node:fs');
const { file, beat } = require('node:worker_threads').workerData;
setInterval(() => {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {} // not reachable at the moment, or released
}, 1000 * beat);
`;

function keepAlive(file: string, beat: number): WorkLock {
  const heart = new Worker(HEARTBEAT, { eval: true, execArgv: [], workerData: { file, beat } });
  heart.unref();
  return {
    release: async () => {
      await heart.terminate();
      await rm(file, { force: true });
    },
  };
}
