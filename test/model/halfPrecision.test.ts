// Rounding to half precision: every half comes back as itself, every midpoint goes to the even neighbour.
import t from 'tap';
import { toFloat16, toFloat32 } from '../../pipeline/model/halfPrecision.ts';

const FINITE = 0x7c00;

function valuesOf(halves: Uint16Array<ArrayBuffer>): Float32Array {
  return toFloat32({ dtype: 'F16', data: new Uint8Array(halves.buffer) });
}

t.test('every finite half, and infinity, comes back', (t) => {
  for (const sign of [0, 0x8000]) {
    const halves = Uint16Array.from({ length: FINITE + 1 }, (_, bits) => sign | bits);
    t.same(toFloat16(valuesOf(halves)), halves);
  }
  t.end();
});

t.test('between two neighbours the nearer one is taken, in the middle the even one', (t) => {
  const halves = Uint16Array.from({ length: FINITE }, (_, bits) => bits);
  const values = valuesOf(halves);
  const between = (share: number) =>
    toFloat16(Float32Array.from(values.subarray(1), (above, i) => values[i]! + share * (above - values[i]!)));
  t.same(
    between(0.5),
    Uint16Array.from({ length: FINITE - 1 }, (_, bits) => bits + (bits & 1)),
  );
  t.same(between(0.4375), halves.subarray(0, -1));
  t.same(between(0.5625), halves.subarray(1));
  t.end();
});

t.test('NaN, overflow and underflow', (t) => {
  const found = toFloat16(Float32Array.of(NaN, 65_519, 65_520, -1e9, 1e-9, -1e-9, -Infinity));
  t.same([...found], [0x7e00, 0x7bff, 0x7c00, 0xfc00, 0, 0x8000, 0xfc00]);
  t.end();
});
