// Assertions that show what was measured also when they pass: `make test-real` prints a line for each.
import type { Test } from 'tap';

/** Asserts that `value` is at most `limit`; NaN is not. */
export function atMost(t: Test, what: string, value: number, limit: number): void {
  const line = `${what}: ${value.toPrecision(3)} (at most ${limit})`;
  show(line);
  t.ok(value <= limit, line);
}

/** Asserts that all of `total` cases are as they should be. */
export function allOf(t: Test, what: string, good: number, total: number): void {
  const line = `${what}: ${good} of ${total}`;
  show(line);
  t.ok(total > 0 && good === total, line);
}

/** Past tap, which keeps stdout for itself. */
export function show(line: string): void {
  console.error(`  ${line}`);
}
