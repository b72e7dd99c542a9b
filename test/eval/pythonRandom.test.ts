// Random numbers against CPython's own, from a script beside the values.
import t from 'tap';
import { pythonRandom } from '../../pipeline/eval/prompts/pythonRandom.ts';
import { readJson } from '../readJson.ts';

interface Sample {
  seed: number;
  n: number;
  k: number;
  draws: number[][];
}

const golden = readJson('test/golden/eval/pythonRandom.json') as {
  sample: Sample[];
  shuffle: { seed: number; n: number; orders: number[][] }[];
  getrandbits: [number, number][];
  randrange: [number, number][];
};

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function drawn({ seed, n, k, draws }: Sample): number[][] {
  const random = pythonRandom(seed);
  return draws.map(() => random.sample(range(n), k));
}

t.test('samples go on with the stream, as in CPython', (t) => {
  for (const each of golden.sample) t.same(drawn(each), each.draws, `${each.k} of ${each.n}`);
  t.throws(() => pythonRandom(0).sample([1, 2], 3), RangeError);
  t.end();
});

t.test('shuffles, bits and ranges are those of CPython', (t) => {
  for (const { seed, n, orders } of golden.shuffle) {
    const random = pythonRandom(seed);
    for (const order of orders) {
      const items = range(n);
      random.shuffle(items);
      t.same(items, order);
    }
  }
  const bits = pythonRandom(0);
  t.same(
    golden.getrandbits.map(([k]) => [k, bits.getrandbits(k)]),
    golden.getrandbits,
    'past the end of the first state',
  );
  const below = pythonRandom(1234);
  t.same(
    golden.randrange.map(([n]) => [n, below.randrange(n)]),
    golden.randrange,
  );
  t.end();
});
