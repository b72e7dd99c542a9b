// Results as columns of text on stdout, wide enough for what they hold: words stand left, figures right.

/**
 * The table, a line each row; `rows` hold as many cells as the first, which is the head.
 * @param left numbers of the columns that stand left.
 */
export function textTable(
  rows: readonly (readonly (string | number)[])[],
  { left = [0] }: { left?: readonly number[] } = {},
): string {
  const lines = rows.map((row) => row.map(String));
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const cell = (text: string, i: number) =>
    left.includes(i) ? text.padEnd(widths[i]!) : text.padStart(widths[i]!);
  return lines.map((line) => line.map(cell).join('  ').trimEnd() + '\n').join('');
}
