// A step is the same in 1, 2 or 4 micro-batches: its gradient, and the weights after AdamW's update. The samples differ in
// length and number of loss positions, so what is averaged twice, or over micro-batches, would show. (The update itself is
// g / (|g| + epsilon): where g is no larger than epsilon, it takes over g's rounding, some 0.4 % of the learning rate.)
import t from 'tap';
import { withValue, type Variable } from '../../pipeline/engine/variable.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { createStudent, disposeStudent } from '../../pipeline/train/student.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStep } from '../../pipeline/train/trainStep.ts';
import { trainScene } from './trainScene.ts';

t.test('accumulation', async (t) => {
  const { at, samples } = await trainScene(t);
  const config = trainConfig.parse({ dtype: 'float32', cross_entropy_weight: 0.5, schedule: 'constant' });
  const cache = await openLogits(at('logits'));
  const whole = await stepIn(1);
  for (const parts of [2, 4]) {
    const split = await stepIn(parts);
    const gradient = relativeDifference(split.gradient, whole.gradient);
    t.ok(gradient < 1e-6, `${parts} micro-batches: the gradient differs by ${gradient} of its largest`);
    const weights = relativeDifference(split.weights, whole.weights);
    t.ok(weights < 1e-6, `${parts} micro-batches: the weights differ by ${weights} of the largest`);
  }
  await cache.close();

  /** Gradient and weights of a step on 8 samples in `parts` micro-batches. */
  async function stepIn(parts: number) {
    const student = await createStudent(at('student'), config);
    const states = [...student.parameters.values()].map(({ state }) => state);
    const micro = (part: number) => samples.slice(0, 8).filter((_, i) => i % parts === part);
    const batches = Array.from({ length: parts }, (_, part) => micro(part));
    await trainStep({ config, student, cache }, batches, { step: 1, totalSteps: 1 });
    const gradient = states.flatMap(({ first }) => valuesOf(first.values)); // a tenth of it
    const weights = states.flatMap(({ weight }) => valuesOf(weight));
    disposeStudent(student);
    return { gradient, weights };
  }
});

function valuesOf(variable: Variable): number[] {
  return withValue(variable, (value) => [...value.dataSync()]);
}

/** The largest |a - b| over the largest |b|. */
function relativeDifference(a: readonly number[], b: readonly number[]): number {
  const largest = (values: number[]) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return largest(a.map((value, i) => value - b[i]!)) / largest([...b]);
}
