// How far a run over samples is: done and total, tokens a second, time left; a line every few seconds.
import type { Sample } from '../mix/tokensArrow.ts';

const SECONDS_BETWEEN = 5;

/** @returns what to call with each batch of samples as it is done; the last one always gives a line. */
export function progressMeter(
  all: readonly Sample[],
  report: (line: string) => void,
): (batch: readonly Sample[]) => void {
  const start = performance.now();
  const total = tokensOf(all);
  let [samples, tokens, reported] = [0, 0, start];
  return (batch) => {
    samples += batch.length;
    tokens += tokensOf(batch);
    const now = performance.now();
    if (tokens < total && now - reported < 1000 * SECONDS_BETWEEN) return;
    reported = now;
    const rate = (1000 * tokens) / (now - start);
    report(
      `${samples}/${all.length} samples, ${rate.toFixed(0)} tokens/s, ${duration((total - tokens) / rate)} left`,
    );
  };
}

function tokensOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
}

function duration(seconds: number): string {
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.ceil(seconds)} s`;
}
