// comparison.json: what training changed, beside the later of two evaluations. Its reader needs nothing of what computed
// it, so the report reads it in no time.
import { join } from 'node:path';
import type { FileRecord } from '../../artifact/commitFile.ts';
import { commitJson, readJsonObject } from '../../artifact/jsonFile.ts';
import { UserError } from '../../config/userError.ts';
import type { ScoreDifference } from './compareScores.ts';
import type { Overlap } from './contamination.ts';
import type { PairedDifference } from './pairedDifference.ts';

/** The content of comparison.json. */
export interface Comparison {
  /** Of held_out by score: in nats, and for agreement from 0 to 1. */
  held_out: Record<string, PairedDifference>;
  benchmarks: ScoreDifference[];
  /** By task: items that share 13 words in a row with a training text. */
  contamination: Record<string, Overlap>;
}

const NAME = 'comparison.json';

/** Commits `folder/comparison.json`. */
export function writeComparison(folder: string, comparison: Comparison): Promise<FileRecord> {
  return commitJson(join(folder, NAME), comparison);
}

/** The comparison in `folder`; undefined where there is none. @throws UserError when it is not one. */
export async function readComparison(folder: string): Promise<Comparison | undefined> {
  const file = join(folder, NAME);
  const comparison = (await readJsonObject(file)) as Partial<Comparison> | undefined;
  if (!comparison) return undefined;
  const { held_out, benchmarks, contamination } = comparison;
  if (!held_out || !Array.isArray(benchmarks) || !contamination)
    throw new UserError({
      file,
      problem: 'not a comparison of two evaluations',
      remedy: 'run "make eval" again',
    });
  return { held_out, benchmarks, contamination };
}
