// The order of training: every sample once an epoch, sizes within their budgets, repeatable.
import t from 'tap';
import { paddedBatch, tokenCount } from '../../pipeline/mix/batches.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { epochSteps } from '../../pipeline/train/epochSteps.ts';

function sample(i: number, length: number): Sample {
  return {
    ...{ id: `sample-${String(i).padStart(3, '0')}`, source: 'made-up', split: 'train' },
    tokenIds: Int32Array.from({ length }, (_, t) => i + t),
    lossMask: Uint8Array.from({ length }, (_, t) => (t >= 2 ? 1 : 0)),
  };
}

const samples = Array.from({ length: 50 }, (_, i) => sample(i, 5 + ((i * 7) % 40)));
const options = { seed: 3, epoch: 0, batchTokens: 200, microBatchTokens: 90 };
const idsOf = (steps: Sample[][][]) => steps.flat(2).map(({ id }) => id);

t.test('an epoch has every sample once, in steps and micro-batches of their sizes', (t) => {
  const steps = epochSteps(samples, { ...options, packing: 'off' });
  t.same(
    idsOf(steps).sort(),
    samples.map(({ id }) => id),
  );
  for (const step of steps.slice(0, -1)) {
    const tokens = tokenCount(step.flat());
    t.ok(tokens >= 200 && tokens < 200 + 45, `${tokens} tokens a step`);
  }
  for (const micro of steps.flat()) {
    const { B, T } = paddedBatch(micro);
    t.ok(B * T <= 90 || B === 1, `${B} x ${T} tokens with padding`);
  }
  t.end();
});

t.test('packing cuts the same steps into other micro-batches', (t) => {
  const [packed, padded] = (['on', 'off'] as const).map((packing) =>
    epochSteps(samples, { ...options, packing }),
  ) as [Sample[][][], Sample[][][]];
  t.equal(packed.length, padded.length);
  packed.forEach((step, i) => t.same(idsOf([step]).sort(), idsOf([padded[i]!]).sort()));
  for (const micro of packed.flat()) t.ok(tokenCount(micro) <= 90, `${tokenCount(micro)} tokens`);
  t.ok(packed.flat().length < padded.flat().length, 'fewer of them');
  t.end();
});

t.test('the order depends on seed and epoch, and on nothing else', (t) => {
  const first = idsOf(epochSteps(samples, options));
  t.same(idsOf(epochSteps(samples, options)), first);
  t.notSame(idsOf(epochSteps(samples, { ...options, seed: 4 })), first);
  t.notSame(idsOf(epochSteps(samples, { ...options, epoch: 1 })), first);
  t.end();
});
