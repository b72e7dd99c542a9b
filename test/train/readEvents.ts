// TensorBoard event files read back, so that tests need no TensorBoard: TFRecords (length, its masked crc32c, data, its
// masked crc32c; tensorflow/core/lib/io/record_writer.h) of Event messages (tensorflow/core/util/event.proto).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A figure at a step. */
export interface Scalar {
  tag: string;
  step: number;
  value: number;
}

/** All scalars in the event files of a folder, in the order of the files' names. @throws Error for a wrong checksum */
export function readEvents(folder: string): Scalar[] {
  const files = readdirSync(folder).sort();
  return files.flatMap((file) => records(readFileSync(join(folder, file))).flatMap(scalarsOf));
}

function records(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = checked(bytes, at + 12, length);
    checked(bytes, at, 8);
    found.push(data);
    at += 16 + length;
  }
  return found;
}

/** `length` bytes that their masked crc32c follows. */
function checked(bytes: Buffer, at: number, length: number): Buffer {
  const data = bytes.subarray(at, at + length);
  const crc = crc32c(data);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  if (bytes.readUInt32LE(at + length) !== masked) throw new Error(`wrong checksum at byte ${at + length}`);
  return data;
}

function crc32c(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function scalarsOf(event: Buffer): Scalar[] {
  const { 2: step = [], 5: summaries = [] } = fieldsOf(event);
  return summaries.flatMap((summary) =>
    (fieldsOf(summary as Buffer)[1] ?? []).map((value) => {
      const { 1: tag, 2: simple } = fieldsOf(value as Buffer);
      const bytes = simple![0] as Buffer;
      return { tag: String(tag![0]), step: Number(step[0] ?? 0), value: bytes.readFloatLE(0) };
    }),
  );
}

/** The fields of a protobuf message by number: varints as bigint, all else as bytes. */
function fieldsOf(message: Buffer): Record<number, (bigint | Buffer)[]> {
  const fields: Record<number, (bigint | Buffer)[]> = {};
  let at = 0;
  while (at < message.length) {
    const key = Number(varint());
    const value = { 0: varint, 1: () => take(8), 2: () => take(Number(varint())), 5: () => take(4) }[
      key & 7
    ]!();
    (fields[key >> 3] ??= []).push(value);
  }
  return fields;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  function take(length: number): Buffer {
    return message.subarray(at, (at += length));
  }
}
