// The learning rate by step: linear warm-up from 0, then cosine, linear or no decay to a fraction of the peak.
export const SCHEDULES = ['cosine', 'linear', 'constant'] as const;

export interface Schedule {
  schedule: (typeof SCHEDULES)[number];
  learningRate: number;
  /** Steps of linear warm-up; step 1 already moves. */
  warmupSteps: number;
  totalSteps: number;
  /** What remains of the peak at the last step, 0 to 1. */
  finalRatio: number;
}

/** The learning rate of update `step`, counted from 1 to `totalSteps`. */
export function learningRateAt(
  step: number,
  { schedule, learningRate, warmupSteps, totalSteps, finalRatio }: Schedule,
): number {
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return learningRate * (finalRatio + (1 - finalRatio) * decayAt(schedule, progress));
}

/** From 1 at progress 0 to 0 at progress 1. */
function decayAt(schedule: Schedule['schedule'], progress: number): number {
  if (schedule === 'constant') return 1;
  return schedule === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2;
}
