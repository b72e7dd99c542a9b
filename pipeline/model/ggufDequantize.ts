// The values of GGUF tensors. Equal bit for bit to the Python package `gguf`
// (https://github.com/ggml-org/llama.cpp/tree/master/gguf-py): each product is exact in float64 here, and the sum with
// the minimum is rounded to float32 once, as float32 arithmetic rounds it too.
import { GGMLQuantizationType as Ggml } from '@huggingface/gguf';
import { BLOCK_FORMATS, type BlockFormat, type Codes, type Plane } from './ggufBlocks.ts';
import { float32OfFloat16, toBfloat16, toFloat32 } from './halfPrecision.ts';

const FLOAT_BYTES = { F32: 4, F16: 2, BF16: 2 } as const;

/** Names of a type, by GGUF's number for it, and of all that are read. */
export function typeName(type: number): string {
  return (Ggml as Record<number, string | undefined>)[type] ?? `type ${type}`;
}
export const READABLE_TYPES = [...Object.keys(FLOAT_BYTES), ...Object.keys(BLOCK_FORMATS)];

/** How many bytes a block of a type takes and how many weights it holds; undefined when the type is not read. */
export function blockSize(type: number): Pick<BlockFormat, 'weights' | 'bytes'> | undefined {
  const dtype = floatDtype(type);
  return dtype ? { weights: 1, bytes: FLOAT_BYTES[dtype] } : blockFormat(type);
}

/** The dtype of a tensor of plain floats, or undefined for quantized blocks. */
export function floatDtype(type: number): keyof typeof FLOAT_BYTES | undefined {
  const name = typeName(type);
  return name in FLOAT_BYTES ? (name as keyof typeof FLOAT_BYTES) : undefined;
}

function blockFormat(type: number): BlockFormat | undefined {
  return (BLOCK_FORMATS as Partial<Record<string, BlockFormat>>)[typeName(type)];
}

/** The values of a tensor of any readable type; `bytes` starts at a multiple of 4 of its buffer. */
export function dequantize(type: number, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const dtype = floatDtype(type);
  if (dtype) return toFloat32({ dtype, data: bytes });
  const format = blockFormat(type);
  if (!format) throw new Error(`${typeName(type)} is not read`);
  return valuesOfBlocks(bytes, format);
}

/** The same rounded to bfloat16, a few million values at a time: the float32 values of a whole embedding are gigabytes. */
export function dequantizeToBfloat16(type: number, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const block = blockSize(type)!;
  const step = (1 << 14) * block.bytes;
  const rounded = new Uint8Array((bytes.length / block.bytes) * block.weights * 2);
  for (let at = 0; at < bytes.length; at += step) {
    const values = dequantize(type, bytes.subarray(at, at + step));
    rounded.set(toBfloat16(values), (at / block.bytes) * block.weights * 2);
  }
  return rounded;
}

function valuesOfBlocks(bytes: Uint8Array, format: BlockFormat): Float32Array<ArrayBuffer> {
  const { weights, minimum, groups } = format;
  const width = groups?.weights ?? weights;
  const codes = codeReader(format.codes, weights);
  const groupScales = codeReader(groups?.scales, weights / width);
  const groupMinima = codeReader(groups?.minima, weights / width);
  const scales = halvesAt(bytes, format, format.scale);
  const minima = minimum && halvesAt(bytes, format, minimum.at);
  const values = new Float32Array(scales.length * weights);
  for (let n = 0; n < scales.length; n++) {
    for (const { read } of [codes, groupScales, groupMinima]) read(bytes, n * format.bytes);
    for (let first = 0; first < weights; first += width) {
      const scale = scales[n]! * groupScales.found[first / width]!;
      // Without a minimum -0 is added, which changes no value, not even the sign of a zero.
      const least = minima ? minimum.sign * minima[n]! * groupMinima.found[first / width]! : -0;
      for (let i = first; i < first + width; i++) values[n * weights + i] = scale * codes.found[i]! + least;
    }
  }
  return values;
}

/** Reads the integers of one block into `found`; where there are none, they are all 1. */
function codeReader(codes: Codes | undefined, count: number) {
  const found = new Int16Array(count).fill(1);
  if (!codes) return { found, read: () => undefined };
  const { zero = 0, signed = false } = codes;
  const [low, high = { bits: 0, place: () => [0, 0] as const }] = codes.planes;
  const bytesOf = (plane: Plane) => Uint16Array.from(found, (_, i) => plane.place(i)[0]);
  const shiftsOf = (plane: Plane) => Uint8Array.from(found, (_, i) => plane.place(i)[1]);
  const [lowAt, lowShift, lowMask] = [bytesOf(low), shiftsOf(low), (1 << low.bits) - 1];
  const [highAt, highShift, highMask] = [bytesOf(high), shiftsOf(high), (1 << high.bits) - 1];
  const read = (bytes: Uint8Array, block: number) => {
    for (let i = 0; i < count; i++) {
      const lowBits = (bytes[block + lowAt[i]!]! >> lowShift[i]!) & lowMask;
      const highBits = (bytes[block + highAt[i]!]! >> highShift[i]!) & highMask;
      const code = lowBits | (highBits << low.bits);
      found[i] = signed ? (code << 24) >> 24 : code - zero;
    }
  };
  return { found, read };
}

/** The half-precision number at byte `offset` of every block. */
function halvesAt(bytes: Uint8Array, format: BlockFormat, offset: number): Float32Array {
  const halves = new Uint16Array(bytes.byteLength / format.bytes);
  for (let n = 0; n < halves.length; n++) {
    const at = n * format.bytes + offset;
    halves[n] = bytes[at]! | (bytes[at + 1]! << 8);
  }
  return float32OfFloat16(halves);
}
