// The generator behind Python's `random` (Matsumoto and Nishimura 1998, MT19937), seeded as random.seed(number) does.

const N = 624;
const M = 397;

/** Draws uniform 32-bit integers, the same as Python's `random.seed(seed)` leads to; `seed` below 2^32. */
export function mersenneTwister(seed: number): () => number {
  const state = seededState(seed);
  let next = N;
  return () => {
    if (next === N) {
      regenerate(state);
      next = 0;
    }
    return temper(state[next++]!);
  };
}

/** A float in [0, 1) with 53 random bits, as random.random() makes it. */
export function uniform(draw: () => number): number {
  return ((draw() >>> 5) * 2 ** 26 + (draw() >>> 6)) / 2 ** 53;
}

/** An integer below `bound`, as random.randrange(bound) and random.choice draw it; `bound` below 2^32. */
export function below(bound: number, draw: () => number): number {
  const unused = Math.clz32(bound);
  for (;;) {
    const value = draw() >>> unused;
    if (value < bound) return value;
  }
}

/** init_by_array with the one key `seed`. */
function seededState(seed: number): Uint32Array {
  const state = new Uint32Array(N);
  state[0] = 19650218;
  for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, mixed(state, i)) + i;
  for (let k = 0, i = 1; k < N; k++) {
    state[i] = (state[i]! ^ Math.imul(mixed(state, i), 1664525)) + seed;
    i = following(state, i);
  }
  for (let k = 1, i = 2; k < N; k++) {
    state[i] = (state[i]! ^ Math.imul(mixed(state, i), 1566083941)) - i;
    i = following(state, i);
  }
  state[0] = 0x80000000;
  return state;
}

function mixed(state: Uint32Array, i: number): number {
  return state[i - 1]! ^ (state[i - 1]! >>> 30);
}

/** The place after `i`, past the end the second, with the last value carried to the first. */
function following(state: Uint32Array, i: number): number {
  if (i + 1 < N) return i + 1;
  state[0] = state[N - 1]!;
  return 1;
}

function regenerate(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const bits = (state[i]! & 0x80000000) | (state[(i + 1) % N]! & 0x7fffffff);
    state[i] = state[(i + M) % N]! ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
  }
}

function temper(value: number): number {
  let y = value;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}
