// A decoder run as plainly as can be: whole sequences in, all logits out, a full forward pass for each new token.
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { batchShape, hiddenStates, logitsOf, type Decoder } from '../../pipeline/model/decoder.ts';

/** Logits of sequences of one length: B rows of T token ids to B times T times [V]. */
export function batchLogits(decoder: Decoder, rows: readonly ArrayLike<number>[]): Float32Array[][] {
  const [B, T, V] = [rows.length, rows[0]!.length, decoder.config.vocabSize];
  const ids = Int32Array.from(rows.flatMap((row) => Array.from(row)));
  const logits = tf.tidy(() => logitsOf(hiddenStates(decoder, ids, batchShape(decoder, { B, T })), decoder));
  const values = logits.dataSync() as Float32Array;
  logits.dispose();
  return rows.map((_, b) =>
    Array.from({ length: T }, (_, t) => values.subarray((b * T + t) * V, (b * T + t + 1) * V)),
  );
}

/** The logits at every position of a sequence: T times [V]. */
export function sequenceLogits(decoder: Decoder, ids: ArrayLike<number>): Float32Array[] {
  return batchLogits(decoder, [ids])[0]!;
}

/** The greedy continuation: `count` tokens, or up to the first of `stopAt`, which it includes. */
export function greedy(
  decoder: Decoder,
  prompt: readonly number[],
  { count, stopAt = [] }: { count: number; stopAt?: readonly number[] },
): number[] {
  const ids = [...prompt];
  while (ids.length < prompt.length + count) {
    const next = argmax(sequenceLogits(decoder, ids).at(-1)!);
    ids.push(next);
    if (stopAt.includes(next)) break;
  }
  return ids.slice(prompt.length);
}

export function argmax(logits: Float32Array): number {
  return logits.reduce((best, value, id) => (value > logits[best]! ? id : best), 0);
}

/** log Σ exp of logits, in float64. */
export function logSumExp(logits: Float32Array): number {
  const max = logits[argmax(logits)]!;
  return max + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

/** The largest |a - b|; NaN where either has one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(largest)) break;
  }
  return largest;
}
