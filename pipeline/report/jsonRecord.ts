// Statistics and parameters as the report sees them: nested records of which only the nesting is known. So a stage may
// add a figure without a change here.
import type { Json } from '../artifact/fingerprint.ts';

/** A JSON object. */
export type JsonRecord = Record<string, Json | undefined>;

/** Whether a value is an object with members of its own. */
export function isRecord(value: Json | undefined): value is JsonRecord {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A key or path in words, for the head of a column. */
export function wordsOf(path: string): string {
  return path.replaceAll(/[._]/g, ' ');
}

/** The members of `value` that are records; none if it is not one itself. */
export function recordsOf(value: Json | undefined): Record<string, JsonRecord> {
  return Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).flatMap(([key, member]) =>
      isRecord(member) ? [[key, member] as const] : [],
    ),
  );
}

/** The leaves by dotted path, in order; arrays and empty records are leaves. */
export function leavesOf(record: JsonRecord, prefix = ''): [path: string, value: Json][] {
  return Object.entries(record).flatMap(([key, value]): [string, Json][] => {
    if (value === undefined) return [];
    if (isRecord(value) && Object.keys(value).length > 0) return leavesOf(value, `${prefix}${key}.`);
    return [[prefix + key, value]];
  });
}
