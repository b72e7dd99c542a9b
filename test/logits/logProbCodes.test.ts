// Log-probabilities as bytes: the bound that the module states, probabilities that still add up, and how little is lost.
import t from 'tap';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { decodeLogProbs, encodeLogProbs } from '../../pipeline/logits/logProbCodes.ts';
import { float32OfFloat16 } from '../../pipeline/model/halfPrecision.ts';

/** Distributions from nearly certain to nearly flat, of which the most probable k tokens of V are kept. */
function positions(count: number, V: number): Float32Array[] {
  const stream = xoroshiro128plus(31_415_926);
  return Array.from({ length: count }, () => {
    const scale = 20 * uniformFloat64(stream) ** 2;
    const z = Float64Array.from(
      { length: V },
      () => scale * (uniformFloat64(stream) + uniformFloat64(stream)),
    );
    const logSumExp = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0));
    const k = uniformInt(stream, 1, V);
    return Float32Array.from(z.sort().reverse().subarray(0, k), (value) => value - logSumExp);
  });
}

function sumOf(logProbs: Float32Array): number {
  return logProbs.reduce((sum, value) => sum + Math.exp(value), 0);
}

t.test('no value is off by more than a step, and the kept mass stays what it was', (t) => {
  const all = positions(500, 400);
  const counts = Uint16Array.from(all, ({ length }) => length);
  const exact = Float32Array.from(all.flatMap((position) => [...position]));
  const codes = encodeLogProbs(exact, counts);
  const found = decodeLogProbs(codes, counts);
  const [steps, highs] = [float32OfFloat16(codes.step), float32OfFloat16(codes.high)];
  let [end, closest, mass, loss, inOrder] = [0, 0, 0, 0, true];
  all.forEach((position, p) => {
    const decoded = found.subarray(end, (end += position.length));
    const step = (position[0]! - position.at(-1)!) / 255;
    t.ok(steps[p]! >= step && steps[p]! <= step * (1 + 2 ** -10) + 6e-8, 'the step is just wide enough');
    const bound = steps[p]! + Math.abs(highs[p]!) / 2048 + 1e-7;
    for (const [i, value] of position.entries())
      closest = Math.max(closest, Math.abs(decoded[i]! - value) / bound);
    const [kept, total] = [sumOf(position), sumOf(decoded)];
    mass = Math.max(mass, Math.abs(total / kept - 1) / (Math.abs(highs[p]!) / 2048 + 1e-6));
    loss += position.reduce((sum, l, i) => sum + Math.exp(l) * (l - decoded[i]! + Math.log(total / kept)), 0);
    inOrder &&= decoded.every((value, i) => i === 0 || value <= decoded[i - 1]!);
  });
  t.ok(closest <= 1 && closest > 0.4, `largest difference ${closest} of the bound`);
  t.ok(mass <= 1, `the sum is off by ${mass} of the rounding of high`);
  t.ok(loss / all.length < 5e-5, `mean KL(exact || coded) ${loss / all.length}`);
  t.ok(inOrder, 'the most probable token stays first');
  t.end();
});

t.test('single tokens, equal tokens, and none', (t) => {
  const exact = Float32Array.of(-1e-5, -2, -2, -2, -1, -1.0001);
  const counts = Uint16Array.of(1, 3, 0, 2);
  const found = decodeLogProbs(encodeLogProbs(exact, counts), counts);
  t.ok(
    exact.every((value, i) => Math.abs(found[i]! - value) < 1e-3 * Math.abs(value) + 1e-7),
    [...found].join(),
  );
  t.equal(found[1], found[3]);
  t.end();
});
