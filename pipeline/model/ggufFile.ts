// Reading a .gguf file: metadata and tensor list through @huggingface/gguf, tensor bytes by position. The bytes may come
// from anywhere, as a plan reads the header of a file on the Hub; the parser fetches them, and what it fetches is them.
// It pads a cut file with zeros, so every byte range is checked here against the file's true size.
import { open } from 'node:fs/promises';
import { gguf } from '@huggingface/gguf';
import { hasCode, messageOf, UserError } from '../config/userError.ts';
import { blockSize, floatDtype, READABLE_TYPES, typeName } from './ggufDequantize.ts';
import { elementsOf, readBytes, type ByteSource } from './safetensors.ts';

/** A metadata value with 64-bit integers as numbers. */
export type GgufValue = string | number | boolean | GgufValue[];

/** A tensor of the file; `shape` is row-major (GGUF itself lists dimensions fastest first). */
export interface GgufTensor {
  type: number;
  shape: number[];
  /** Where its bytes start in the file, and how many they are. */
  begin: number;
  bytes: number;
}

/** A file and what its header says. */
export interface GgufFile {
  path: string;
  metadata: Record<string, GgufValue | undefined>;
  tensors: ReadonlyMap<string, GgufTensor>;
  /** The bytes of a tensor as they are stored. */
  read: (name: string) => Promise<Uint8Array<ArrayBuffer>>;
}

/** Opens a GGUF file as `readGguf` reads it; `close` it. */
export async function openGguf(path: string): Promise<GgufFile & { close: () => Promise<void> }> {
  const handle = await openFile(path);
  try {
    const { size } = await handle.stat();
    const file = await readGguf(path, { size, read: (range) => readBytes(handle, path, range) });
    return { ...file, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Reads the header of a GGUF file and checks that each tensor is of a readable type and inside the file.
 * @param path for messages
 * @throws UserError naming the file, and the tensor or field at fault.
 */
export async function readGguf(path: string, source: ByteSource): Promise<GgufFile> {
  const { metadata, tensors } = await parse(path, source);
  const read = (name: string) => {
    const { begin, bytes } = tensors.get(name)!;
    return source.read({ position: begin, length: bytes });
  };
  return { path, metadata, tensors, read };
}

/** Whether any tensor is kept in quantized blocks. */
export function isQuantized({ tensors }: Pick<GgufFile, 'tensors'>): boolean {
  return [...tensors.values()].some(({ type }) => floatDtype(type) === undefined);
}

async function openFile(path: string) {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR'))
      throw new UserError({ file: path, problem: 'no such file' }, { cause: error });
    throw error;
  }
}

/** An address that the parser takes for one; what it asks of it is answered from `source`. */
const ADDRESS = 'http://file/';

/** Answers the parser's requests, which are for ranges of bytes, some of them beyond the end. */
function fetchFrom({ size, read }: ByteSource): typeof fetch {
  return async (_, options) => {
    const [, first, last] =
      /^bytes=(\d+)-(\d+)$/.exec(new Headers(options?.headers).get('range') ?? '') ?? [];
    const position = Math.min(Number(first), size);
    const length = Math.min(Number(last) + 1, size) - position;
    return new Response(length > 0 ? await read({ position, length }) : undefined);
  };
}

async function parse(path: string, source: ByteSource) {
  const { size } = source;
  const parsed = await gguf(ADDRESS, { fetch: fetchFrom(source) }).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new UserError(
      { file: path, problem: `not a readable GGUF file (${messageOf(error)})` },
      { cause: error },
    );
  });
  const dataStart = Number(parsed.tensorDataOffset);
  if (dataStart > size) throw cutOff(path, size);
  if (!parsed.littleEndian)
    throw new UserError({ file: path, problem: 'big-endian GGUF files are not read' });
  const metadata = plainMetadata(parsed.metadata);
  if (Number(metadata['split.count'] ?? 1) > 1)
    throw new UserError({
      file: path,
      field: 'split.count',
      value: metadata['split.count'],
      problem: 'a GGUF split over several files is not read',
      remedy: 'merge it with llama-gguf-split --merge',
    });
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, dtype, offset } of parsed.tensorInfos) {
    const rowMajor = shape.map(Number).reverse();
    const begin = dataStart + Number(offset);
    const bytes = byteLengthOf(path, { name, type: dtype, shape: rowMajor });
    if (begin + bytes > size) throw cutOff(path, size, name);
    tensors.set(name, { type: dtype, shape: rowMajor, begin, bytes });
  }
  return { metadata, tensors };
}

function byteLengthOf(
  path: string,
  { name, type, shape }: { name: string; type: number; shape: number[] },
): number {
  const format = blockSize(type);
  if (!format)
    throw new UserError({
      file: path,
      field: name,
      value: typeName(type),
      problem: 'this quantization is not read',
      remedy: `take another file of this model, or its safetensors; readable: ${READABLE_TYPES.join(', ')}`,
    });
  const weights = elementsOf(shape);
  if (weights % format.weights !== 0)
    throw new UserError({
      file: path,
      field: name,
      value: shape,
      problem: `not whole blocks of ${format.weights} weights`,
    });
  return (weights / format.weights) * format.bytes;
}

function cutOff(path: string, size: number, tensor?: string): UserError {
  const problem = `cut off at ${size} bytes${tensor === undefined ? ', in its header' : ''}`;
  return new UserError({
    file: path,
    ...(tensor === undefined ? {} : { field: tensor }),
    problem,
    remedy: 'fetch the file again',
  });
}

function plainMetadata(metadata: object): GgufFile['metadata'] {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, plain(value)]));
}

function plain(value: unknown): GgufValue {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' ? Number(value) : (value as GgufValue);
}
