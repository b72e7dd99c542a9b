// Reading and writing against files and values of the safetensors library and torch (test/golden/model).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hasNonFinite, toBfloat16, toFloat32 } from '../../pipeline/model/halfPrecision.ts';
import {
  openSafetensors,
  readPieces,
  writeSafetensors,
  type TensorSource,
} from '../../pipeline/model/safetensors.ts';
import { sha256Of } from '../fileBytes.ts';
import { readJson } from '../readJson.ts';

const GOLDEN = 'test/golden/model';
const DTYPES = join(GOLDEN, 'dtypes.safetensors');

t.test('a file of every dtype is read, and written again byte for byte', async (t) => {
  const file = await openSafetensors(DTYPES);
  t.teardown(file.close);
  t.same(file.metadata, { format: 'pt' });
  t.same(file.tensors.get('alpha'), { dtype: 'F16', shape: [3, 5] });
  t.same(toFloat32(await file.read('scalar')), [1.5]);
  t.equal((await file.read('empty')).data.byteLength, 0);
  const sources: TensorSource[] = [...file.tensors].map(([name, info]) => ({
    name,
    ...info,
    data: async () => (await file.read(name)).data,
  }));
  const copy = join(t.testdir(), 'copy.safetensors');
  await writeSafetensors(copy, sources.reverse());
  t.ok(readFileSync(copy).equals(readFileSync(DTYPES)));
});

t.test('parts of a tensor are its bytes there, and pieces make a file as the whole does', async (t) => {
  const file = await openSafetensors(DTYPES);
  t.teardown(file.close);
  const { data, shape } = await file.read('alpha');
  t.same(await file.readRange('alpha', { begin: 2, end: 7 }), data.subarray(4, 14));
  t.equal((await file.readRange('alpha', { begin: 15, end: 15 })).byteLength, 0);
  for (const range of [
    { begin: 0, end: 16 },
    { begin: -1, end: 1 },
    { begin: 3, end: 2 },
  ])
    await t.rejects(file.readRange('alpha', range), { name: 'RangeError' });
  await t.rejects(file.readRange('beta?', { begin: 0, end: 0 }), { name: 'UserError' });

  const large = new Uint8Array(9 << 20).map((_, i) => i * 7 + (i >> 8)); // three pieces of 2^22 elements
  const [whole, pieces, copy] = ['whole', 'pieces', 'copy'].map((name) => join(t.testdirName, name));
  t.testdir();
  const info = { name: 'x', dtype: 'U8' as const, shape: [large.length] };
  const halves = [large.subarray(0, 1000), large.subarray(1000)];
  await writeSafetensors(whole!, [{ ...info, data: () => large }]);
  await writeSafetensors(pieces!, [{ ...info, data: () => halves }]);
  const source = await openSafetensors(whole!);
  await writeSafetensors(copy!, [{ ...info, data: () => readPieces(source, info) }]);
  await source.close();
  for (const path of [pieces!, copy!]) t.ok(readFileSync(path).equals(readFileSync(whole!)), path);
  const short = writeSafetensors(copy!, [{ ...info, data: () => halves.slice(1) }]);
  await t.rejects(short, { message: /^x: 9436184 bytes given, 9437184 expected$/ });
  t.same(shape, [3, 5]);
});

t.test('what is not finite is found among bfloat16 numbers', (t) => {
  const bytes = (...values: number[]) => toBfloat16(Float32Array.from(values));
  t.notOk(hasNonFinite(bytes(0, -1, 3e38, 1e-40)));
  for (const value of [NaN, Infinity, -Infinity]) t.ok(hasNonFinite(bytes(0, 1, value)), String(value));
  t.end();
});

t.test('float16 and bfloat16 become the float32 values that torch has', async (t) => {
  const golden = readJson(join(GOLDEN, 'dtypes.json')) as {
    values: Record<string, number[]>;
    allHalvesSha256: string;
  };
  const file = await openSafetensors(DTYPES);
  t.teardown(file.close);
  for (const [name, values] of Object.entries(golden.values))
    t.same([...toFloat32(await file.read(name))], values, name);
  const all = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
  const floats = toFloat32({ dtype: 'F16', data: all }).map((value) => (Number.isNaN(value) ? 0 : value));
  t.equal(sha256Of(new Uint8Array(floats.buffer)), golden.allHalvesSha256, 'all 65,536 float16 numbers');
});

t.test('float32 is rounded to bfloat16 as torch rounds, and NaN stays NaN', async (t) => {
  const file = await openSafetensors(join(GOLDEN, 'rounding.safetensors'));
  t.teardown(file.close);
  const values = toFloat32(await file.read('values'));
  t.ok(Buffer.from(toBfloat16(values)).equals((await file.read('rounded')).data));
  const nan = new Float32Array(new Uint32Array([0x7fffffff, 0xffffffff, 0x7f800001]).buffer);
  t.ok(toFloat32({ dtype: 'BF16', data: toBfloat16(nan) }).every(Number.isNaN));
});

t.test('a file that is cut anywhere is refused by one line naming it', async (t) => {
  const whole = readFileSync(DTYPES);
  const path = join(t.testdir(), 'cut.safetensors');
  for (let bytes = 0; bytes < whole.length; bytes += 7) {
    writeFileSync(path, whole.subarray(0, bytes));
    await t.rejects(openSafetensors(path), { name: 'UserError', message: /^\S*cut\.safetensors: [^\n]+$/ });
  }
});

const HEADER = {
  a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
  b: { dtype: 'U8', shape: [4], data_offsets: [8, 12] },
};
const LIES: Record<string, { header: unknown; message: RegExp; dataBytes?: number }> = {
  'not an object': { header: 'text', message: /header is not a JSON object/ },
  'unknown dtype': { header: { a: { ...HEADER.a, dtype: 'Q4' } }, message: /a\.dtype: .*expected one of/ },
  'shape and bytes differ': {
    header: { ...HEADER, a: { ...HEADER.a, shape: [3] } },
    message: /a: F32 \[3\] takes 12 bytes, data_offsets give 8/,
  },
  'negative size': { header: { ...HEADER, a: { ...HEADER.a, shape: [-2] } }, message: /a\.shape\.0: / },
  overlap: {
    header: { ...HEADER, b: { ...HEADER.b, data_offsets: [4, 8] } },
    message: /b: starts at data byte 4/,
  },
  'a hole': {
    header: { ...HEADER, b: { ...HEADER.b, data_offsets: [9, 13] } },
    message: /b: starts at data byte 9/,
  },
  'more than the file has': {
    header: {
      ...HEADER,
      a: { dtype: 'F32', shape: [1e12], data_offsets: [12, 4e12 + 12] },
      b: { ...HEADER.b, shape: [12], data_offsets: [0, 12] },
    },
    message: /cut off: holds 12 of 4000000000012 bytes/,
  },
  'bytes nobody names': {
    header: HEADER,
    dataBytes: 13,
    message: /holds 1 bytes more than its header names/,
  },
};
for (const [name, { header, message, dataBytes = 12 }] of Object.entries(LIES))
  t.test(`a header that lies is refused: ${name}`, async (t) => {
    const path = join(t.testdir(), 'lies.safetensors');
    const text = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(path, Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]));
    await t.rejects(openSafetensors(path), { name: 'UserError', message });
  });

t.test('a header length beyond reason is refused without reading on', async (t) => {
  const path = join(t.testdir(), 'other.bin');
  writeFileSync(path, Buffer.alloc(64, 0xff));
  await t.rejects(openSafetensors(path), { message: /not a safetensors file/ });
});

t.test('a source that gives other bytes than it promised leaves no file', async (t) => {
  const path = join(t.testdir(), 'wrong.safetensors');
  const wrong: TensorSource = { name: 'a', dtype: 'F32', shape: [2], data: () => new Uint8Array(7) };
  await t.rejects(writeSafetensors(path, [wrong]), /a: 7 bytes given, 8 expected/);
  await t.rejects(openSafetensors(path), { message: /no such file/ });
});
