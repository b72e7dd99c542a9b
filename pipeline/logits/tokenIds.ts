// Token ids as plain columns, no wider than the vocabulary needs: the lower 16 bits as a number each, and what is above
// (1 bit up to 131,072 tokens, 2 up to 262,144) packed, entry after entry, into bytes from their lowest bit up. In numpy:
//   np.unpackbits(high, count=b * n, bitorder='little').reshape(n, b) @ (1 << np.arange(b))

/** Bits above the 16th that ids below `vocabularySize` have. */
export function highBitsOf(vocabularySize: number): number {
  return Math.max(0, Math.ceil(Math.log2(vocabularySize)) - 16);
}

/** The lower 16 bits of each id. */
export function lowHalves(ids: Int32Array): Uint16Array {
  return Uint16Array.from(ids, (id) => id & 0xffff);
}

/** The `bits` bits above these, packed. */
export function packHighBits(ids: Int32Array, bits: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil((ids.length * bits) / 8));
  for (let i = 0, at = 0; i < ids.length; i++)
    for (let bit = 0; bit < bits; bit++, at++) packed[at >> 3]! |= ((ids[i]! >>> (16 + bit)) & 1) << (at & 7);
  return packed;
}

/** The ids of which `low` and `packed` are the parts. */
export function joinIds(low: Uint16Array, packed: Uint8Array, bits: number): Int32Array {
  const ids = Int32Array.from(low);
  for (let i = 0, at = 0; i < ids.length; i++)
    for (let bit = 0; bit < bits; bit++, at++) ids[i]! |= ((packed[at >> 3]! >> (at & 7)) & 1) << (16 + bit);
  return ids;
}
