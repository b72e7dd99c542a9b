// The layout that DistillKit keeps log-probabilities in (arcee-ai/DistillKit, DistributionQuantizationConfig), from its
// formula: k token ids of ceil(log2 V) bits, packed; the first `exact` values in bfloat16; of the others the coefficients,
// float32, of a least-squares fit over their rank. At V = 151,936 its two presets come to 344 and 127 bytes a token.
// What a fit makes of a position is computed too, in its favour: in float64 but for the stored numbers.

interface Layout {
  k: number;
  exact: number;
  /** Powers of the rank, counted from the first that is not exact; 0.5 is the square root. */
  terms: number[];
}

/** "Recommended configuration" and "budget pick" of its README. */
export const PRESETS: Record<string, Layout> = {
  recommended: { k: 128, exact: 16, terms: [0, 1, 2, 3, 4, 0.5] },
  budget: { k: 50, exact: 1, terms: [0, 1, 0.5] },
};

export function bytesPerToken({ k, exact, terms }: Layout, vocabularySize: number): number {
  return Math.ceil((k * Math.ceil(Math.log2(vocabularySize))) / 8) + 2 * exact + 4 * terms.length;
}

/** @returns what is read back of log-probabilities [k] in descending order */
export function approximator({ k, exact, terms }: Layout): (logProbs: Float32Array) => Float64Array {
  const columns = terms.map((power) => Float64Array.from({ length: k - exact }, (_, t) => t ** power));
  const basis = orthonormal(columns);
  return (logProbs) => {
    const values = Float64Array.from(logProbs.subarray(0, k));
    const fitted = new Float64Array(k - exact);
    for (const direction of basis) {
      const along = dot(direction, values.subarray(exact));
      direction.forEach((value, t) => (fitted[t]! += along * value));
    }
    return values.map((value, i) => (i < exact ? toBfloat16(value) : fitted[i - exact]!));
  };
}

/** Gram-Schmidt, done twice for the digits that fourth powers cost. */
function orthonormal(columns: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const column of columns) {
    let rest = column.map((value) => value / Math.sqrt(dot(column, column)));
    for (let pass = 0; pass < 2; pass++)
      for (const direction of basis) {
        const along = dot(direction, rest);
        rest = rest.map((value, t) => value - along * direction[t]!);
      }
    const length = Math.sqrt(dot(rest, rest));
    basis.push(rest.map((value) => value / length));
  }
  return basis;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, t) => sum + value * b[t]!, 0);
}

function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = ((bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000) >>> 0;
  return new Float32Array(bits.buffer)[0]!;
}
