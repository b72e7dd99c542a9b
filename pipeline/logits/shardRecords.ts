// A shard's record: NAME.json beside NAME.arrow, committed after it, says whose logits it holds and what its sha256 is.
// So a finished shard is known and checked before there is a manifest, by the run that goes on after a kill as by a
// later one with another mix. A shard without a record, or unlike it, counts for nothing and is made again.
import { join } from 'node:path';
import { z } from 'zod';
import { commitBytes } from '../artifact/commitFile.ts';
import { fingerprint } from '../artifact/fingerprint.ts';
import { filesAreIntact } from '../artifact/manifest.ts';
import { findNames, findText } from '../artifact/optionalFiles.ts';
import { logitsFormatVersion, valueBytes, writeShard } from './logitsShard.ts';
import type { SampleLogits, ShardFormat } from './shardColumns.ts';

const recordSchema = z.object({
  formatVersion: z.literal(logitsFormatVersion),
  /** The chunk of a mix that it was made for (shardPlan.ts). */
  chunk: z.string(),
  shard: z.object({ file: z.string(), bytes: z.int(), sha256: z.string(), rows: z.int() }),
  /** Sample ids by row. */
  samples: z.array(z.string()),
  /** Rows of each record batch. */
  batches: z.array(z.int()),
  /** Bytes of the samples' values: the file has more, for what Arrow puts around them. */
  valueBytes: z.int(),
  /** Of all the above, so that no flipped bit in this file goes unseen. */
  fingerprint: z.string(),
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
  const content: Omit<ShardRecord, 'fingerprint'> = {
    formatVersion: logitsFormatVersion,
    chunk,
    shard: { ...record, rows: samples.length },
    samples: samples.map(({ id }) => id),
    batches,
    valueBytes: samples.reduce(
      (sum, { counts, ids }) => sum + valueBytes({ positions: counts.length, tokens: ids.length }, format),
      0,
    ),
  };
  const signed = { ...content, fingerprint: fingerprint(content) };
  await commitBytes(join(folder, recordName(chunk)), JSON.stringify(signed) + '\n');
}

export function recordName(chunk: string): string {
  return `shard-${chunk}.json`;
}

/**
 * The records of all intact shards of a folder, by name; each shard's sha256 is checked.
 * @param mine what of it concerns the caller: other shards need only have a record
 */
export async function findShards(
  folder: string,
  mine: (chunk: string) => boolean = () => true,
): Promise<ShardRecord[]> {
  const found: ShardRecord[] = [];
  for (const name of (await findNames(folder)) ?? []) {
    const chunk = /^shard-([0-9a-f]+)\.json$/.exec(name)?.[1];
    const record =
      chunk && (mine(chunk) ? await findShard(folder, chunk) : await readRecord(join(folder, name)));
    if (record) found.push(record);
  }
  return found;
}

/** The record of a chunk's shard, if that is there and intact. */
export async function findShard(folder: string, chunk: string): Promise<ShardRecord | undefined> {
  const record = await readRecord(join(folder, recordName(chunk)));
  const isIntact = record?.chunk === chunk && (await filesAreIntact(folder, { files: [record.shard] }));
  return isIntact ? record : undefined;
}

/** The record in a file, or undefined when there is none that is as it was written. */
export async function readRecord(path: string): Promise<ShardRecord | undefined> {
  const text = (await findText(path)) ?? 'null';
  try {
    const { fingerprint: signature, ...content } = recordSchema.parse(JSON.parse(text));
    return signature === fingerprint(content) ? { ...content, fingerprint: signature } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
