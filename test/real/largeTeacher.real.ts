// A teacher larger than the machine would like: a synthetic model of 3 billion weights is quantized to 4 bits, loaded and
// run over 512 tokens, each within 6 GB; and one layer in the shapes of a 70B model, whose matrices are as large as they
// come, within the largest tensor in float32 plus 1 GB. A few minutes and 10 GB of disk, so only when asked for:
//   REDISTILL_LARGE=1 node --import tsx test/runTests.ts --timeout=3600 test/real/largeTeacher.real.ts
// The models are made in the system's temporary folder (TMPDIR) and removed afterwards.
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { DTYPE_BYTES, dtypeOf } from '../../pipeline/engine/rawOp.ts';
import type { Tensor } from '../../pipeline/engine/tensorflow.ts';
import { teacherLogits } from '../../pipeline/logits/teacherLogits.ts';
import type { Decoder } from '../../pipeline/model/decoder.ts';
import { PROJECTIONS } from '../../pipeline/model/decoderShapes.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { stageArguments } from '../runStage.ts';
import { peakOf, watchedRun } from './watchedRun.ts';
import { atMost, show } from './figures.ts';

const GB = 1e9;
const LENGTH = 512;

const skip =
  process.env.REDISTILL_LARGE === '1' ? false : 'set REDISTILL_LARGE=1: a few minutes, 10 GB of disk';

void t.test('a model of 3 billion weights', { skip }, async (t) => {
  const { teacher, peakBytes, largestTensor } = await madeTeacher(t, 'llama-3.2-3b');
  atMost(t, 'quantizing 3B: peak memory in GB', peakBytes / GB, 6);
  const beyond = (peakBytes - 4 * largestTensor) / GB;
  atMost(t, 'quantizing 3B: peak memory beyond the largest tensor in float32, in GB', beyond, 1);

  const decoder = await loadDecoder(teacher, { dtype: 'bfloat16' });
  show(`loaded: peak memory ${(ownPeakBytes() / GB).toFixed(2)} GB`);
  atMost(t, 'resident bytes of a quantized weight', residentBytes(decoder), 0.65);
  const started = performance.now();
  const [logits] = await teacherLogits(decoder, [sample(decoder.config.vocabSize)], {
    ...{ topK: 64, minK: 64, mass: 1, temperatures: [1], vocabularySize: decoder.config.vocabSize },
    ...{ batchTokens: LENGTH, headBlock: 256 },
  });
  show(`${LENGTH} tokens: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  t.equal(logits!.counts.length, LENGTH - 1);
  t.ok(logits!.logProbs.every(Number.isFinite));
  disposeDecoder(decoder);
  atMost(t, 'loading and running 3B: peak memory in GB', ownPeakBytes() / GB, 6);
});

void t.test('the largest matrices', { skip }, async (t) => {
  const { peakBytes, largestTensor } = await madeTeacher(t, 'llama-70b-layer');
  const beyond = (peakBytes - 4 * largestTensor) / GB;
  atMost(t, 'quantizing a 70B layer: peak memory beyond its largest tensor in float32, in GB', beyond, 1);
});

/** Makes the model and quantizes it by the stage, with the embedded recipe's parameters. */
async function madeTeacher(t: { teardown: (f: () => void) => void }, shape: string) {
  const folder = await mkdtemp(join(tmpdir(), 'redistill-large-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [model, teacher] = [join(folder, 'model'), join(folder, 'teacher')];
  const making = await watchedRun([
    '--import',
    'tsx',
    'test/real/makeLargeModel.ts',
    '--out',
    model,
    '--shape',
    shape,
  ]);
  show(
    `making ${shape}: ${making.seconds.toFixed(0)} s, peak memory ${(making.peakBytes / GB).toFixed(2)} GB`,
  );
  const config = 'data/recipes/smollm2/teacher.yaml';
  const { seconds, peakBytes } = await watchedRun(stageArguments('teacher', { config, model, out: teacher }));
  rmSync(model, { recursive: true });
  const { statistics } = JSON.parse(readFileSync(join(teacher, 'manifest.json'), 'utf8')) as {
    statistics: { total: { quantized_weights: number } };
  };
  const rate = statistics.total.quantized_weights / seconds / 1e6;
  show(`quantizing ${shape}: ${seconds.toFixed(0)} s, ${rate.toFixed(1)} M weights/s with everything`);
  const raw = JSON.parse(readFileSync(join(teacher, 'config.json'), 'utf8')) as Record<string, number>;
  const { vocab_size: V, hidden_size: D, intermediate_size: F } = raw;
  return { teacher, peakBytes, largestTensor: D! * Math.max(V!, F!) };
}

function ownPeakBytes(): number {
  return peakOf('self')!;
}

/** Codes, scales and zero points in the engine, over the weights they stand for. */
function residentBytes({ layers }: Decoder): number {
  const total = { bytes: 0, weights: 0 };
  const bytesOfTensor = (tensor: Tensor) => tensor.size * DTYPE_BYTES[dtypeOf(tensor)];
  for (const layer of layers)
    for (const role of Object.keys(PROJECTIONS) as (keyof typeof PROJECTIONS)[]) {
      const { weight } = layer[role];
      if (weight.kind !== 'packed') throw new Error(`${role} is not packed`);
      total.bytes += [weight.packed, weight.scale, weight.zero].reduce((sum, x) => sum + bytesOfTensor(x), 0);
      total.weights += weight.shape[0] * weight.shape[1];
    }
  return total.bytes / total.weights;
}

function sample(vocabularySize: number) {
  return {
    ...{ id: 'sample', source: 'test', split: 'train' as const },
    tokenIds: Int32Array.from({ length: LENGTH }, (_, i) => (7919 * i) % vocabularySize),
    lossMask: new Uint8Array(LENGTH).fill(1),
  };
}
