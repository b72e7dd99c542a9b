// The tables of the report. The first cell of each row is its header; wide tables scroll within their own box.
import type { Json } from '../artifact/fingerprint.ts';
import { formatNumber, NO_VALUE } from './formatNumber.ts';
import { leavesOf, wordsOf, type JsonRecord } from './jsonRecord.ts';
import { markup, type Markup } from './markup.ts';

/** A dash stands for nothing. */
export type Cell = string | number | Markup | null | undefined;

/** A table; `rows` hold as many cells as `head`. Columns with text stand left, those called `text` too, the others right. */
export function table({
  caption,
  head,
  rows,
  text = [],
}: {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly [header: string, ...cells: Cell[]])[];
  text?: readonly string[];
}): Markup {
  const isText = (i: number) =>
    i === 0 || text.includes(head[i]!) || rows.some((row) => typeof row[i] === 'string');
  const classes = head.map((_, i) => (isText(i) ? 'text' : 'number'));
  const titles = head.map((title, i) => markup`<th scope="col" class="${classes[i]}">${title}</th>`);
  const body = rows.map(([header, ...cells]) => {
    const values = cells.map((cell, i) => markup`<td class="${classes[i + 1]}">${show(cell)}</td>`);
    return markup`<tr><th scope="row">${header}</th>${values}</tr>\n`;
  });
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${titles}</tr></thead>
<tbody>
${body}</tbody>
</table></div>
`;
}

/** A row for each record, a column for each leaf that any of them has. */
export function recordTable({
  caption,
  heading,
  records,
}: {
  caption: string;
  heading: string;
  records: readonly (readonly [name: string, record: JsonRecord])[];
}): Markup {
  const rows = records.map(([name, record]) => ({ name, leaves: new Map(leavesOf(record)) }));
  const columns = [...new Set(rows.flatMap(({ leaves }) => [...leaves.keys()]))];
  return table({
    caption,
    head: [heading, ...columns.map(wordsOf)],
    rows: rows.map(
      ({ name, leaves }) => [name, ...columns.map((column) => cellOf(leaves.get(column)))] as const,
    ),
  });
}

function show(cell: Cell): Markup | string {
  return typeof cell === 'number' ? formatNumber(cell) : (cell ?? NO_VALUE);
}

function cellOf(value: Json | undefined): Cell {
  return typeof value === 'boolean' || (typeof value === 'object' && value !== null)
    ? JSON.stringify(value)
    : value;
}
