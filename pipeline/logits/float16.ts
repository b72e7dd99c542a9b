// float32 to IEEE 754 half precision, each value rounded to the nearest, ties to even. Node 20 has no Float16Array, and
// the conversion inside apache-arrow cuts digits off. The way back is `toFloat32` of pipeline/model/safetensors.ts.

const SMALLEST_NORMAL = 0x38800000; // 2^-14, as float32 bits
const INFINITE = 0x47800000; // 2^16
const REBIAS = 0x38000000; // exponent bias 127 against 15, in float32 bits

/** The bits of the nearest half-precision values; beyond 65,504 they are infinite. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(source[i]!);
  return halves;
}

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
