// Log-probabilities as bytes (precision uint8): value = high - step * code, with a high and a step for each position.
// The step is 1/255 of the way from the first to the last, so most levels lie where the values do; of the codes tried
// (from 0 down, quadratic, one scale for all) this one has the least KL(exact || coded), some 1e-5 nats.
// Rounding is to the nearest level. The levels are then moved together, by less than half a step, so that the
// probabilities add up to what they did: together with the tail mass, which is stored apart, that is 1.
// Bound: no value is further off than step + |high| / 2048, with step <= (first - last) / 255 * (1 + 1/1024) + 6e-8.
// The fractions are the rounding of `high` and `step` to float16.
import { float32OfFloat16, toFloat16 } from '../model/halfPrecision.ts';

const LEVELS = 255;

/** The coded log-probabilities of P positions; `high` and `step` are float16 bits. */
export interface LogProbCodes {
  codes: Uint8Array; // [Σ k]
  high: Uint16Array; // [P]
  step: Uint16Array; // [P]
}

/** @param logProbs [Σ k], in descending order at each position @param counts [P], the k of each position */
export function encodeLogProbs(logProbs: Float32Array, counts: Uint16Array): LogProbCodes {
  const codes = new Uint8Array(logProbs.length);
  const high = new Float32Array(counts.length);
  const ranges = new Float32Array(counts.length);
  eachPosition(counts, (p, begin, end) => {
    ranges[p] = (logProbs[begin]! - logProbs[end - 1]!) / LEVELS;
  });
  const step = Uint16Array.from(toFloat16(ranges), (bits, p) =>
    float32OfFloat16(Uint16Array.of(bits))[0]! < ranges[p]! ? bits + 1 : bits,
  );
  const steps = float32OfFloat16(step);
  eachPosition(counts, (p, begin, end) => {
    let [exact, coded] = [0, 0];
    for (let i = begin; i < end; i++) {
      codes[i] = steps[p] === 0 ? 0 : Math.round((logProbs[begin]! - logProbs[i]!) / steps[p]!);
      exact += Math.exp(logProbs[i]! - logProbs[begin]!);
      coded += Math.exp(-steps[p]! * codes[i]!);
    }
    high[p] = logProbs[begin]! + Math.log(exact / coded);
  });
  return { codes, high: toFloat16(high), step };
}

/** The log-probabilities that codes stand for. */
export function decodeLogProbs({ codes, high, step }: LogProbCodes, counts: Uint16Array): Float32Array {
  const [highs, steps] = [float32OfFloat16(high), float32OfFloat16(step)];
  const logProbs = new Float32Array(codes.length);
  eachPosition(counts, (p, begin, end) => {
    for (let i = begin; i < end; i++) logProbs[i] = highs[p]! - steps[p]! * codes[i]!;
  });
  return logProbs;
}

/** Calls `visit` with each position that has entries, and where these begin and end. */
function eachPosition(counts: Uint16Array, visit: (p: number, begin: number, end: number) => void): void {
  let begin = 0;
  counts.forEach((k, p) => {
    if (k > 0) visit(p, begin, begin + k);
    begin += k;
  });
}
