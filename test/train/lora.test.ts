// Adapters: gradients by the chain rule from those of the merged weights (which equal PyTorch's) and, with dropout, by
// finite differences; merged equals unmerged; only adapters in a checkpoint; resumed equals uninterrupted.
import { readdirSync } from 'node:fs';
import t from 'tap';
import { matMul } from '../../pipeline/engine/matMul.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { assignAdd, readVariable } from '../../pipeline/engine/variable.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { openSafetensors } from '../../pipeline/model/safetensors.ts';
import { exportModel } from '../../pipeline/train/exportModel.ts';
import { loraConfig, loraScale } from '../../pipeline/train/lora.ts';
import {
  applyUpdate,
  createStudent,
  disposeStudent,
  refreshCopies,
  type Student,
} from '../../pipeline/train/student.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { restoreCheckpoint, saveCheckpoint } from '../../pipeline/train/trainingCheckpoint.ts';
import { trainStudent } from '../../pipeline/train/trainStudent.ts';
import { sumsOf } from '../fileBytes.ts';
import { largestDifference, sequenceLogits } from '../real/decoderLogits.ts';
import { backward, gradientOf, loraScene, SOME, stir } from './loraScene.ts';

const FLOAT32 = { dtype: 'float32' } as const;
const ALL = loraConfig.parse({ rank: 4, alpha: 8 });
const ADAM = {
  ...{ learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
};
const IDS = [5, 17, 230, 8, 99, 41];

t.test('gradients of A and B are s Bᵀ dW and s dW Aᵀ of the merged model', async (t) => {
  const { at, batch } = await loraScene(t);
  for (const recompute of [false, true]) {
    const student = await createStudent(at('student'), { ...FLOAT32, lora: SOME });
    stir(student);
    await exportModel(student, { base: at('student'), folder: at('merged'), ...FLOAT32, lora: SOME });
    const merged = await createStudent(at('merged'), FLOAT32);
    const losses = [backward(student, batch, { recompute }), backward(merged, batch, { recompute })];
    t.ok(Math.abs(losses[0]! - losses[1]!) < 1e-5, `losses ${losses.join(' and ')}`);
    const modules = modulesOf(student);
    t.equal(modules.length, 7, 'two key projections, two output projections, three of an MLP');
    let worst = 0;
    for (const module of modules) {
      const [dA, dB] = expectedGradients(student, merged, module);
      worst = Math.max(worst, relative(gradientOf(student, `${module}.lora_A.weight`), dA));
      worst = Math.max(worst, relative(gradientOf(student, `${module}.lora_B.weight`), dB));
    }
    t.ok(worst < 1e-5, `recompute ${recompute}: largest relative difference ${worst}`);
    [student, merged].forEach(disposeStudent);
  }
});

t.test('with dropout, the loss changes along the gradient as the gradient says', async (t) => {
  const { at, batch } = await loraScene(t);
  const lora = { ...SOME, dropout: 0.4 };
  for (const recompute of [false, true]) {
    const options = { recompute, dropoutSeed: 77 };
    const [up, down] = [await lossAfter(1e-2), await lossAfter(-1e-2)] as const;
    const slope = (up.loss - down.loss) / 2e-2;
    t.ok(Math.abs(slope / up.norm - 1) < 2e-3, `slope ${slope}, gradient's norm ${up.norm}`);

    /** The loss after a step of this length along the gradient, and the gradient's norm. */
    async function lossAfter(length: number): Promise<{ loss: number; norm: number }> {
      const student = await createStudent(at('student'), { ...FLOAT32, lora });
      stir(student);
      backward(student, batch, options);
      const norm = Math.hypot(
        ...[...student.parameters.keys()].map((name) => Math.hypot(...gradientOf(student, name))),
      );
      for (const { state, gradient } of student.parameters.values())
        tf.tidy(() => assignAdd(state.weight, readVariable(gradient!).mul(length / norm)));
      refreshCopies(student);
      const loss = backward(student, batch, options);
      disposeStudent(student);
      return { loss, norm };
    }
  }
});

t.test('dropout is a function of its seed, and of training alone', async (t) => {
  const { at, batch } = await loraScene(t);
  const student = await createStudent(at('student'), { ...FLOAT32, lora: { ...SOME, dropout: 0.4 } });
  stir(student);
  const loss = (dropoutSeed?: number) =>
    backward(student, batch, dropoutSeed === undefined ? {} : { dropoutSeed });
  t.equal(loss(1), loss(1), 'the same masks for the same seed');
  t.not(loss(1), loss(2), 'others for another');
  const plain = await createStudent(at('student'), { ...FLOAT32, lora: SOME });
  stir(plain);
  t.equal(loss(), backward(plain, batch), 'none without a seed');
  t.same(sequenceLogits(student.decoder, IDS), sequenceLogits(plain.decoder, IDS), 'none in evaluation');
  [student, plain].forEach(disposeStudent);
});

t.test('merged = unmerged logits', async (t) => {
  const { at } = await loraScene(t);
  const student = await createStudent(at('student'), { ...FLOAT32, lora: ALL });
  const start = await loadDecoder(at('student'), FLOAT32);
  t.same(sequenceLogits(student.decoder, IDS), sequenceLogits(start, IDS), 'B is zero: nothing changes yet');
  stir(student);
  await exportModel(student, { base: at('student'), folder: at('merged'), ...FLOAT32, lora: ALL });
  const merged = await loadDecoder(at('merged'), FLOAT32);
  const [ours, theirs, before] = [student.decoder, merged, start].map((decoder) =>
    sequenceLogits(decoder, IDS).flatMap((row) => [...row]),
  ) as [number[], number[], number[]];
  const difference = largestDifference(ours, theirs);
  t.ok(difference < 1e-5, `logits differ by ${difference}`);
  t.ok(largestDifference(ours, before) > 0.1, 'and the adapters do something');
  disposeStudent(student);
  [start, merged].forEach(disposeDecoder);
});

t.test('A starts as in PEFT, whatever else is adapted', async (t) => {
  const { at } = await loraScene(t);
  const [all, some] = [
    await createStudent(at('student'), { ...FLOAT32, lora: ALL, seed: 3 }),
    await createStudent(at('student'), { ...FLOAT32, lora: { ...ALL, targets: ['down_proj'] }, seed: 3 }),
  ];
  const name = 'model.layers.1.mlp.down_proj.lora_A.weight';
  const master = (student: Student) =>
    tidyValue(() => Array.from(readVariable(student.parameters.get(name)!.state.weight).dataSync()));
  const values = master(all);
  const bound = 1 / Math.sqrt(values.length / ALL.rank);
  const spread = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
  t.ok(Math.max(...values.map(Math.abs)) <= bound, 'within 1/√in');
  t.ok(Math.abs((spread / bound) * Math.sqrt(3) - 1) < 0.1, 'and uniform');
  t.same(master(some), values);
  [all, some].forEach(disposeStudent);
});

t.test('steps in bfloat16 lower the loss, leak nothing and leave the model as it is', async (t) => {
  const { at, batch } = await loraScene(t);
  const before = tf.memory().numTensors;
  const student = await createStudent(at('student'), { dtype: 'bfloat16', lora: { ...ALL, dropout: 0.1 } });
  const losses: number[] = [];
  const counts = new Set<number>();
  for (let step = 1; step <= 12; step++) {
    for (const dropoutSeed of [step, -step])
      losses.push(backward(student, batch, { recompute: step % 2 === 0, dropoutSeed }));
    applyUpdate(student, { ...ADAM, step });
    counts.add(tf.memory().numTensors);
  }
  t.ok(losses.at(-1)! < 0.8 * losses[0]!, `loss from ${losses[0]} to ${losses.at(-1)}`);
  t.equal(counts.size, 1, 'tensors alive after each step');
  disposeStudent(student);
  t.equal(tf.memory().numTensors, before);
});

t.test('a resumed run ends with the same bytes; its checkpoint holds adapters alone', async (t) => {
  const { at, folders } = await loraScene(t);
  const config = trainConfig.parse({
    ...{ lora: { rank: 2, alpha: 4, dropout: 0.2 }, learning_rate: 1e-2, epochs: 2 },
    ...{ batch_tokens: 80, micro_batch_tokens: 50, head_block: 16, recompute: true },
  });
  await trainStudent(config, folders('whole'));
  let steps = 0;
  const stopping = trainStudent(config, folders('cut'), {
    onStep: () => steps++,
    stopRequested: () => steps === 2,
  });
  await t.rejects(stopping, { name: 'TrainingStopped' });
  const saved = readdirSync(at('cut/checkpoint')).find((name) => name.endsWith('.safetensors'))!;
  const file = await openSafetensors(`${at('cut/checkpoint')}/${saved}`);
  t.equal(file.tensors.size, 2 * 7 * 2 * 3, 'A and B of 7 projections in 2 layers, with two moments each');
  t.ok([...file.tensors.keys()].every((name) => /\.lora_[AB]\.weight$/.test(name)));
  await file.close();
  await trainStudent(config, folders('cut'));
  for (const folder of ['model', 'adapter'])
    t.same(sumsOf(at(`cut/${folder}`)), sumsOf(at(`whole/${folder}`)), `every byte of ${folder}`);
});

t.test('a checkpoint of another rank is refused in one line', async (t) => {
  const { at } = await loraScene(t);
  const [four, three] = [
    await createStudent(at('student'), { ...FLOAT32, lora: ALL }),
    await createStudent(at('student'), { ...FLOAT32, lora: { ...ALL, rank: 3 } }),
  ];
  await saveCheckpoint(at('checkpoint'), four, { fingerprint: 'run', step: 1, metrics: [], seconds: [] });
  await t.rejects(restoreCheckpoint(at('checkpoint'), three, 'run'), {
    name: 'UserError',
    message:
      /step-000001.safetensors: .*lora_A.weight = \[4,64\]: .* has the shape \[3,64\]; remove the folder/,
  });
  [four, three].forEach(disposeStudent);
});

/** Both gradients of an adapter from dW of the merged weight. */
function expectedGradients(student: Student, merged: Student, module: string): [number[], number[]] {
  const master = (part: 'A' | 'B') =>
    readVariable(student.parameters.get(`${module}.lora_${part}.weight`)!.state.weight);
  return tidyValue((): [number[], number[]] => {
    const dW = readVariable(merged.parameters.get(`${module}.weight`)!.gradient!);
    const dA = matMul(master('B'), dW, { transposeA: true }).mul(loraScale(SOME));
    const dB = matMul(dW, master('A'), { transposeB: true }).mul(loraScale(SOME));
    return [Array.from(dA.dataSync()), Array.from(dB.dataSync())];
  });
}

function modulesOf({ parameters }: Student): string[] {
  return [...new Set([...parameters.keys()].map((name) => name.replace(/\.lora_[AB]\.weight$/, '')))];
}

/** The largest difference, as a part of the largest value. */
function relative(found: number[], expected: number[]): number {
  return largestDifference(found, expected) / Math.max(...expected.map(Math.abs));
}
