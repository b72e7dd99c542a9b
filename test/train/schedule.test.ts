// The learning rate at the corners of each schedule.
import t, { type Test } from 'tap';
import { learningRateAt, type Schedule } from '../../pipeline/train/schedule.ts';

const base: Schedule = {
  schedule: 'cosine',
  learningRate: 2,
  warmupSteps: 4,
  totalSteps: 104,
  finalRatio: 0.1,
};
const near = (t: Test, actual: number, expected: number) =>
  t.ok(Math.abs(actual - expected) < 1e-12, `${actual} is ${expected}`);

t.test('warm-up, middle and end', (t) => {
  near(t, learningRateAt(1, base), 0.5);
  near(t, learningRateAt(4, base), 2);
  near(t, learningRateAt(54, base), 2 * (0.1 + 0.9 * 0.5));
  near(t, learningRateAt(104, base), 0.2);
  near(t, learningRateAt(29, { ...base, schedule: 'linear' }), 2 * (0.1 + 0.9 * 0.75));
  near(t, learningRateAt(104, { ...base, schedule: 'constant' }), 2);
  near(t, learningRateAt(1, { ...base, warmupSteps: 0, totalSteps: 1 }), 0.2);
  t.end();
});
