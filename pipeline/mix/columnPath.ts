// Columns by name, and what lies within them by dotted path: `meta.language`, `generations.0`.

/** The value at a path: the column of just that name, or else down from the column of its first part. */
export function valueAt(row: Record<string, unknown>, path: string): unknown {
  if (Object.hasOwn(row, path) || !path.includes('.')) return row[path];
  return path
    .split('.')
    .reduce<unknown>((value, key) => (isOwnKey(value, key) ? value[key] : undefined), row);
}

/** The column that a path begins in. */
export function columnOfPath(path: string, columns: readonly string[]): string {
  return columns.includes(path) ? path : path.split('.', 1)[0]!;
}

function isOwnKey(value: unknown, key: string): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, key);
}
