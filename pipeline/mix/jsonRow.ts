// One row of a JSON file: its bytes, which may lie in several chunks, as text and as an object. Invalid UTF-8 is refused,
// as it would be learned as it stands.
import { isUtf8 } from 'node:buffer';
import { UserError } from '../config/userError.ts';
import type { Row } from './readRows.ts';
import { unreadable } from './unreadable.ts';

/** The longest row, in bytes: what a stray quote would take into memory at most. */
export const maxRowBytes = 1 << 26;

/** The bytes of a row that lies in several chunks. */
export function partsOfRow(file: string) {
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

export function asText(bytes: Buffer, { file, place }: { file: string; place: string }): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw unreadable(file, `${place} is not valid UTF-8`, 'save it as UTF-8');
}

export function parseRow(
  text: string,
  { file, place, byte }: { file: string; place: string; byte?: number },
): Row {
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

export function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

export function code(character: string): number {
  return character.charCodeAt(0);
}
