// CPython's random.Random(seed), draw for draw: lm-evaluation-harness takes its few-shot examples and shuffles GPQA's
// choices with it, so its prompts cannot be had without. Mersenne Twister (Matsumoto and Nishimura 1998) seeded by
// `init_by_array` as in their mt19937ar.c; the methods follow Lib/random.py of CPython 3.9 to 3.13.
import { mersenneFromState } from 'pure-rand/generator/mersenne';

/** A stream of draws. Each method consumes as much of it as Python's. */
export interface PythonRandom {
  /** @param bits 1 to 32 */
  getrandbits(bits: number): number;
  /** A float in [0, 1) with 53 random bits. */
  random(): number;
  /** An integer in [0, stop); 0 < stop < 2³². */
  randrange(stop: number): number;
  /** `k` members of `population` at different places, in the order drawn. @throws RangeError when there are fewer. */
  sample<T>(population: readonly T[], k: number): T[];
  /** Shuffles in place. */
  shuffle(items: unknown[]): void;
}

/** @param seed 0 to 2³² - 1; Python takes the absolute value of a negative one. */
export function pythonRandom(seed: number): PythonRandom {
  const next = generator(seed);
  const getrandbits = (bits: number) => next() >>> (32 - bits);
  const randrange = (stop: number) => {
    const bits = 32 - Math.clz32(stop);
    for (;;) {
      const drawn = getrandbits(bits);
      if (drawn < stop) return drawn;
    }
  };
  return {
    getrandbits,
    random: () => (getrandbits(27) * 2 ** 26 + getrandbits(26)) / 2 ** 53,
    randrange,
    sample: (population, k) => drawSample(population, k, randrange),
    shuffle: (items) => {
      for (let i = items.length - 1; i > 0; i--) {
        const j = randrange(i + 1);
        [items[i], items[j]] = [items[j], items[i]];
      }
    },
  };
}

const STATE_SIZE = 624;

/** Draws of 32 bits. pure-rand renews each word of the state as it is used, so the seeded state is passed over once. */
function generator(seed: number): () => number {
  const twister = mersenneFromState([0, ...seededState(seed)]);
  for (let i = 0; i < STATE_SIZE; i++) twister.next();
  return () => twister.next() >>> 0;
}

/** mt19937ar's init_by_array with the key [seed]. */
function seededState(seed: number): Uint32Array {
  const state = new Uint32Array(STATE_SIZE);
  state[0] = 19650218;
  for (let i = 1; i < STATE_SIZE; i++) state[i] = Math.imul(1812433253, mixed(state[i - 1]!)) + i;
  let i = 1;
  const advance = () => {
    i += 1;
    if (i < STATE_SIZE) return;
    state[0] = state[STATE_SIZE - 1]!;
    i = 1;
  };
  for (let k = 0; k < STATE_SIZE; k++, advance())
    state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1664525)) + seed;
  for (let k = 1; k < STATE_SIZE; k++, advance())
    state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1566083941)) - i;
  state[0] = 0x80000000;
  return state;
}

function mixed(word: number): number {
  return word ^ (word >>> 30);
}

/** Small populations lose what is drawn; in big ones (against k) a place drawn twice is drawn anew. */
function drawSample<T>(population: readonly T[], k: number, randrange: (stop: number) => number): T[] {
  const n = population.length;
  if (k > n) throw new RangeError(`a sample of ${k} from ${n}`);
  const setSize = 21 + (k > 5 ? 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 0);
  if (n <= setSize) {
    const pool = [...population];
    return Array.from({ length: k }, (_, i) => {
      const j = randrange(n - i);
      const drawn = pool[j]!;
      pool[j] = pool[n - i - 1]!;
      return drawn;
    });
  }
  const places = new Set<number>();
  while (places.size < k) places.add(randrange(n));
  return [...places].map((place) => population[place]!);
}
