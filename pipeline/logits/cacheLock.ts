// Who decides which shards make up a cache holds this lock: the run that finishes it, from finding what is missing to the
// manifest, and the one that removes what no manifest lists. (A single shard has a lock of its own while it is made.)
import { join } from 'node:path';
import { lockWork, type LockOptions, type WorkLock } from '../artifact/workLock.ts';

/** @throws UserError naming the holder when another process has it. */
export function lockCache(folder: string, options: LockOptions): Promise<WorkLock> {
  return lockWork(join(folder, 'manifest'), options);
}
