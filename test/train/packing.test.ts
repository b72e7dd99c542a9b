// Packed samples give the loss and gradients of padded ones, see nothing of each other, and change nothing about which
// samples a step has. Their lengths: more than a block of queries, alike, the same, and much shorter.
import t, { type Test } from 'tap';
import { withoutFusedKernels } from '../../pipeline/engine/fusedKernels.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { packedBatch } from '../../pipeline/mix/batches.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { batchShape, hiddenStates, type Decoder } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { createStudent, disposeStudent, forgetGradients } from '../../pipeline/train/student.ts';
import { trainingBatch } from '../../pipeline/train/trainingBatch.ts';
import { sumsOf } from '../fileBytes.ts';
import { dumpScene } from '../logits/dumpScene.ts';
import { largestDifference } from '../real/decoderLogits.ts';
import { sampleOf } from '../tinyMix.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { backward, gradientOf, SOME, stir } from './loraScene.ts';
import { readMetrics, trainScene } from './trainScene.ts';

const FLOAT32 = { dtype: 'float32' } as const;
const LENGTHS = [300, 280, 90, 90, 7];

const samples = LENGTHS.map((length, i) =>
  sampleOf(
    Int32Array.from({ length }, (_, j) => (13 * i + 7 * j * j + j) % 300),
    Uint8Array.from({ length }, (_, j) => (j > 2 ? 1 : 0)),
  ),
);

async function scene(t: Test) {
  const { at, dump } = await dumpScene(t, { samples, config: { batch_tokens: 600 } });
  await dump();
  await makeTinyModel(at('student'), { seed: 1, modelType: 'qwen2' });
  const cache = await openLogits(at('out'));
  const [packed, padded] = [
    await trainingBatch(samples, cache, { temperature: 1, packing: 'on' }),
    await trainingBatch(samples, cache, { temperature: 1 }),
  ];
  await cache.close();
  t.teardown(() => tf.dispose([packed, padded].map(({ targets }) => ({ ...targets }))));
  return { folder: at('student'), packed, padded };
}

type Case = { recompute?: boolean; lora?: typeof SOME; on?: <R>(f: () => R) => R };
const CASES: Record<string, Case> = {
  'full fine-tuning': {},
  'composed ops': { on: withoutFusedKernels },
  'layers computed again': { recompute: true },
  adapters: { lora: SOME },
  'adapters, layers computed again': { lora: SOME, recompute: true },
};

const sameWay: NonNullable<Case['on']> = (f) => f();

t.test('loss and gradients are those of padded batches', async (t) => {
  const { folder, packed, padded } = await scene(t);
  t.same([packed.B, packed.T, padded.B, padded.T], [1, 767, 5, 300], 'sizes');
  for (const [name, { lora, recompute = false, on = sameWay }] of Object.entries(CASES)) {
    const student = await createStudent(folder, { ...FLOAT32, lora });
    stir(student);
    const [ours, theirs] = [packed, padded].map((batch) => {
      const loss = on(() => backward(student, batch, { recompute }));
      const gradients = [...student.parameters.keys()].map((name) => gradientOf(student, name));
      forgetGradients(student);
      return { loss, gradients };
    });
    t.ok(Math.abs(ours!.loss / theirs!.loss - 1) < 1e-5, `${name}: ${ours!.loss} and ${theirs!.loss}`);
    const worst = Math.max(
      ...theirs!.gradients.map((expected, i) => relative(ours!.gradients[i]!, expected)),
    );
    t.ok(worst < 1e-5, `${name}: gradients differ by ${worst} of their largest value`);
    disposeStudent(student);
  }
});

t.test('a sample sees itself alone', async (t) => {
  const { folder } = await scene(t);
  const decoder = await loadDecoder(folder, FLOAT32);
  const states = statesOf(decoder, samples);
  const changed = 2;
  const others = samples.map((sample, i) =>
    i === changed ? { ...sample, tokenIds: sample.tokenIds.map((id) => (id + 1) % 300) } : sample,
  );
  statesOf(decoder, others).forEach((after, i) => {
    const difference = largestDifference(after, states[i]!);
    if (i === changed) t.ok(difference > 0.1, `sample ${i} itself: ${difference}`);
    else t.equal(difference, 0, `sample ${i}, to the last bit`);
  });
  samples.forEach((sample, i) => {
    const difference = largestDifference(states[i]!, statesOf(decoder, [sample])[0]!);
    t.ok(difference < 1e-5, `sample ${i} by itself: ${difference}`);
  });
  disposeDecoder(decoder);
});

/** The hidden states of each sample of a packed batch. */
function statesOf(decoder: Decoder, samples: readonly Sample[]): number[][] {
  const batch = packedBatch(samples);
  return tidyValue(() => {
    const states = hiddenStates(decoder, batch.ids, batchShape(decoder, batch));
    return tf.split(states, batch.lengths!, 0).map((rows) => Array.from(rows.dataSync<'float32'>()));
  });
}

/** The largest difference, as a part of the largest value. */
function relative(found: number[], expected: number[]): number {
  return largestDifference(found, expected) / Math.max(...expected.map(Math.abs));
}

t.test('a run repeats and resumes to the byte, with the steps of a padded one', async (t) => {
  const { at, train } = await trainScene(t);
  const parameters = { micro_batch_tokens: 60, max_steps: 5, checkpoint_every: 2 };
  await train(parameters, { out: 'whole' });
  let steps = 0;
  const hooks = { onStep: () => steps++, stopRequested: () => steps === 3 };
  await t.rejects(train(parameters, { out: 'cut', hooks }), { name: 'TrainingStopped' });
  await train(parameters, { out: 'cut' });
  t.same(sumsOf(at('cut/model')), sumsOf(at('whole/model')), 'every byte of the model');
  await train({ ...parameters, packing: 'off' }, { out: 'padded' });
  const losses = ['whole', 'padded'].map((out) =>
    readMetrics(at(out)).map((record) => ('loss' in record ? record.loss : NaN)),
  );
  t.ok(relative(losses[0]!, losses[1]!) < 1e-4, `losses ${losses.map(String).join(' and ')}`);
});
