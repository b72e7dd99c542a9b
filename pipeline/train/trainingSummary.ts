// The figures of a finished run that its manifest keeps, all taken from metrics.jsonl.
import type { Json } from '../artifact/fingerprint.ts';
import { isStep, type HeldOutMetrics, type MetricRecord } from './metrics.ts';
import { bestEvaluation } from './runDecisions.ts';

/** @param exported the step whose weights were exported; the last when undefined */
export function trainingSummary(
  metrics: readonly MetricRecord[],
  { exported }: { exported: number | undefined },
): Record<string, Json> {
  const steps = metrics.filter(isStep);
  const last = steps.at(-1);
  const skipped = steps.filter(({ skipped }) => skipped).length;
  return {
    steps: steps.length,
    tokens: steps.reduce((sum, { tokens }) => sum + tokens, 0),
    ...(skipped > 0 && { skipped_steps: skipped }),
    ...(last && {
      final_loss: last.loss,
      final_divergence: last.divergence,
      final_cross_entropy: last.cross_entropy,
    }),
    exported_step: exported ?? steps.length,
    ...heldOutSummary(metrics),
  };
}

/** The held-out samples before the first step, at the lowest KL and after the last step, if they were evaluated. */
function heldOutSummary(metrics: readonly MetricRecord[]): Record<string, Json> {
  const all = metrics.filter((record): record is HeldOutMetrics => !isStep(record));
  const moments = { before: all[0], best: bestEvaluation(all), last: all.at(-1) };
  const found = Object.entries(moments).flatMap(([name, record]) =>
    record ? [[name, { step: record.step, ...record.held_out }] as const] : [],
  );
  return found.length > 0 ? { held_out: Object.fromEntries(found) } : {};
}
