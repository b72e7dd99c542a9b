// GGUF's block formats in one table, which one function reads (ggufDequantize.ts). The formats differ in where the bits
// of a weight's integer code lie and in whether the block's scale is divided further, into groups of 16 or 32 weights with
// integer scales of their own (the "K" formats). Layouts: ggml-common.h and ggml-quants.c of
// https://github.com/ggml-org/llama.cpp.

/** Bits of integers that are numbered from 0: the byte that holds those of number i, and by how much they are shifted. */
export interface Plane {
  bits: number;
  place: (i: number) => readonly [byte: number, shift: number];
}

/** Integers put together from planes, lowest bits first; `zero` is subtracted. Signed ones are in two's complement. */
export interface Codes {
  planes: readonly [low: Plane, high?: Plane];
  zero?: number;
  signed?: boolean;
}

/** How a block of `weights` weights is stored in `bytes` bytes: weight = scale · code + minimum. */
export interface BlockFormat {
  weights: number;
  bytes: number;
  codes: Codes;
  /** The bytes where the half-precision scale and minimum stand; K formats store the minimum's negative. */
  scale: number;
  minimum?: { at: number; sign: 1 | -1 };
  /** Integers by which scale and minimum are multiplied in each group of so many weights. */
  groups?: { weights: number; scales: Codes; minima?: Codes };
}

/**
 * Integers of `bits` bits from byte `at` on, in runs of bytes: the lowest bits of `run` bytes are the first integers,
 * their next bits the following ones; after the highest bits comes the next run.
 */
function runs(at: number, bits: number, run: number): Plane {
  const perRun = (run * 8) / bits;
  const byte = (i: number) => at + Math.floor(i / perRun) * run + (i % run);
  return { bits, place: (i) => [byte(i), (Math.floor(i / run) * bits) % 8] };
}

/** The six-bit scales (from byte 4) and minima (from byte 8) of Q4_K and Q5_K: the upper four of each are split up. */
function sixBits(at: number, lateShift: 0 | 4): Codes {
  const low = (g: number) => (g < 4 ? ([at + g, 0] as const) : ([12 + g - 4, lateShift] as const));
  const high = (g: number) => [at + (g % 4), g < 4 ? 4 : 6] as const;
  return {
    planes: [
      { bits: 4, place: low },
      { bits: 2, place: high },
    ],
  };
}

const K = { weights: 256 } as const;
const SIX_BIT_GROUPS = { weights: 32, scales: sixBits(4, 0), minima: sixBits(8, 4) } as const;

/** The quantized formats that are read, by GGUF's name. */
export const BLOCK_FORMATS = {
  Q4_0: { weights: 32, bytes: 18, scale: 0, codes: { planes: [runs(2, 4, 16)], zero: 8 } },
  Q4_1: {
    weights: 32,
    bytes: 20,
    scale: 0,
    minimum: { at: 2, sign: 1 },
    codes: { planes: [runs(4, 4, 16)] },
  },
  Q5_0: { weights: 32, bytes: 22, scale: 0, codes: { planes: [runs(6, 4, 16), runs(2, 1, 1)], zero: 16 } },
  Q5_1: {
    weights: 32,
    bytes: 24,
    scale: 0,
    minimum: { at: 2, sign: 1 },
    codes: { planes: [runs(8, 4, 16), runs(4, 1, 1)] },
  },
  Q8_0: { weights: 32, bytes: 34, scale: 0, codes: { planes: [runs(2, 8, 32)], signed: true } },
  Q2_K: {
    ...K,
    bytes: 84,
    scale: 80,
    minimum: { at: 82, sign: -1 },
    codes: { planes: [runs(16, 2, 32)] },
    groups: {
      weights: 16,
      scales: { planes: [{ bits: 4, place: (g) => [g, 0] }] },
      minima: { planes: [{ bits: 4, place: (g) => [g, 4] }] },
    },
  },
  Q3_K: {
    ...K,
    bytes: 110,
    scale: 108,
    codes: { planes: [runs(32, 2, 32), runs(0, 1, 32)], zero: 4 },
    groups: { weights: 16, scales: { planes: [runs(96, 4, 8), runs(104, 2, 4)], zero: 32 } },
  },
  Q4_K: {
    ...K,
    bytes: 144,
    scale: 0,
    minimum: { at: 2, sign: -1 },
    codes: { planes: [runs(16, 4, 32)] },
    groups: SIX_BIT_GROUPS,
  },
  Q5_K: {
    ...K,
    bytes: 176,
    scale: 0,
    minimum: { at: 2, sign: -1 },
    codes: { planes: [runs(48, 4, 32), runs(16, 1, 32)] },
    groups: SIX_BIT_GROUPS,
  },
  Q6_K: {
    ...K,
    bytes: 210,
    scale: 208,
    codes: { planes: [runs(0, 4, 64), runs(128, 2, 32)], zero: 32 },
    groups: { weights: 16, scales: { planes: [runs(192, 8, 16)], signed: true } },
  },
} as const satisfies Record<string, BlockFormat>;
