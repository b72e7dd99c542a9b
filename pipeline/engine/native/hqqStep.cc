// A step of HQQ's solver (pipeline/teacher/quantizeHqq.ts) on a block of groups: how far the codes of the present zero
// points are from the weights, and the next zero points, in one pass over the weights. Each operation rounds as there,
// hence no fused multiply-add; and sums over a group are taken in PyTorch's order (its SumKernel.cpp on x86-64), so that
// codes next to a tie fall as hqq's do.
#pragma GCC optimize("fp-contract=off")
#include <cmath>

#include "kernel.h"

namespace redistill {
namespace {

struct Solver {
  float highest;        // code
  float alwaysShrunk;   // errors smaller than this are shrunk to 0
  float exponent, inverseBeta;
};

// What one weight adds: its error, and the difference of code and target, whose mean is the next zero point.
struct Parts {
  float size, term;
};

template <bool SHRINKS>
INLINE Parts partsOf(float w, float inverseScale, float zero, const Solver& solver) {
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number, halves to even
  const float scaled = w * inverseScale, exact = scaled + zero;
  const float whole = (exact + magic) - magic;
  const float code = whole < 0.0f ? 0.0f : whole > solver.highest ? solver.highest : whole;
  const float difference = w - (code - zero) / inverseScale, size = std::fabs(difference);
  if (!SHRINKS || size < solver.alwaysShrunk) return {size, code - scaled};
  const float left = std::max(size - solver.inverseBeta * std::pow(size, solver.exponent), 0.0f);
  return {size, code - (w - std::copysign(left, difference)) * inverseScale};
}

struct Sums {
  float error, largest, term;
};

// A group along a row of n weights: four vectors of eight lanes at a time.
template <bool SHRINKS, class T>
CLONED Sums sumGroup(const T* w, int64_t n, float inverseScale, float zero, const Solver solver) {
  constexpr int LANES = 8, WIDTH = 4 * LANES;
  float errors[WIDTH] = {}, largest[WIDTH] = {}, terms[WIDTH] = {};
  int64_t i = 0;
  for (int64_t width : {WIDTH, LANES})
    for (; i + width <= n; i += width)
#pragma omp simd
      for (int64_t j = 0; j < width; j++) {
        const Parts parts = partsOf<SHRINKS>(load(w[i + j]), inverseScale, zero, solver);
        errors[j] += parts.size;
        largest[j] = parts.size > largest[j] ? parts.size : largest[j];
        terms[j] += parts.term;
      }
  Sums sums = {0, 0, 0};
  for (; i < n; i++) {
    const Parts parts = partsOf<SHRINKS>(load(w[i]), inverseScale, zero, solver);
    sums = {sums.error + parts.size, std::max(sums.largest, parts.size), sums.term + parts.term};
  }
  for (int64_t j = LANES; j < WIDTH; j++) terms[j % LANES] += terms[j];
  for (int64_t j = 0; j < LANES; j++) sums.term += terms[j];
  for (int64_t j = 0; j < WIDTH; j++) {
    sums.error += errors[j];
    sums.largest = std::max(sums.largest, largest[j]);
  }
  return sums;
}

constexpr int64_t COLUMNS = 256;

struct ColumnSums {
  float error[COLUMNS], largest[COLUMNS], term[COLUMNS];
};

// Up to COLUMNS groups across n rows that are `stride` weights apart: sixteen rows at a time.
template <bool SHRINKS, class T>
CLONED void sumColumns(const T* w, int64_t n, int64_t stride, int64_t columns, const float* inverseScale,
                       const float* zero, const Solver solver, ColumnSums& sums) {
  ColumnSums few = {};
  sums = {};
  for (int64_t row = 0; row < n; row++) {
    const T* x = w + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < columns; j++) {
      const Parts parts = partsOf<SHRINKS>(load(x[j]), inverseScale[j], zero[j], solver);
      sums.error[j] += parts.size;
      sums.largest[j] = parts.size > sums.largest[j] ? parts.size : sums.largest[j];
      few.term[j] += parts.term;
    }
    if (row % 16 != 15) continue;
    for (int64_t j = 0; j < columns; j++) {
      sums.term[j] += few.term[j];
      few.term[j] = 0;
    }
  }
  for (int64_t j = 0; j < columns; j++) sums.term[j] = few.term[j] + sums.term[j];
}

template <class T>
double alongRows(const Tensor& weights, const float* inverseScale, const float* zero, float* next, const Solver& solver) {
  const int64_t groups = weights.shape()[0], n = weights.shape()[1];
  std::vector<float> errors(groups);
  parallelRows(groups, n, [&](int64_t group) {
    const T* w = weights.data<T>() + group * n;
    Sums sums = sumGroup<false>(w, n, inverseScale[group], zero[group], solver);
    if (!(sums.largest < solver.alwaysShrunk)) sums = sumGroup<true>(w, n, inverseScale[group], zero[group], solver);
    errors[group] = sums.error;
    next[group] = sums.term / n;
  });
  double total = 0;
  for (float error : errors) total += error;
  return total;
}

template <class T>
double acrossRows(const Tensor& weights, const float* inverseScale, const float* zero, float* next,
                  const Solver& solver) {
  const int64_t n = weights.shape()[0], groups = weights.shape()[1], blocks = (groups + COLUMNS - 1) / COLUMNS;
  std::vector<double> errors(blocks);
  parallelRows(blocks, n * COLUMNS, [&](int64_t block) {
    const int64_t first = block * COLUMNS, columns = std::min(COLUMNS, groups - first);
    const T* w = weights.data<T>() + first;
    ColumnSums sums;
    sumColumns<false>(w, n, groups, columns, inverseScale + first, zero + first, solver, sums);
    if (!(*std::max_element(sums.largest, sums.largest + columns) < solver.alwaysShrunk))
      sumColumns<true>(w, n, groups, columns, inverseScale + first, zero + first, solver, sums);
    for (int64_t j = 0; j < columns; j++) {
      errors[block] += sums.error[j];
      next[first + j] = sums.term[j] / n;
    }
  });
  double total = 0;
  for (double error : errors) total += error;
  return total;
}

void hqqStep(Call& call) {
  const Tensor weights = call.input(0), inverseScale = call.input(1), zero = call.input(2);
  const float beta = call.attribute("beta"), norm = call.attribute("norm");
  const Solver solver = {static_cast<float>(call.attribute("highest")), static_cast<float>(call.attribute("always_shrunk")),
                         norm - 1, 1 / beta};
  const bool rows = call.attribute("axis") == 1;
  require(weights.shape().size() == 2 && inverseScale.size() == weights.shape()[rows ? 0 : 1] &&
              zero.size() == inverseScale.size(),
          "weights, scales and zero points do not fit together");
  const Tensor next = call.output(0, TF_FLOAT, zero.shape()), error = call.output(1, TF_FLOAT, {});
  withElementType(weights.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto step = rows ? alongRows<T> : acrossRows<T>;
    const double total = step(weights, inverseScale.data<float>(), zero.data<float>(), next.data<float>(), solver);
    *error.data<float>() = total / weights.size();
  });
}

const Op hqqStepOp{"RedistillHqqStep",
                   {"weights: T", "inverse_scale: float", "zero: float"},
                   {"next_zero: float", "mean_error: float"},
                   {"T: {float, bfloat16}", "axis: int", "highest: int", "norm: float", "beta: float",
                    "always_shrunk: float"},
                   hqqStep};
const Registration<hqqStepOp> registered;

}  // namespace
}  // namespace redistill
