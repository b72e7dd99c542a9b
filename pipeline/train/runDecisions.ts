// What a run decides by its own figures: its best state, when to stop early, when to give up. All of it is read from the
// metrics, which are part of the checkpoint, so a resumed run decides as an uninterrupted one.
import { isStep, type HeldOutMetrics, type MetricRecord } from './metrics.ts';

/** The evaluation with the lowest held-out KL, the first of equals; the untrained student (step 0) does not count. */
export function bestEvaluation(metrics: readonly MetricRecord[]): HeldOutMetrics | undefined {
  let best: HeldOutMetrics | undefined;
  for (const record of evaluations(metrics))
    if (Number.isFinite(record.held_out.kl) && record.held_out.kl < (best?.held_out.kl ?? Infinity))
      best = record; // what is not finite is null in a state that was read back, and null < 1
  return best;
}

/** Whether `patience` evaluations in a row were no better than the best; never without patience. */
export function isOutOfPatience(metrics: readonly MetricRecord[], patience: number | undefined): boolean {
  const best = bestEvaluation(metrics)?.step ?? 0;
  return patience !== undefined && evaluations(metrics).filter(({ step }) => step > best).length >= patience;
}

/** How many of the last steps in a row were skipped. */
export function badStepsInARow(metrics: readonly MetricRecord[]): number {
  const steps = metrics.filter(isStep);
  return steps.length - 1 - steps.findLastIndex(({ skipped }) => !skipped);
}

function evaluations(metrics: readonly MetricRecord[]): HeldOutMetrics[] {
  return metrics.filter((record): record is HeldOutMetrics => !isStep(record) && record.step > 0);
}
