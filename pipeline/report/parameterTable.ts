// Parameters of one artifact, or of several beside each other. Unlike figures they are shown to the last digit.
import type { Json } from '../artifact/fingerprint.ts';
import { leavesOf, type JsonRecord } from './jsonRecord.ts';
import type { Markup } from './markup.ts';
import { table } from './table.ts';

/** A row for each parameter, a column for each artifact; `differing` leaves only rows that are not the same in all. */
export function parameterTable(
  artifacts: readonly (readonly [name: string, parameters: JsonRecord])[],
  { caption, rows = 'all' }: { caption: string; rows?: 'all' | 'differing' },
): Markup {
  const columns = artifacts.map(([, parameters]) => new Map(leavesOf(parameters)));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const lines = names.map((name) => [name, ...columns.map((column) => exact(column.get(name)))] as const);
  return table({
    caption,
    head: ['parameter', ...artifacts.map(([name]) => name)],
    rows: lines.filter(([, ...values]) => rows === 'all' || new Set(values).size > 1),
  });
}

function exact(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
