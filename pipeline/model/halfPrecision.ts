// float32 from and to the two 16-bit formats: bfloat16 is the upper half of a float32, float16 the IEEE 754 half
// precision. Rounding is to nearest, ties to even. Node 20 has no Float16Array, and apache-arrow's own conversion
// cuts digits off.
import type { Tensor } from './safetensors.ts';

/** The values of an F32, F16 or BF16 tensor; an F32 tensor's bytes are shared, not copied. */
export function toFloat32({ dtype, data }: Pick<Tensor, 'dtype' | 'data'>): Float32Array<ArrayBuffer> {
  if (dtype === 'F32') return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const halves = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  if (dtype === 'BF16') return float32OfBfloat16(halves);
  if (dtype === 'F16') return float32OfFloat16(halves);
  throw new Error(`${dtype} tensors have no float32 values`);
}

/** The bytes of a BF16 tensor: each value rounded to the nearest bfloat16, ties to even. */
export function toBfloat16(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i]!;
    const isNan = (value & 0x7fffffff) > 0x7f800000; // rounding up could carry its payload away
    halves[i] = isNan ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

/** True when some value of a BF16 tensor is NaN or infinite. */
export function hasNonFinite(bytes: Uint8Array<ArrayBuffer>): boolean {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2).some(
    (bits) => (bits & 0x7f80) === 0x7f80,
  );
}

/** The bits of the nearest half-precision values; beyond 65,504 they are infinite. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(source[i]!);
  return halves;
}

/** A bfloat16 is the upper half of a float32. */
function float32OfBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE 754 half precision, through a table of all 65,536 values. */
export function float32OfFloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const table = (float16Table ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => float16Value(bits)));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!;
  return values;
}

let float16Table: Float32Array | undefined;

function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const SMALLEST_NORMAL = 0x38800000; // 2^-14, as float32 bits
const INFINITE = 0x47800000; // 2^16
const REBIAS = 0x38000000; // exponent bias 127 against 15, in float32 bits

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return 0x7e00; // NaN
  if (size >= INFINITE) return sign | 0x7c00;
  if (size >= SMALLEST_NORMAL) return sign | ((size - REBIAS + 0xfff + ((size >>> 13) & 1)) >>> 13);
  scratchBits[0] = size;
  scratch[0]! += 0.5; // the last bit of 0.5 is worth 2^-24, as that of a subnormal half is: the addition rounds
  return sign | (scratchBits[0] - 0x3f000000);
}
