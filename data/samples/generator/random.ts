// Seeded randomness for the sample generator: the same seed gives the same text on every machine.
// Each dataset draws from a stream of its own, so that a change to one leaves the files of the others alone.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A list whose length is known, so that it can be taken apart without doubt. */
export type Several<T, N extends number> = N extends 2
  ? [T, T]
  : N extends 3
    ? [T, T, T]
    : N extends 4
      ? [T, T, T, T]
      : T[];

/** Draws from one stream. Bounds are inclusive. */
export interface Random {
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  sample<T, N extends number>(list: readonly T[], size: N): Several<T, N>;
  shuffle<T>(list: readonly T[]): T[];
}

export function createRandom(seed: number): Random {
  const stream = xoroshiro128plus(seed);
  const int = (low: number, high: number): number => uniformInt(stream, low, high);
  const shuffle = <T>(list: readonly T[]): T[] => {
    const rest = [...list];
    return list.map(() => rest.splice(int(0, rest.length - 1), 1)[0]!);
  };
  return {
    int,
    shuffle,
    chance: (probability) => int(0, 9999) < probability * 10_000,
    pick: (list) => list[int(0, list.length - 1)]!,
    sample: <T, N extends number>(list: readonly T[], size: N) =>
      shuffle(list).slice(0, size) as Several<T, N>,
  };
}

/** Calls `make` until it has given `count` texts with distinct keys; a generator that runs dry is a bug. */
export function distinct<T>(count: number, make: (attempt: number) => T, keyOf: (item: T) => string): T[] {
  const items = new Map<string, T>();
  for (let attempt = 0; items.size < count; attempt++) {
    if (attempt > 50 * count) throw new Error(`only ${items.size} of ${count} distinct samples`);
    const item = make(attempt);
    if (!items.has(keyOf(item))) items.set(keyOf(item), item);
  }
  return [...items.values()];
}
