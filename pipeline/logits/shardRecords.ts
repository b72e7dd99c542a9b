// A shard's record: NAME.json beside NAME.arrow, committed after it, says whose logits it holds and what its sha256 is.
// So a finished shard is known and checked before there is a manifest, by the run that goes on after a kill as by a
// later one with another mix. A shard without a record, or unlike it, counts for nothing and is made again.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { commitBytes } from '../artifact/commitFile.ts';
import { filesAreIntact } from '../artifact/manifest.ts';
import { findNames } from '../artifact/optionalFiles.ts';
import { logitsFormatVersion, writeShard, type SampleLogits, type ShardFormat } from './logitsShard.ts';

const recordSchema = z.object({
  formatVersion: z.literal(logitsFormatVersion),
  /** The chunk of a mix that it was made for (shardPlan.ts). */
  chunk: z.string(),
  shard: z.object({ file: z.string(), bytes: z.int(), sha256: z.string(), rows: z.int() }),
  /** Sample ids by row. */
  samples: z.array(z.string()),
  /** Rows of each record batch. */
  batches: z.array(z.int()),
});

export type ShardRecord = z.infer<typeof recordSchema>;

/** Commits the shard of a chunk and then its record. */
export async function commitShard(
  folder: string,
  chunk: string,
  samples: readonly SampleLogits[],
  format: ShardFormat,
): Promise<void> {
  const { record, batches } = await writeShard(join(folder, `shard-${chunk}.arrow`), samples, format);
  const content: ShardRecord = {
    formatVersion: logitsFormatVersion,
    chunk,
    shard: { ...record, rows: samples.length },
    samples: samples.map(({ id }) => id),
    batches,
  };
  await commitBytes(join(folder, recordName(chunk)), JSON.stringify(content) + '\n');
}

export function recordName(chunk: string): string {
  return `shard-${chunk}.json`;
}

/** The records of all intact shards of a folder, by name; each shard's sha256 is checked. */
export async function findShards(folder: string): Promise<ShardRecord[]> {
  const found: ShardRecord[] = [];
  for (const name of (await findNames(folder)) ?? []) {
    if (!/^shard-[0-9a-f]+\.json$/.test(name)) continue;
    const record = await readRecord(join(folder, name));
    if (
      record &&
      name === recordName(record.chunk) &&
      (await filesAreIntact(folder, { files: [record.shard] }))
    )
      found.push(record);
  }
  return found;
}

/** The record in a file, or undefined when it is not one. */
export async function readRecord(path: string): Promise<ShardRecord | undefined> {
  try {
    return recordSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
