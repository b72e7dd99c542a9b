// Matrices of many pieces and blocks. Read from a checkpoint piece by piece they give the same weight as from memory; and
// each group gets what it gets when it is quantized alone, wherever the borders of pieces and blocks lie.
import t, { type Test } from 'tap';
import { cast, concat, reshape, slice } from '../../pipeline/engine/layoutOps.ts';
import { dequantizeRows, type PackedWeight } from '../../pipeline/engine/packedWeight.ts';
import { bytesOf } from '../../pipeline/engine/tensorBytes.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { openCheckpoint, writeCheckpoint, type Checkpoint } from '../../pipeline/model/checkpoint.ts';
import { disposeGrouped, readGrouped } from '../../pipeline/teacher/groupedMatrix.ts';
import { treeBlocks, quantizeHqq, solveHqq, type HqqOptions } from '../../pipeline/teacher/quantizeHqq.ts';
import { makeTinyModel } from '../tinyModel.ts';

const SHAPE: [number, number] = [2112, 2048]; // more than a piece, and five blocks

const FORMS = ([8, 4, 3, 2, 1] as const)
  .flatMap((bits) => ([1, 0] as const).map((axis) => ({ bits, axis, groupSize: 64, optimize: false })))
  .concat({ bits: 4, axis: 0, groupSize: 8, optimize: false }) // its rows are longer than a block
  .concat({ bits: 4, axis: 1, groupSize: 33, optimize: true });

t.test('pieces and blocks', async (t) => {
  const weight = tf.tidy(() => cast(tf.randomNormal(SHAPE, 0, 0.02, 'float32', 1), 'bfloat16'));
  const checkpoint = await checkpointOf(t, weight);
  t.teardown(checkpoint.close);
  const before = tf.memory().numTensors;
  for (const options of FORMS) {
    const { bits, axis, groupSize, optimize } = options;
    const form = `${bits} bits, axis ${axis}, groups of ${groupSize}`;
    const matrix = await readGrouped(checkpoint, 'w', options);
    t.ok(matrix.pieces.length > 1);
    tidyValue(() => {
      const whole = quantizeHqq(weight, options);
      const groups = solveHqq(matrix, options);
      const blocks = [...treeBlocks(matrix, groups, bits)].map((block) => reshape(block, [-1]));
      t.ok(blocks.length > 1);
      t.ok(Buffer.from(bytesOf(concat(blocks, 0))).equals(bytesOf(whole.packed)), `${form}: the same codes`);
      if (!optimize) compareParts(t, weight, { whole, options, form });
    });
    disposeGrouped(matrix);
  }
  t.equal(tf.memory().numTensors, before, 'nothing leaks');
  weight.dispose();
});

/** Some groups at the start, in the middle and at the end, each quantized as a matrix of its own. */
function compareParts(
  t: Test,
  weight: Tensor,
  { whole, options, form }: { whole: PackedWeight; options: HqqOptions; form: string },
): void {
  const { axis, groupSize } = options;
  const groups = weight.size / groupSize;
  const grouped = axis === 1 ? [groups, groupSize] : [groupSize, groups];
  const values = reshape(dequantizeRows(whole, { begin: 0, end: SHAPE[0] }, 'float32'), grouped);
  for (const begin of [0, 16_384 - 8, Math.floor(groups / 2), groups - 48]) {
    const [from, size] = axis === 1 ? [[begin, 0], [48, groupSize]] : [[0, begin], [groupSize, 48]]; // prettier-ignore
    const alone = quantizeHqq(slice(reshape(weight, grouped), from, size), options);
    const expected = dequantizeRows(alone, { begin: 0, end: size[0]! }, 'float32');
    const difference = tf.max(tf.abs(tf.sub(slice(values, from, size), expected))).dataSync()[0];
    t.equal(difference, 0, `${form}: groups from ${begin}`);
  }
}

async function checkpointOf(t: Test, weight: Tensor): Promise<Checkpoint> {
  const folder = t.testdir();
  await makeTinyModel(folder);
  const tensor = { name: 'w', dtype: 'BF16' as const, shape: weight.shape, data: () => bytesOf(weight) };
  await writeCheckpoint(folder, { tensors: [tensor] });
  return openCheckpoint(folder);
}
