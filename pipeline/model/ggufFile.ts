// Reading a .gguf file: metadata and tensor list through @huggingface/gguf, tensor bytes by position.
// The parser pads a cut file with zeros, so every byte range is checked here against the file's true size.
import { open } from 'node:fs/promises';
import { gguf } from '@huggingface/gguf';
import { hasCode, messageOf, UserError } from '../config/userError.ts';
import { blockSize, floatDtype, READABLE_TYPES, typeName } from './ggufDequantize.ts';
import { elementsOf, readBytes } from './safetensors.ts';

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

/** An open file; `close` it. */
export interface GgufFile {
  path: string;
  metadata: Record<string, GgufValue | undefined>;
  tensors: ReadonlyMap<string, GgufTensor>;
  /** The bytes of a tensor as they are stored. */
  read: (name: string) => Promise<Uint8Array<ArrayBuffer>>;
  close: () => Promise<void>;
}

/**
 * Opens a GGUF file and checks that each tensor is of a readable type and inside the file.
 * @throws UserError naming the file, and the tensor or field at fault.
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const handle = await openFile(path);
  try {
    const { size } = await handle.stat();
    const { metadata, tensors } = await parse(path, size);
    const read = (name: string) => {
      const { begin, bytes } = tensors.get(name)!;
      return readBytes(handle, path, { position: begin, length: bytes });
    };
    return { path, metadata, tensors, read, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
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

async function parse(path: string, size: number) {
  const parsed = await gguf(path, { allowLocalFile: true }).catch((error: unknown) => {
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
