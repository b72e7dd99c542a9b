// metrics.jsonl: one line a step, one more where the held-out samples were evaluated. Only what repeats exactly in a
// repeated run stands here (no times), so the file of a resumed run is the file of an uninterrupted one.
import { appendFile } from 'node:fs/promises';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import type { HeldOutScores } from './heldOut.ts';

/** Means over the loss positions of a step, before its update. */
export interface StepMetrics {
  step: number;
  loss: number;
  divergence: number;
  cross_entropy: number;
  learning_rate: number;
  gradient_norm: number;
  tokens: number;
  loss_positions: number;
}

/** One line of the file. */
export type MetricRecord = StepMetrics | { step: number; held_out: HeldOutScores };

/** Commits the whole file. */
export function writeMetrics(path: string, records: readonly MetricRecord[]): Promise<FileRecord> {
  return commitBytes(path, records.map(line).join(''));
}

/** Adds a line to the file of a run that is under way, for those who watch it. */
export function appendMetric(path: string, record: MetricRecord): Promise<void> {
  return appendFile(path, line(record));
}

function line(record: MetricRecord): string {
  return JSON.stringify(record) + '\n';
}
