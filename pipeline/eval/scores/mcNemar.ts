// McNemar's exact test (1947): whether of two models, each right or wrong on the same items, one is better. Only the
// items count on which they disagree; were the models equal, each would fall to either side like a fair coin.

/**
 * The two-sided p-value: twice the binomial probability of so uneven a split or a more uneven one, at most 1.
 * @param gained items that only the second model gets right
 * @param lost items that only the first model gets right
 */
export function mcNemarTest({ gained, lost }: { gained: number; lost: number }): number {
  const n = gained + lost;
  let logTerm = -n * Math.LN2; // log of C(n, k) / 2^n, from k = 0 on
  let tail = Math.exp(logTerm);
  for (let k = 0; k < Math.min(gained, lost); k++) {
    logTerm += Math.log((n - k) / (k + 1));
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}
