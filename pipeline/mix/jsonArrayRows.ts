// Rows of a JSON array, streamed. It is cut into its elements by a scan over the bytes that knows nothing but strings and
// brackets; each element then goes through JSON.parse, which is ten times as fast as a streaming parser in JavaScript and
// as strict.
import { UserError } from '../config/userError.ts';
import { asText, code, isSpace, parseRow, partsOfRow } from './jsonRow.ts';
import type { Row } from './readRows.ts';
import { unreadable } from './unreadable.ts';

/** Where a scan over an array's bytes stands. */
interface Scan {
  state: 'element or end' | 'element' | 'comma or end' | 'in element' | 'end';
  depth: number;
  isString: boolean;
  isEscaped: boolean;
}

/**
 * The elements of an array that begins at byte `skip` of the chunks, behind its bracket.
 * @param isWithin the array is the value of an object that began before `skip`; whatever else is in that is left out.
 */
export async function* jsonArrayRows(
  file: string,
  { skip, isWithin = false, chunks }: { skip: number; isWithin?: boolean; chunks: AsyncGenerator<Buffer> },
): AsyncGenerator<Row[]> {
  const scan: Scan = { state: 'element or end', depth: 0, isString: false, isEscaped: false };
  const parts = partsOfRow(file);
  const end = { file, place: 'the object around its rows' };
  let count = 0;
  let [byte, begin] = [0, 0]; // of the chunk and of the element, in the file
  const broken = (at: number, problem: string) =>
    unreadable(file, `not valid JSON after byte ${at} (row ${count})`, problem);
  for await (const chunk of chunks) {
    const rows: Row[] = [];
    let at = byte === 0 ? skip : 0;
    while (at < chunk.length) {
      if (isWithin && scan.state === 'end') {
        parts.add(chunk.subarray(at), 'what follows the array');
        break;
      }
      if (scan.state === 'in element') {
        const after = endOfElement(chunk, at, scan);
        const part = chunk.subarray(at, after ?? chunk.length);
        at += part.length;
        if (after === undefined) {
          parts.add(part, `row ${count}`);
          continue;
        }
        const text = asText(parts.take(part), { file, place: `row ${count}` });
        rows.push(parseRow(text, { file, place: `row ${count}`, byte: begin }));
        count += 1;
        scan.state = 'comma or end';
        continue;
      }
      const character = chunk[at]!;
      if (!isSpace(character)) {
        if (character === code('{') && scan.state.startsWith('element')) {
          scan.state = 'in element';
          begin = byte + at;
          continue;
        }
        scan.state = nextState(scan.state, character) ?? fail(character, byte + at);
      }
      at += 1;
    }
    byte += chunk.length;
    if (rows.length > 0) yield rows;
  }
  if (scan.state !== 'end') throw broken(scan.state === 'in element' ? begin : byte, 'the file ends early');
  if (isWithin) parseRow(`{"":[]${asText(parts.take(Buffer.alloc(0)), end)}`, end);

  function fail(character: number, at: number): never {
    if (scan.state.startsWith('element') && !',]'.includes(String.fromCharCode(character)))
      throw new UserError({ file, problem: `row ${count} is not an object with columns` });
    throw broken(at, `unexpected "${String.fromCharCode(character)}"`);
  }
}

/** The state after a character between elements; undefined where it cannot stand. */
function nextState(state: Scan['state'], character: number): Scan['state'] | undefined {
  if (character === code(',') && state === 'comma or end') return 'element';
  if (character === code(']') && state !== 'end' && state.endsWith('end')) return 'end';
  return undefined;
}

/** The byte after an element that begins at or before `at`, or undefined when it goes on in the next chunk. */
function endOfElement(chunk: Buffer, at: number, scan: Scan): number | undefined {
  let { depth, isString, isEscaped } = scan;
  for (let i = at; i < chunk.length; i++) {
    const byte = chunk[i]!;
    if (isString) {
      if (isEscaped) isEscaped = false;
      else if (byte === 0x5c) isEscaped = true;
      else if (byte === 0x22) isString = false;
    } else if (byte === 0x22) isString = true;
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) {
      Object.assign(scan, { depth, isString, isEscaped });
      return i + 1;
    }
  }
  Object.assign(scan, { depth, isString, isEscaped });
  return undefined;
}

/** Whether a text that begins with a bracket ends before it is closed, but not within a string. */
export function isLeftOpen(text: string): boolean {
  const scan: Scan = { state: 'in element', depth: 0, isString: false, isEscaped: false };
  return endOfElement(Buffer.from(text), 0, scan) === undefined && scan.depth > 0 && !scan.isString;
}
