// Statistics of a manifest as tables, whatever they hold: records of records become tables with a row each, a `total`
// becomes the last row of the table that it sums up, and all other figures make one list.
import type { Json } from '../artifact/fingerprint.ts';
import { isRecord, leavesOf, recordsOf, wordsOf, type JsonRecord } from './jsonRecord.ts';
import type { Markup } from './markup.ts';
import { recordTable } from './table.ts';

/** The tables; `captions` are by the key of the statistics, `overall` for the list, `heading` is that of the first column. */
export function statisticsTables(
  statistics: JsonRecord,
  { captions = {}, heading = 'source' }: { captions?: Record<string, string>; heading?: string } = {},
): Markup[] {
  const { total, ...parts } = statistics;
  const groups = Object.entries(parts).filter(([, value]) => isGroup(value));
  const summed = groups.find(([, group]) => sumsUp(total, group))?.[0];
  const tables = groups.map(([key, group]) => {
    const records = Object.entries(recordsOf(group));
    if (key === summed && isRecord(total)) records.push(['total', total]);
    return recordTable({ caption: captions[key] ?? wordsOf(key), heading, records });
  });
  const listed = Object.entries(statistics).filter(
    ([key, value]) => !isGroup(value) && !(key === 'total' && summed !== undefined),
  );
  return [...tables, ...figureList(Object.fromEntries(listed), captions.overall ?? 'Overall')];
}

function isGroup(value: Json | undefined): boolean {
  const members = isRecord(value) ? Object.values(value) : [];
  return members.length > 0 && members.every(isRecord);
}

function sumsUp(total: Json | undefined, group: Json | undefined): boolean {
  if (!isRecord(total)) return false;
  return Object.values(recordsOf(group)).some((record) => Object.keys(total).every((key) => key in record));
}

function figureList(figures: JsonRecord, caption: string): Markup[] {
  const records = leavesOf(figures).map(([figure, value]) => [wordsOf(figure), { value }] as const);
  return records.length === 0 ? [] : [recordTable({ caption, heading: 'figure', records })];
}
