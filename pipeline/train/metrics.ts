// metrics.jsonl: one line a step, one more where the held-out samples were evaluated. Only what repeats exactly in a
// repeated run stands here (no times), so the file of a resumed run is the file of an uninterrupted one.
import { appendFile } from 'node:fs/promises';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import type { HeldOutScores } from './heldOut.ts';

/** Means over the loss positions of a step, weighted by source, before its update; null in the file if not finite. */
export interface StepMetrics {
  step: number;
  loss: number;
  divergence: number;
  cross_entropy: number;
  learning_rate: number;
  gradient_norm: number;
  tokens: number;
  loss_positions: number;
  /** Only of a step without finite loss and gradient: the samples that may have caused it. Nothing was updated. */
  skipped?: string[];
}

/** The held-out samples after a step; before the first, after step 0. */
export interface HeldOutMetrics {
  step: number;
  held_out: HeldOutScores;
}

/** One line of the file. */
export type MetricRecord = StepMetrics | HeldOutMetrics;

/** Whether the record is that of a step. */
export function isStep(record: MetricRecord): record is StepMetrics {
  return 'loss' in record;
}

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
