// Rate and time left of long work, in the same words in every stage: `860 tokens/s, 3 min 20 s left`.

/**
 * Starts the clock.
 * @param unit what is counted, in the plural
 * @param total how many there are; without it no time left is told
 * @returns what to call with each amount done; it gives the pace so far
 */
export function progressMeter({ unit, total }: { unit: string; total?: number }): (amount: number) => string {
  const start = performance.now();
  let done = 0;
  return (amount) => {
    done += amount;
    const rate = done / ((performance.now() - start) / 1000);
    const isKnown = total !== undefined && rate > 0; // after a download that began anew nothing may be done
    const left = isKnown ? `, ${duration((total - done) / rate)} left` : '';
    return `${rate >= 1e6 ? `${(rate / 1e6).toFixed(1)} M` : rate.toFixed(rate < 10 ? 1 : 0)} ${unit}/s${left}`;
  };
}

/** `3 min 20 s`, from the largest unit that fits to the next. */
export function duration(seconds: number): string {
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.ceil(seconds)} s`;
}
