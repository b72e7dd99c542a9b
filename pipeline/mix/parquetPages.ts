// What the pages of a Parquet column chunk say of themselves: sizes and numbers of values, without decoding them.
// Page headers are structs in Thrift's compact protocol (parquet-format, PageHeader; thrift-compact-protocol.md).

/** A page: its sizes in bytes, header not included, and its values; a dictionary's are none of the column's. */
export interface Page {
  kind: 'dictionary' | 'v1' | 'v2';
  uncompressedBytes: number;
  compressedBytes: number;
  values: number;
  /** As numbered in parquet-format. */
  encoding: number;
  /** Of kind v2: the bytes of the levels, which lie before the values and are not compressed. */
  levelBytes?: { repetition: number; definition: number };
}

/**
 * Reads the page header at `reader.offset`, and leaves the reader behind it.
 * @throws RangeError or Error where there is none.
 */
export function readPageHeader(reader: Reader): Page {
  const header = readStruct(reader, 0);
  const sizes = { uncompressedBytes: number(header.get(2)), compressedBytes: number(header.get(3)) };
  const [v1, v2, dictionary] = [header.get(5), header.get(8), header.get(7)];
  if (v2 !== undefined) {
    const levelBytes = { repetition: member(v2, 6), definition: member(v2, 5) };
    return { kind: 'v2', ...sizes, values: member(v2, 1), encoding: member(v2, 4), levelBytes };
  }
  const kind = v1 === undefined ? 'dictionary' : 'v1';
  return { kind, ...sizes, values: member(v1 ?? dictionary, 1), encoding: member(v1 ?? dictionary, 2) };
}

export interface Reader {
  view: DataView;
  offset: number;
}

type Struct = Map<number, Value>;
type Value = number | Struct;

const maxDepth = 8;

/** The members of a struct by their field ids; of lists and texts nothing is kept. */
function readStruct(reader: Reader, depth: number): Struct {
  if (depth > maxDepth) throw new Error('a page header is nested too deeply');
  const members: Struct = new Map();
  for (let id = 0, byte = readByte(reader); byte !== 0; byte = readByte(reader)) {
    id = byte >> 4 ? id + (byte >> 4) : zigzag(reader);
    members.set(id, readValue(reader, byte & 15, depth));
  }
  return members;
}

function readValue(reader: Reader, type: number, depth: number): Value {
  if (type === 1 || type === 2) return 2 - type;
  if (type === 3) return readByte(reader);
  if (type >= 4 && type <= 6) return zigzag(reader);
  if (type === 7) return skip(reader, 8);
  if (type === 8) return skip(reader, varint(reader));
  if (type === 12) return readStruct(reader, depth + 1);
  throw new Error(`a page header holds a field of type ${type}`);
}

function skip(reader: Reader, bytes: number): number {
  reader.offset += bytes;
  return bytes;
}

function readByte(reader: Reader): number {
  return reader.view.getUint8(reader.offset++);
}

/** An unsigned number, seven bits a byte. */
export function varint(reader: Reader): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = readByte(reader);
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    if (scale > 2 ** 63) throw new Error('a page header holds a number of more than 64 bits');
  }
}

function zigzag(reader: Reader): number {
  const value = varint(reader);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function member(struct: Value | undefined, id: number): number {
  return number(struct instanceof Map ? struct.get(id) : undefined);
}

function number(value: Value | undefined): number {
  if (typeof value === 'number') return value;
  throw new Error('a page header is not whole');
}
