// Rows of an HQQ-packed matrix in full (pipeline/engine/packedWeight.ts): w = (code - zero) * scale in float, in one pass
// from the packed integers to the precision of the product, so that a tile costs little beside its product.
#include "kernel.h"

namespace redistill {
namespace {

// A part of a row of the grouped matrix. `step` is 1 where each column is a group of its own, 0 where the row is one.
template <class Code, class T>
CLONED void dequantizeRow(const Code* packed, int shift, int mask, const float* zero, const float* scale, int64_t step,
                          T* y, int64_t length) {
  if (step == 0) {
    const float z = *zero, s = *scale;
#pragma omp simd
    for (int64_t i = 0; i < length; i++) store(y + i, (static_cast<float>((packed[i] >> shift) & mask) - z) * s);
  } else {
#pragma omp simd
    for (int64_t i = 0; i < length; i++)
      store(y + i, (static_cast<float>((packed[i] >> shift) & mask) - zero[i]) * scale[i]);
  }
}

// A finite IEEE binary16 number. Subnormal ones by their own formula: TensorFlow's threads take subnormal floats for 0.
INLINE float ofHalf(uint16_t half) {
  const uint32_t mantissa = half & 0x3ffu, magnitude = half & 0x7fffu;
  const float value =
      magnitude > 0x3ff ? bitsAs<float>((magnitude << 13) + (112u << 23)) : static_cast<float>(mantissa) * 0x1p-24f;
  return half & 0x8000 ? -value : value;
}

// Scales or zero points from `begin` on, in float.
std::vector<float> floats(const Tensor& parameter, int64_t begin, int64_t count) {
  std::vector<float> values(count);
  const auto fill = [&](auto valueAt) {
    for (int64_t i = 0; i < count; i++) values[i] = valueAt(begin + i);
  };
  if (parameter.dtype() == TF_FLOAT) fill([&](int64_t i) { return parameter.data<float>()[i]; });
  else if (parameter.dtype() == TF_HALF) fill([&](int64_t i) { return ofHalf(parameter.data<uint16_t>()[i]); });
  else fill([&](int64_t i) { return load(parameter.data<bfloat16>()[i]); });
  return values;
}

// The values `range` (two numbers) of the matrix in row-major order. The grouped matrix [rows, width] is packed [height,
// width]: its row r is part r / height, the first part in the highest bits, of the packed row r % height.
void dequantize(Call& call) {
  const Tensor packed = call.input(0), scale = call.input(1), zero = call.input(2), range = call.input(3);
  const int64_t columns = call.attribute("columns");
  const int64_t begin = range.data<int32_t>()[0] * columns, end = range.data<int32_t>()[1] * columns;
  const int64_t height = packed.shape()[0], width = packed.shape()[1];
  const int bits = call.attribute("bits"), parts = call.attribute("parts"), mask = (1 << bits) - 1;
  const bool alongRows = call.attribute("axis") == 1;
  const int64_t firstRow = begin / width, rows = (end + width - 1) / width - firstRow;
  require(0 <= begin && begin < end && firstRow + rows <= height * parts, "range outside the matrix");
  const auto zeros = floats(zero, alongRows ? firstRow : 0, alongRows ? rows : width);
  const auto scales = floats(scale, alongRows ? firstRow : 0, alongRows ? rows : width);
  const Tensor y = call.output(0, call.dtype("T"), {(end - begin) / columns, columns});
  const auto unpack = [&](auto code, auto type) {
    using Code = decltype(code);
    using T = decltype(type);
    parallelRows(rows, width, [&](int64_t i) {
      const int64_t row = firstRow + i, from = std::max(begin, row * width), to = std::min(end, (row + 1) * width);
      const int64_t column = from - row * width, group = alongRows ? i : column;
      dequantizeRow(packed.data<Code>() + row % height * width + column,
                    static_cast<int>(parts - 1 - row / height) * bits, mask, &zeros[group], &scales[group],
                    alongRows ? 0 : 1, y.data<T>() + from - begin, to - from);
    });
  };
  withElementType(y.dtype(), [&](auto type) {
    packed.dtype() == TF_INT32 ? unpack(int32_t{}, type) : unpack(uint8_t{}, type);
  });
}

const Op dequantizeOp{"RedistillDequantize",
                      {"packed: Code", "scale: P", "zero: P", "range: int32"},
                      {"y: T"},
                      {"T: {float, bfloat16}", "Code: {uint8, int32}", "P: {float, half, bfloat16}", "bits: int", "parts: int",
                       "axis: int", "columns: int"},
                      dequantize};
const Registration<dequantizeOp> registered;

}  // namespace
}  // namespace redistill
