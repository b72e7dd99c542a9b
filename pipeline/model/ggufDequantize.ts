// GGUF block formats as numbers: each block of 32 weights shares one half-precision scale (and minimum).
// Equal bit for bit to the Python package `gguf` (https://github.com/ggml-org/llama.cpp/tree/master/gguf-py): every
// value is exact in float64 here and rounded to float32 once, as its float32 arithmetic also rounds only once.
import { GGMLQuantizationType as Ggml } from '@huggingface/gguf';
import { toFloat32 } from './halfPrecision.ts';

/** How a GGUF tensor type is stored: `weights` values in `bytes` bytes. */
interface BlockFormat {
  weights: number;
  bytes: number;
}

const Q4_0 = { weights: 32, bytes: 18 } as const;
const Q4_1 = { weights: 32, bytes: 20 } as const;
const Q8_0 = { weights: 32, bytes: 34 } as const;

/** The types that are read, by GGUF's number for them. */
const FORMATS: Partial<Record<number, BlockFormat>> = {
  [Ggml.F32]: { weights: 1, bytes: 4 },
  [Ggml.F16]: { weights: 1, bytes: 2 },
  [Ggml.BF16]: { weights: 1, bytes: 2 },
  [Ggml.Q4_0]: Q4_0,
  [Ggml.Q4_1]: Q4_1,
  [Ggml.Q8_0]: Q8_0,
};

/** The block format of a GGUF tensor type, or undefined when it is not read. */
export function blockFormat(type: number): BlockFormat | undefined {
  return FORMATS[type];
}

/** Names of a type and of all that are read, for messages. */
export function typeName(type: number): string {
  return (Ggml as Record<number, string | undefined>)[type] ?? `type ${type}`;
}
export const READABLE_TYPES = Object.keys(FORMATS).map((type) => typeName(Number(type)));

/** The dtype of a tensor of plain floats, or undefined for quantized blocks. */
export function floatDtype(type: number): 'F32' | 'F16' | 'BF16' | undefined {
  const dtypes: Partial<Record<number, 'F32' | 'F16' | 'BF16'>> = {
    [Ggml.F32]: 'F32',
    [Ggml.F16]: 'F16',
    [Ggml.BF16]: 'BF16',
  };
  return dtypes[type];
}

/** The values of a tensor of any readable type; `bytes` starts at a multiple of 4 of its buffer. */
export function dequantize(type: number, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const dtype = floatDtype(type);
  if (dtype) return toFloat32({ dtype, data: bytes });
  const decode = DECODERS[type];
  if (!decode) throw new Error(`${typeName(type)} is not read`);
  return decode(bytes);
}

const DECODERS: Partial<Record<number, (bytes: Uint8Array) => Float32Array<ArrayBuffer>>> = {
  [Ggml.Q4_0]: (bytes) =>
    fromBlocks(bytes, Q4_0, (values, at, block, scale) => {
      for (let i = 0; i < 16; i++) {
        const pair = bytes[block + 2 + i]!;
        values[at + i] = scale * ((pair & 15) - 8);
        values[at + 16 + i] = scale * ((pair >> 4) - 8);
      }
    }),
  [Ggml.Q4_1]: (bytes) => {
    const minimums = halvesAt(bytes, Q4_1, 2);
    return fromBlocks(bytes, Q4_1, (values, at, block, scale) => {
      const minimum = minimums[at / 32]!;
      for (let i = 0; i < 16; i++) {
        const pair = bytes[block + 4 + i]!;
        values[at + i] = scale * (pair & 15) + minimum;
        values[at + 16 + i] = scale * (pair >> 4) + minimum;
      }
    });
  },
  [Ggml.Q8_0]: (bytes) => {
    const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return fromBlocks(bytes, Q8_0, (values, at, block, scale) => {
      for (let i = 0; i < 32; i++) values[at + i] = scale * signed[block + 2 + i]!;
    });
  },
};

/** Calls `decode` for each block with where its values go, where its bytes start, and its scale. */
function fromBlocks(
  bytes: Uint8Array,
  format: BlockFormat,
  decode: (values: Float32Array, at: number, block: number, scale: number) => void,
): Float32Array<ArrayBuffer> {
  const scales = halvesAt(bytes, format, 0);
  const values = new Float32Array(scales.length * format.weights);
  for (let n = 0; n < scales.length; n++) decode(values, n * format.weights, n * format.bytes, scales[n]!);
  return values;
}

/** The half-precision number at byte `offset` of every block. */
function halvesAt(bytes: Uint8Array, format: BlockFormat, offset: number): Float32Array {
  const halves = new Uint16Array(bytes.byteLength / format.bytes);
  for (let n = 0; n < halves.length; n++) {
    const at = n * format.bytes + offset;
    halves[n] = bytes[at]! | (bytes[at + 1]! << 8);
  }
  return toFloat32({ dtype: 'F16', data: new Uint8Array(halves.buffer) });
}
