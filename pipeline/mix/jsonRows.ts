// Rows of JSON arrays and JSON Lines, streamed; of an object that holds its rows as an array, such as {"data": […]}, those.
import { UserError } from '../config/userError.ts';
import { isLeftOpen, jsonArrayRows } from './jsonArrayRows.ts';
import { jsonBytes } from './jsonBytes.ts';
import { asText, code, isSpace, maxRowBytes, parseRow, partsOfRow } from './jsonRow.ts';
import type { Row } from './readRows.ts';

/** All rows of a file; what its first characters are decides on what it is, whatever its name says. */
export async function* jsonRows(file: string): AsyncGenerator<Row[]> {
  const chunks = jsonBytes(file);
  let opening = Buffer.alloc(0);
  for await (const chunk of chunks) {
    opening = Buffer.concat([opening, chunk]);
    const first = opening.findIndex((byte) => !isSpace(byte));
    if (first === -1 && opening.length < maxRowBytes) continue;
    const within = arrayWithin(opening, first);
    const all = joined(opening, chunks);
    if (opening[first] === code('[')) yield* jsonArrayRows(file, { skip: first + 1, chunks: all });
    else if (within !== undefined) yield* jsonArrayRows(file, { skip: within, isWithin: true, chunks: all });
    else yield* lineRows(file, all);
    return;
  }
}

/**
 * The byte behind the bracket of an array of rows that an object begins with; undefined when the object is itself a row,
 * which it is when its line is a whole one and others follow.
 */
function arrayWithin(opening: Buffer, first: number): number | undefined {
  const wrapped = /^\{\s*"(data|rows|examples|instances|samples|items|train)"\s*:\s*\[(?=\s*\{)/;
  const match = wrapped.exec(opening.toString('latin1', first, first + 1000));
  if (!match) return undefined;
  const end = opening.indexOf(10, first);
  const isRow =
    end !== -1 &&
    opening.subarray(end).some((byte) => !isSpace(byte)) &&
    !isLeftOpen(opening.toString('utf8', first, end));
  return isRow ? undefined : first + match[0].length;
}

function notRows(file: string): UserError {
  return new UserError({
    file,
    problem: 'neither an array of objects nor one object a line',
    remedy: 'save it as JSON Lines, one object a line',
  });
}

async function* joined(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* lineRows(file: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Row[]> {
  let line = 0;
  let isFirst = true;
  for await (const { lines, areWhole } of linesOf(file, chunks)) {
    const rows: Row[] = [];
    for (const text of lines.map((text) => text.trim())) {
      line += 1;
      if (text === '') continue;
      if (isFirst && areWhole && isLeftOpen(text)) throw notRows(file);
      rows.push(parseRow(text, { file, place: `line ${line}` }));
      isFirst = false;
    }
    if (rows.length > 0) yield rows;
  }
}

/** Lines end at "\n" only: `node:readline` also breaks at U+2028, which JSON text may hold as it is. */
async function* linesOf(
  file: string,
  chunks: AsyncGenerator<Buffer>,
): AsyncGenerator<{ lines: string[]; areWhole: boolean }> {
  const parts = partsOfRow(file);
  let row = 0;
  const textOf = (bytes: Buffer) => asText(bytes, { file, place: `the text after line ${row}` });
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(10) + 1;
    if (end === 0) {
      parts.add(chunk, `line ${row + 1}`);
      continue;
    }
    const lines = textOf(parts.take(chunk.subarray(0, end - 1))).split('\n');
    row += lines.length;
    parts.add(chunk.subarray(end), `line ${row + 1}`);
    yield { lines, areWhole: true };
  }
  yield { lines: [textOf(parts.take(Buffer.alloc(0)))], areWhole: false };
}
