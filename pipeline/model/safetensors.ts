// Safetensors: an 8-byte header length, a JSON header of dtypes, shapes and byte ranges, then the tensors' raw bytes.
// The whole header is checked against the file's size before anything is allocated, so a cut or forged file is one
// clear line; tensors are then read by position, and written, one at a time or in pieces, as they may exceed memory.
// Files written are byte for byte those of the Rust library (https://github.com/huggingface/safetensors).
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { commitFile, type FileRecord } from '../artifact/commitFile.ts';
import { hasCode, messageOf, UserError } from '../config/userError.ts';

/** Bytes an element takes, in the library's own order of dtypes: files hold the last of these first. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;
const DTYPES = Object.keys(ELEMENT_BYTES) as Dtype[];
const MAX_HEADER_BYTES = 100_000_000; // the library's own limit
const CHUNK_BYTES = 1 << 26; // Node reads and writes at most 2 GiB a call
const PIECE_ELEMENTS = 1 << 22;

export type Dtype = keyof typeof ELEMENT_BYTES;

/** Row-major shape and element type. */
export interface TensorInfo {
  dtype: Dtype;
  shape: number[];
}

/** A tensor's little-endian bytes; `data` starts at byte 0 of its own buffer, so typed arrays can view it. */
export interface Tensor extends TensorInfo {
  data: Uint8Array<ArrayBuffer>;
}

/** A tensor to be written: shapes must be known first, bytes are asked for when their turn comes, whole or in pieces. */
export interface TensorSource extends TensorInfo {
  name: string;
  data: () => Uint8Array | Promise<Uint8Array> | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Elements of a tensor in row-major order, from `begin` to before `end`. */
export interface ElementRange {
  begin: number;
  end: number;
}

/** An open file; `close` it. */
export interface SafetensorsFile {
  path: string;
  metadata: Record<string, string>;
  /** Every tensor by name, in the order of their bytes. */
  tensors: ReadonlyMap<string, TensorInfo>;
  /** Reads one tensor. @throws UserError for a name that is not in the file. */
  read: (name: string) => Promise<Tensor>;
  /** The bytes of some elements of a tensor. @throws UserError as `read` does. */
  readRange: (name: string, range: ElementRange) => Promise<Uint8Array<ArrayBuffer>>;
  close: () => Promise<void>;
}

/**
 * Opens a file and checks its header: size, JSON, dtypes, and byte ranges that follow one another to the file's end.
 * @throws UserError naming the file and what is wrong with it.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await openForReading(path);
  try {
    const { tensors, metadata, dataStart } = await readHeader(path, {
      size: (await handle.stat()).size,
      read: (range) => readBytes(handle, path, range),
    });
    const entryOf = (name: string): Entry => {
      const entry = tensors.get(name);
      if (entry) return entry;
      throw new UserError({ file: path, field: name, problem: 'no such tensor in this file' });
    };
    const read = async (name: string): Promise<Tensor> => {
      const { dtype, shape, begin, bytes } = entryOf(name);
      const data = await readBytes(handle, path, { position: dataStart + begin, length: bytes });
      return { dtype, shape, data };
    };
    const readRange = async (name: string, { begin, end }: ElementRange) => {
      const entry = entryOf(name);
      const width = ELEMENT_BYTES[entry.dtype];
      if (begin < 0 || end < begin || end * width > entry.bytes)
        throw new RangeError(`${name}: elements ${begin} to ${end} of ${entry.bytes / width}`);
      const position = dataStart + entry.begin + begin * width;
      return readBytes(handle, path, { position, length: (end - begin) * width });
    };
    const infos = new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const));
    return { path, metadata, tensors: infos, read, readRange, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A tensor's bytes in pieces of whole elements, a few MB each, for what is only passed on. */
export async function* readPieces(
  { readRange }: Pick<SafetensorsFile, 'readRange'>,
  { name, shape }: TensorInfo & { name: string },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const size = elementsOf(shape);
  for (let begin = 0; begin < size; begin += PIECE_ELEMENTS)
    yield await readRange(name, { begin, end: Math.min(size, begin + PIECE_ELEMENTS) });
}

/**
 * Writes `tensors` to `path` by the commit protocol, asking for one tensor's bytes, or one piece of them, at a time.
 * @throws Error when a source gives another number of bytes than its dtype and shape say.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  { metadata = { format: 'pt' } }: { metadata?: Record<string, string> } = {},
): Promise<FileRecord> {
  const ordered = [...tensors].sort(byDtypeThenName);
  return commitFile(path, async (write) => {
    await write(headerBytes(ordered, metadata));
    for (const tensor of ordered) {
      let bytes = 0;
      for await (const piece of piecesOf(await tensor.data())) {
        bytes += piece.byteLength;
        await write(piece);
      }
      if (bytes !== byteLength(tensor))
        throw new Error(`${tensor.name}: ${bytes} bytes given, ${byteLength(tensor)} expected`);
    }
  });
}

async function* piecesOf(
  data: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (data instanceof Uint8Array)
    for (let at = 0; at < data.byteLength; at += CHUNK_BYTES) yield data.subarray(at, at + CHUNK_BYTES);
  else yield* data;
}

/** Bytes that a tensor of this dtype and shape takes. */
export function byteLength({ dtype, shape }: TensorInfo): number {
  return ELEMENT_BYTES[dtype] * elementsOf(shape);
}

/** How many numbers a tensor of this shape holds. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

interface Entry extends TensorInfo {
  begin: number;
  bytes: number;
}

const entrySchema = z.strictObject({
  dtype: z.enum(DTYPES as [Dtype, ...Dtype[]]),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/** Where a file's bytes come from, be it a disk or a server. */
export interface ByteSource {
  size: number;
  read: (range: { position: number; length: number }) => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * The tensors that a file's header names, without their bytes; `path` is for messages.
 * @throws UserError naming the file and what is wrong with its header.
 */
export async function readTensorInfos(path: string, source: ByteSource): Promise<Map<string, TensorInfo>> {
  const { tensors } = await readHeader(path, source);
  return new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}

async function readHeader(path: string, { size, read }: ByteSource) {
  const fail = (problem: string, field?: string): never => {
    throw new UserError({ file: path, ...(field === undefined ? {} : { field }), problem, remedy: REMEDY });
  };
  if (size < 8) fail(`has ${size} bytes: not a safetensors file`);
  const prefix = await read({ position: 0, length: 8 });
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) fail('not a safetensors file (its first 8 bytes are not a header length)');
  if (8 + length > size) fail(`cut off in its header, at ${size} of at least ${8 + length} bytes`);
  const text = Buffer.from(await read({ position: 8, length })).toString('utf8');
  const { metadata, tensors } = parseHeader(text, fail);
  checkRanges(tensors, size - 8 - length, fail);
  return { metadata, tensors, dataStart: 8 + length };
}

const REMEDY = 'fetch or write the file again';
type Fail = (problem: string, field?: string) => never;

function parseHeader(text: string, fail: Fail) {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    return fail(`its header is not JSON (${messageOf(error)})`);
  }
  if (typeof header !== 'object' || header === null) return fail('its header is not a JSON object');
  const { __metadata__, ...rest } = header as Record<string, unknown>;
  const metadata = z.record(z.string(), z.string()).optional().safeParse(__metadata__);
  if (!metadata.success) return fail('expected text values', '__metadata__');
  const entries = Object.entries(rest).map(([name, value]) => [name, parseEntry(name, value, fail)] as const);
  const tensors = new Map(entries.sort(([, a], [, b]) => a.begin - b.begin));
  return { metadata: metadata.data ?? {}, tensors };
}

function parseEntry(name: string, value: unknown, fail: Fail): Entry {
  const result = entrySchema.safeParse(value);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    return fail(message.replace(/^Invalid input: /, ''), [name, ...path].join('.'));
  }
  const { dtype, shape, data_offsets } = result.data;
  const [begin, end] = data_offsets;
  const expected = byteLength({ dtype, shape });
  if (end - begin !== expected)
    fail(`${dtype} [${shape.join(', ')}] takes ${expected} bytes, data_offsets give ${end - begin}`, name);
  return { dtype, shape, begin, bytes: expected };
}

/** Tensors lie end to end: no overlap, no hole, nothing after the last. */
function checkRanges(tensors: ReadonlyMap<string, Entry>, dataBytes: number, fail: Fail): void {
  let end = 0;
  for (const [name, { begin, bytes }] of tensors) {
    if (begin !== end) fail(`starts at data byte ${begin}, the tensor before it ends at ${end}`, name);
    end = begin + bytes;
  }
  if (dataBytes < end) fail(`cut off: holds ${dataBytes} of ${end} bytes of tensors`);
  if (dataBytes > end) fail(`holds ${dataBytes - end} bytes more than its header names`);
}

function headerBytes(ordered: readonly TensorSource[], metadata: Record<string, string>): Uint8Array {
  let end = 0;
  const entries = ordered.map((tensor) => {
    const begin = end;
    end += byteLength(tensor);
    return [tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] }] as const;
  });
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const text = Buffer.from(json);
  const length = Math.ceil(text.length / 8) * 8; // tensors start at a multiple of 8
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  text.copy(header, 8);
  return header;
}

/** Widest elements first, so that each tensor is aligned to its own element size. */
function byDtypeThenName(a: TensorSource, b: TensorSource): number {
  return DTYPES.indexOf(b.dtype) - DTYPES.indexOf(a.dtype) || (a.name < b.name ? -1 : 1);
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR'))
      throw new UserError({ file: path, problem: 'no such file', remedy: REMEDY }, { cause: error });
    throw error;
  }
}

/** Reads `length` bytes at `position`, in pieces that Node can read. @throws UserError when the file ends before. */
export async function readBytes(
  handle: FileHandle,
  path: string,
  { position, length }: { position: number; length: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const data = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const { bytesRead } = await handle.read(data, at, Math.min(CHUNK_BYTES, length - at), position + at);
    if (bytesRead === 0)
      throw new UserError({ file: path, problem: 'was cut while being read', remedy: REMEDY });
    at += bytesRead;
  }
  return data;
}
