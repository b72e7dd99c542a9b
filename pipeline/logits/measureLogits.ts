// The figures of a finished cache, from reading it once and the teacher a few sequences.
import type { Sample } from '../mix/tokensArrow.ts';
import type { Decoder } from '../model/decoder.ts';
import { batchTokensOf } from './batchTokens.ts';
import type { Original } from './describeTeacher.ts';
import { fidelitySequences, measureFidelity } from './fidelity.ts';
import { readShards } from './logitsCache.ts';
import type { LogitsConfig } from './logitsConfig.ts';
import { measureCache, type LogitsStatistics } from './logitsStatistics.ts';
import type { ShardFormat } from './shardColumns.ts';
import type { ShardRecord } from './shardRecords.ts';

interface MeasureOptions {
  samples: readonly Sample[];
  /** Of the shards. */
  folder: string;
  format: ShardFormat;
  config: LogitsConfig;
  decoder: Decoder;
  original: Original;
  /** Told what there is nothing to compare with. */
  progress: (line: string) => void;
}

/** @param records of the shards that hold the samples */
export async function measureLogits(
  { samples, folder, format, config, original, decoder, progress }: MeasureOptions,
  records: readonly ShardRecord[],
): Promise<LogitsStatistics> {
  const { vocabularySize, temperatures, draws } = format;
  const cache = readShards(
    records.map((record) => ({ folder, record })),
    temperatures,
  );
  const compared = { cache: draws === undefined ? cache : undefined, original: original.folder };
  const count = compared.cache || compared.original ? config.fidelity_sequences : 0;
  const sequences = fidelitySequences(samples, count);
  const batchTokens = await batchTokensOf(config.batch_tokens, decoder.config);
  const sizes = { vocabularySize, batchTokens, headBlock: config.head_block };
  if (original.absent !== undefined && config.fidelity_sequences > 0) progress(original.absent);
  try {
    return {
      ...{ vocabulary_size: vocabularySize, temperatures: [...temperatures] },
      ...(draws !== undefined && { draws }),
      ...(await measureCache(samples, cache, { format, records })),
      ...(sequences.length > 0 && {
        fidelity: await measureFidelity(sequences, { decoder, ...compared, ...sizes }),
      }),
    };
  } finally {
    await cache.close();
  }
}
