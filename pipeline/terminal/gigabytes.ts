// Bytes for people, in units of 10^9.

/** Three digits, as `12.3 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`;
}
