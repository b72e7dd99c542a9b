// Whether the disk will hold the shards that are to be made, asked before the first of them. Most that they can take is
// known: all tokens that a position may keep. Only where that is more than is free, the teacher reads a few samples,
// spread over the work, and what these take for a position, and a tenth more, is taken for all.
import { freeBytes } from '../artifact/freeBytes.ts';
import { UserError } from '../config/userError.ts';
import { hasTargets, lossPositions } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { valueBytes } from './logitsShard.ts';
import type { SampleLogits, ShardFormat } from './shardColumns.ts';

const SAMPLES_READ = 4;

/** For what Arrow puts around the values, records, and that other samples are not like those read. */
const MARGIN = 1.1;

interface RoomOptions {
  format: ShardFormat;
  /** Most tokens that a position keeps. */
  mostTokens: number;
  /** What the teacher gives for some samples. */
  compute: (samples: readonly Sample[]) => Promise<SampleLogits[]>;
  free?: ((folder: string) => Promise<number>) | undefined;
}

/** @throws UserError with both numbers when the disk of `folder` has no room for the shards of `samples`. */
export async function requireRoom(
  folder: string,
  samples: readonly Sample[],
  { format, mostTokens, compute, free = freeBytes }: RoomOptions,
): Promise<void> {
  const targeted = samples.filter(hasTargets);
  const room = await free(folder);
  if (bytesFor(targeted, mostTokens, format) <= room) return;
  const step = Math.ceil(targeted.length / SAMPLES_READ);
  const chosen = targeted.filter((_, i) => i % step === 0);
  const read = await compute(chosen);
  const tokens = read.reduce((sum, { ids }) => sum + ids.length, 0);
  const needed = bytesFor(targeted, tokens / lossPositions(chosen), format);
  if (needed <= room) return;
  throw new UserError({
    file: folder,
    problem: `the shards still to be made take about ${megabytes(needed)}, and the disk has ${megabytes(room)} left`,
    remedy:
      'free some space, or keep less by logits.yaml: precision uint8, a higher min_probability, a lower top_k',
  });
}

/** Bytes of shards with so many tokens at a position. */
function bytesFor(samples: readonly Sample[], tokensEach: number, format: ShardFormat): number {
  const sizes = samples.map((sample) => {
    const positions = lossPositions([sample]);
    return valueBytes({ positions, tokens: Math.ceil(positions * tokensEach) }, format);
  });
  return MARGIN * sizes.reduce((sum, size) => sum + size, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toPrecision(3)} MB`;
}
