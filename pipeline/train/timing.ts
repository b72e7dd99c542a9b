// timing.json: what a run took. It lies beside the artifact and is not a part of it, as no two runs take the same time.
import { join } from 'node:path';
import { commitJson, readJsonObject } from '../artifact/jsonFile.ts';
import { isStep, type MetricRecord } from './metrics.ts';

/** Seconds in optimizer steps, over all the times the run was started; evaluations and checkpoints are not counted. */
export interface Timing {
  seconds: number;
  tokens_per_second: number;
  /** Of each step, in order. */
  step_seconds?: number[];
}

/** Commits the file. */
export async function writeTiming(
  folder: string,
  { metrics, seconds }: { metrics: readonly MetricRecord[]; seconds: readonly number[] },
): Promise<void> {
  const total = seconds.reduce((sum, each) => sum + each, 0);
  const tokens = metrics.filter(isStep).reduce((sum, each) => sum + each.tokens, 0);
  const timing: Timing = {
    seconds: total,
    tokens_per_second: total > 0 ? tokens / total : 0,
    step_seconds: seconds.map((each) => Number(each.toPrecision(4))),
  };
  await commitJson(join(folder, 'timing.json'), timing);
}

/** What the run in `folder` took; undefined while it is not finished. */
export async function readTiming(folder: string): Promise<Timing | undefined> {
  return (await readJsonObject(join(folder, 'timing.json'))) as Timing | undefined;
}
