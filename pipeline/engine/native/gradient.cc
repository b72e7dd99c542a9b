// What happens to gradients between backward pass and update (pipeline/train/gradients.ts): sums of those that come in
// bfloat16, in float, rows that belong to a few tokens, and squares, without a pass that only converts.
#include "kernel.h"

namespace redistill {
namespace {

constexpr int64_t PIECE = 1 << 14;  // whatever the number of threads: sums must not depend on it

template <class X>
CLONED double sumOfSquares(const X* x, int64_t size) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; i++) sum += load(x[i]) * load(x[i]);
  return sum;
}

void sumOfSquares(Call& call) {
  const Tensor x = call.input(0);
  const Tensor y = call.output(0, TF_FLOAT, {});
  const int64_t size = x.size(), pieces = (size + PIECE - 1) / PIECE;
  std::vector<double> sums(pieces);
  withElementType(x.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(pieces, PIECE, [&](int64_t piece) {
      const int64_t begin = piece * PIECE;
      sums[piece] = sumOfSquares(x.data<T>() + begin, std::min(PIECE, size - begin));
    });
  });
  double total = 0;
  for (double sum : sums) total += sum;
  *y.data<float>() = total;
}

template <class X>
CLONED void addTo(float* sum, const X* x, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; i++) sum[i] += load(x[i]);
}

// The sum is changed where it is, as in adamW.cc.
void accumulate(Call& call) {
  const Tensor sum = call.input(0), x = call.input(1);
  const int64_t size = sum.size();
  require(x.size() == size, "the sizes differ");
  withElementType(x.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows((size + PIECE - 1) / PIECE, PIECE, [&](int64_t piece) {
      const int64_t begin = piece * PIECE;
      addTo(sum.data<float>() + begin, x.data<T>() + begin, std::min(PIECE, size - begin));
    });
  });
}

// Adds row i of x [n, D] to row rows[i] of the sum [V, D], where it is, one after the other: rows may repeat.
void accumulateRows(Call& call) {
  const Tensor sum = call.input(0), rows = call.input(1), x = call.input(2);
  const int64_t n = rows.size(), D = sum.shape().back(), V = sum.size() / D;
  require(x.size() == n * D, "expected a row for each index");
  for (int64_t i = 0; i < n; i++) {
    const int64_t row = rows.data<int32_t>()[i];
    require(row >= 0 && row < V, "no such row");
    addTo(sum.data<float>() + row * D, x.data<float>() + i * D, D);
  }
}

const Op accumulateRowsOp{
    "RedistillAccumulateRows", {"sum: float", "rows: int32", "x: float"}, {}, {}, accumulateRows};
const Registration<accumulateRowsOp> accumulateRowsRegistered;
const Op sumOfSquaresOp{"RedistillSumOfSquares", {"x: T"}, {"y: float"}, {"T: {float, bfloat16}"}, sumOfSquares};
const Op accumulateOp{"RedistillAccumulate", {"sum: float", "x: T"}, {}, {"T: {float, bfloat16}"}, accumulate};
const Registration<sumOfSquaresOp> sumOfSquaresRegistered;
const Registration<accumulateOp> accumulateRegistered;

}  // namespace
}  // namespace redistill
