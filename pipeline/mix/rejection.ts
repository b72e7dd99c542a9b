// Why a row is not in the mix: a line of rejected.jsonl.

/** Where a row comes from; `row` counts from 0 within the file. */
export interface Origin {
  source: string;
  file: string;
  row: number;
}

/** What is wrong with a row; the row that it repeats, or the items of benchmarks that it holds. */
export type Reason =
  | { reason: string }
  | { reason: 'duplicate'; of: Origin }
  /** `similarity`: Jaccard, of word n-grams. */
  | { reason: 'near_duplicate'; of: Origin; similarity: number }
  /** `items`: indices of rows by task. */
  | { reason: 'benchmark_overlap'; items: Record<string, number[]> };

/** A line of rejected.jsonl. */
export type Rejection = Origin & Reason;

/** Only where it comes from. */
export function originOf({ source, file, row }: Origin): Origin {
  return { source, file, row };
}

/** Rows by reason, as `where 12, duplicate 3`. */
export function reasonsText(rejected: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  return reasons.map(([reason, rows]) => `${reason} ${rows}`).join(', ') || 'none';
}
