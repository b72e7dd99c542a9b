// tensorboard/: the curves of a run for TensorBoard, who reads every file in the folder. A resumed run writes them anew
// from its checkpoint, as the files of a killed one may hold steps that are about to be made again.
import { rm } from 'node:fs/promises';
import { openSummaryWriter } from '../engine/summaryWriter.ts';
import { isStep, type MetricRecord } from './metrics.ts';

/** What a record is worth in TensorBoard. `seconds` is what a step took. */
export interface Tensorboard {
  write: (record: MetricRecord, seconds?: number) => void;
  close: () => void;
}

/** Starts the files of `folder` again with what is known so far; `seconds` has one entry a step. */
export async function openTensorboard(
  folder: string,
  { metrics, seconds }: { metrics: readonly MetricRecord[]; seconds: readonly number[] },
): Promise<Tensorboard> {
  await rm(folder, { recursive: true, force: true });
  const writer = openSummaryWriter(folder);
  const add = (record: MetricRecord, seconds?: number) => {
    for (const [tag, value] of Object.entries(scalarsOf(record, seconds)))
      writer.scalar(tag, value ?? NaN, record.step); // JSON has no NaN: a figure that was not finite is null
  };
  for (const record of metrics) add(record, seconds[record.step - 1]);
  writer.flush();
  return {
    write: (record, seconds) => {
      add(record, seconds);
      writer.flush();
    },
    close: writer.close,
  };
}

function scalarsOf(record: MetricRecord, seconds?: number): Record<string, number | null> {
  if (!isStep(record)) {
    const { kl, cross_entropy, perplexity, agreement } = record.held_out;
    const scores = Object.entries({ kl, cross_entropy, perplexity, agreement });
    return Object.fromEntries(scores.map(([name, value]) => [`held_out/${name}`, value]));
  }
  const { loss, divergence: kl, cross_entropy, learning_rate, gradient_norm, tokens } = record;
  const pace = seconds === undefined ? {} : { tokens_per_second: tokens / seconds };
  return { loss, kl, cross_entropy, learning_rate, gradient_norm, ...pace };
}
