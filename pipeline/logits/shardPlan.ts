// Which samples go into which shard. The mix, in its order, is cut into chunks; a chunk is named by the hash of its
// sample ids and its shard by that. A shard holds the samples of its chunk that no shard of another chunk (made for
// an earlier mix) has already. Both depend on the mix and on what was there before, not on how far a run has come:
// so a run that was killed, or shared among processes, ends with the same files.
import { fingerprint } from '../artifact/fingerprint.ts';
import { lossPositions } from '../mix/batches.ts';
import { cutBySize } from '../mix/cutBySize.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import type { ShardRecord } from './shardRecords.ts';

/** Consecutive samples of a mix. */
export interface Chunk {
  /** 16 hex digits. */
  name: string;
  samples: Sample[];
}

/** A shard to be made. */
export interface PlannedShard {
  chunk: string;
  samples: Sample[];
}

/** Cuts the mix where `shardTokens` loss positions are reached. */
export function chunksOf(samples: readonly Sample[], shardTokens: number): Chunk[] {
  const groups = cutBySize(samples, { size: shardTokens, sizeOf: (sample) => lossPositions([sample]) });
  return groups.map((group) => ({
    name: fingerprint(group.map(({ id }) => id)).slice(0, 16),
    samples: group,
  }));
}

/** The shards that are still to be made, in the order of the chunks. */
export function missingShards(chunks: readonly Chunk[], found: readonly ShardRecord[]): PlannedShard[] {
  const { own, elsewhere } = bySide(chunks, found);
  return chunks.flatMap(({ name, samples }) => {
    const needed = samples.filter(({ id }) => !elsewhere.has(id));
    const present = new Set(own.get(name)?.samples);
    return needed.every(({ id }) => present.has(id)) ? [] : [{ chunk: name, samples: needed }];
  });
}

/** The shards that hold the mix: those of its chunks, then those of others with samples that these lack. */
export function shardsInUse(chunks: readonly Chunk[], found: readonly ShardRecord[]): ShardRecord[] {
  const { own, others } = bySide(chunks, found);
  const ownShards = chunks.flatMap(({ name }) => own.get(name) ?? []);
  const covered = new Set(ownShards.flatMap(({ samples }) => samples));
  const lacking = new Set(
    chunks.flatMap(({ samples }) => samples.map(({ id }) => id)).filter((id) => !covered.has(id)),
  );
  const borrowed = others.filter(({ samples }) => {
    const gives = samples.filter((id) => lacking.has(id));
    gives.forEach((id) => lacking.delete(id));
    return gives.length > 0;
  });
  return [...ownShards, ...borrowed];
}

function bySide(chunks: readonly Chunk[], found: readonly ShardRecord[]) {
  const names = new Set(chunks.map(({ name }) => name));
  const own = new Map(found.filter(({ chunk }) => names.has(chunk)).map((record) => [record.chunk, record]));
  const others = found.filter(({ chunk }) => !names.has(chunk));
  return { own, others, elsewhere: new Set(others.flatMap(({ samples }) => samples)) };
}
