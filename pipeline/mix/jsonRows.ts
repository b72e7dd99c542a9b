// Rows of JSON arrays and JSON Lines, streamed. An array is cut into its elements by a scan over the bytes that knows
// nothing but strings and brackets; each element then goes through JSON.parse, which is ten times as fast as a streaming
// parser in JavaScript and as strict. Invalid UTF-8 is refused, as it would be learned as it stands.
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import * as zlib from 'node:zlib';
import { UserError } from '../config/userError.ts';
import type { Row } from './readRows.ts';
import { unreadable } from './unreadable.ts';

/** Bytes taken at a time. */
const chunkBytes = 1 << 20;

/** The longest row, in bytes: what a stray quote would take into memory at most. */
const maxRowBytes = 1 << 26;

/** All rows of a file; "[" as its first character makes it an array, whatever its name says. */
export async function* jsonRows(file: string): AsyncGenerator<Row[]> {
  const chunks = withoutMark(bytesOf(file));
  let opening = Buffer.alloc(0);
  for await (const chunk of chunks) {
    opening = Buffer.concat([opening, chunk]);
    const first = opening.findIndex((byte) => !isSpace(byte));
    if (first === -1 && opening.length < maxRowBytes) continue;
    yield* opening[first] === code('[')
      ? arrayRows(file, { skip: first + 1, chunks: joined(opening, chunks) })
      : lineRows(file, joined(opening, chunks));
    return;
  }
}

async function* joined(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** The file's content, unpacked when its name ends in .gz or .zst. */
async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(file, { highWaterMark: chunkBytes });
  const unpack = unpackerOf(file);
  try {
    yield* (
      unpack ? stream.on('error', (error) => unpack.destroy(error)).pipe(unpack) : stream
    ) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unpack ? unreadable(file, 'cannot be unpacked', error) : error;
  } finally {
    stream.destroy();
  }
}

function unpackerOf(file: string): zlib.Gunzip | undefined {
  if (file.endsWith('.gz')) return zlib.createGunzip({ chunkSize: chunkBytes });
  if (!file.endsWith('.zst')) return undefined;
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => zlib.Gunzip };
  if (createZstdDecompress) return createZstdDecompress();
  throw new UserError({
    file,
    problem: 'Node.js before 22.15 cannot unpack zstd',
    remedy: 'unpack it, or use gzip',
  });
}

/** Leaves out a byte order mark. */
async function* withoutMark(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of chunks) {
    const marked = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    yield marked ? chunk.subarray(3) : chunk;
    isFirst = false;
  }
}

async function* lineRows(file: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Row[]> {
  let line = 0;
  for await (const lines of linesOf(file, chunks)) {
    const rows: Row[] = [];
    for (const text of lines) {
      line += 1;
      const trimmed = text.trim();
      if (trimmed !== '') rows.push(parseRow(trimmed, { file, place: `line ${line}` }));
    }
    if (rows.length > 0) yield rows;
  }
}

/** Lines end at "\n" only: `node:readline` also breaks at U+2028, which JSON text may hold as it is. */
async function* linesOf(file: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<string[]> {
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
    yield lines;
  }
  yield [textOf(parts.take(Buffer.alloc(0)))];
}

/** Where a scan over an array's bytes stands. */
interface Scan {
  state: 'element or end' | 'element' | 'comma or end' | 'in element' | 'end';
  depth: number;
  isString: boolean;
  isEscaped: boolean;
}

async function* arrayRows(
  file: string,
  { skip, chunks }: { skip: number; chunks: AsyncGenerator<Buffer> },
): AsyncGenerator<Row[]> {
  const scan: Scan = { state: 'element or end', depth: 0, isString: false, isEscaped: false };
  const parts = partsOfRow(file);
  let count = 0;
  let [byte, begin] = [0, 0]; // of the chunk and of the element, in the file
  const broken = (at: number, problem: string) =>
    unreadable(file, `not valid JSON after byte ${at} (row ${count})`, problem);
  for await (const chunk of chunks) {
    const rows: Row[] = [];
    let at = byte === 0 ? skip : 0;
    while (at < chunk.length) {
      if (scan.state === 'in element') {
        const end = endOfElement(chunk, at, scan);
        const part = chunk.subarray(at, end ?? chunk.length);
        at += part.length;
        if (end === undefined) {
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

/** The bytes of a row that lies in several chunks. */
function partsOfRow(file: string) {
  let parts: Buffer[] = [];
  let bytes = 0;
  return {
    add(part: Buffer, place: string): void {
      parts.push(part);
      bytes += part.length;
      if (bytes > maxRowBytes)
        throw new UserError({ file, problem: `${place} is longer than ${maxRowBytes / 2 ** 20} MiB` });
    },
    take(last: Buffer): Buffer {
      const whole = parts.length === 0 ? last : Buffer.concat([...parts, last]);
      [parts, bytes] = [[], 0];
      return whole;
    },
  };
}

function asText(bytes: Buffer, { file, place }: { file: string; place: string }): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw unreadable(file, `${place} is not valid UTF-8`, 'save it as UTF-8');
}

function parseRow(text: string, { file, place, byte }: { file: string; place: string; byte?: number }): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(
      file,
      byte === undefined ? `${place} is not valid JSON` : `not valid JSON after byte ${byte} (${place})`,
      error,
    );
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Row;
  throw new UserError({ file, problem: `${place} is not an object with columns` });
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function code(character: string): number {
  return character.charCodeAt(0);
}
