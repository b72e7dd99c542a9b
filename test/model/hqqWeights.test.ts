// Packed modules in checkpoints against a state dict that hqq 0.2.8 saved (test/golden/hqq/linear.safetensors).
import { join } from 'node:path';
import t from 'tap';
import { cast } from '../../pipeline/engine/layoutOps.ts';
import { dequantizeRows, disposePacked, type PackedWeight } from '../../pipeline/engine/packedWeight.ts';
import { bytesOf, tensorFromBytes } from '../../pipeline/engine/tensorBytes.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { openWeights } from '../../pipeline/model/checkpoint.ts';
import { packedTensors, readPackedWeight } from '../../pipeline/model/hqqWeights.ts';
import { openSafetensors, writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { quantizeHqq } from '../../pipeline/teacher/quantizeHqq.ts';

const GOLDEN = 'test/golden/hqq/linear.safetensors';

t.test('a module is written name for name and byte for byte as hqq writes it', async (t) => {
  const golden = await openSafetensors(GOLDEN);
  const { shape, data } = await golden.read('weight');
  const packed = quantizeHqq(tensorFromBytes(data, shape, 'float32'), {
    bits: 4,
    groupSize: 16,
    axis: 1,
    optimize: true,
  });
  const path = join(t.testdir(), 'proj.safetensors');
  await writeSafetensors(path, tensorsOf('proj', packed, { optimize: true }));
  const written = await openSafetensors(path);
  const expected = [...golden.tensors.keys()].filter((name) => name.startsWith('proj.'));
  t.strictSame([...written.tensors.keys()].sort(), expected.sort());
  for (const name of expected) t.strictSame(await written.read(name), await golden.read(name), name);
  disposePacked(packed);
  await Promise.all([golden.close(), written.close()]);
});

t.test('what hqq saved is read, and dequantized to its values', async (t) => {
  const golden = await openSafetensors(GOLDEN);
  const info = (name: string) => golden.tensors.get(name)!;
  const packed = await readPackedWeight({ folder: GOLDEN, info, read: golden.read }, 'proj');
  const rows = cast(dequantizeRows(packed, { begin: 0, end: 24 }, 'float32'), 'float16');
  const expected = await golden.read('dequantized');
  // hqq subtracts and multiplies in float16, here it is done in float32: two roundings apart.
  const theirs = cast(tensorFromBytes(expected.data, expected.shape, 'float16'), 'float32');
  const difference = tf.max(tf.abs(tf.sub(cast(rows, 'float32'), theirs))).dataSync()[0]!;
  t.ok(difference < 2 * 2 ** -11 * 0.2, `${difference}`);
  disposePacked(packed);
  await golden.close();
});

t.test('every form comes back as it was written', async (t) => {
  const before = tf.memory().numTensors;
  for (const bits of [8, 4, 3, 2, 1] as const)
    for (const axis of [0, 1] as const) {
      const weight = tf.randomNormal([24, 32], 0, 1, 'float32', 1);
      const packed = quantizeHqq(weight, { bits, groupSize: 16, axis, optimize: false });
      const folder = t.testdir();
      await writeSafetensors(join(folder, 'model.safetensors'), tensorsOf('m', packed, { optimize: false }));
      const weights = await openWeights(folder);
      const back = await readPackedWeight({ folder, ...weights }, 'm');
      await weights.close();
      t.strictSame({ ...back, packed: 0, scale: 0, zero: 0 }, { ...packed, packed: 0, scale: 0, zero: 0 });
      t.strictSame(bytesOf(back.packed), bytesOf(packed.packed));
      const halves = cast(packed.zero, 'float16');
      t.strictSame(bytesOf(back.zero), bytesOf(halves), 'zero in float16');
      tf.dispose([weight, halves]);
      disposePacked(packed);
      disposePacked(back);
    }
  t.equal(tf.memory().numTensors, before, 'nothing leaks');
});

t.test('what does not fit together is refused in one line', async (t) => {
  const weight = tf.randomNormal([24, 32], 0, 1, 'float32', 1);
  const packed = quantizeHqq(weight, { bits: 4, groupSize: 16, axis: 1, optimize: false });
  const tensors = tensorsOf('m', packed, { optimize: false });
  const readWith = async (name: string, bytes: Uint8Array) => {
    const folder = t.testdir();
    const changed = tensors.map((tensor) =>
      tensor.name === name ? { ...tensor, data: () => bytes } : tensor,
    );
    await writeSafetensors(join(folder, 'model.safetensors'), changed);
    const weights = await openWeights(folder);
    return readPackedWeight({ folder, ...weights }, 'm').finally(() => weights.close());
  };
  await t.rejects(readWith('m.nbits', Uint8Array.of(5, 0, 0, 0)), {
    name: 'UserError',
    message: /m: nbits = 5/,
  });
  await t.rejects(readWith('m.group_size', Uint8Array.of(32, 0, 0, 0)), {
    name: 'UserError',
    message: /m\.W_q = "U8 \[24, 16\]": expected U8 \[12, 32\]/,
  });
});

function tensorsOf(module: string, packed: PackedWeight, { optimize }: { optimize: boolean }) {
  return packedTensors(module, { ...packed, optimize, codes: () => bytesOf(packed.packed) });
}
