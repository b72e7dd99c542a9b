// The softmax of rows as wide as a vocabulary in two passes that write no more than the result (pipeline/engine/softmax.ts):
// log-sum-exp, then factor * exp(x - logSumExp) in the precision of the product that follows.
#include <cmath>
#include <limits>

#include "kernel.h"

namespace redistill {
namespace {

template <class T>
CLONED float logSumExpRow(const T* x, int64_t V) {
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < V; i++) largest = load(x[i]) > largest ? load(x[i]) : largest;
  double total = 0;  // of pieces summed in float
  for (int64_t begin = 0; begin < V; begin += 1024) {
    const int64_t size = std::min<int64_t>(1024, V - begin);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < size; i++) sum += exponential(load(x[begin + i]) - largest);
    total += sum;
  }
  return largest + static_cast<float>(std::log(total));
}

void logSumExp(Call& call) {
  const Tensor x = call.input(0);
  const int64_t V = x.shape().back(), n = x.size() / V;
  const Tensor y = call.output(0, TF_FLOAT, {n, 1});
  withElementType(x.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(n, V, [&](int64_t i) { y.data<float>()[i] = logSumExpRow(x.data<T>() + i * V, V); });
  });
}

template <class T, class Y>
CLONED void softmaxRow(const T* x, float logSumExp, float factor, Y* y, int64_t V) {
#pragma omp simd
  for (int64_t i = 0; i < V; i++) store(y + i, factor * exponential(load(x[i]) - logSumExp));
}

void scaledSoftmax(Call& call) {
  const Tensor x = call.input(0), logSumExp = call.input(1), factor = call.input(2);
  const int64_t V = x.shape().back(), n = x.size() / V;
  require(logSumExp.size() == n && factor.size() == n, "expected a log-sum-exp and a factor for each row");
  const Tensor y = call.output(0, call.dtype("Y"), {n, V});
  withElementType(x.dtype(), [&](auto type) {
    using T = decltype(type);
    withElementType(y.dtype(), [&](auto resultType) {
      using Y = decltype(resultType);
      parallelRows(n, V, [&](int64_t i) {
        softmaxRow(x.data<T>() + i * V, logSumExp.data<float>()[i], factor.data<float>()[i], y.data<Y>() + i * V, V);
      });
    });
  });
}

const Op logSumExpOp{"RedistillLogSumExp", {"x: T"}, {"y: float"}, {"T: {float, bfloat16}"}, logSumExp};
const Op scaledSoftmaxOp{"RedistillScaledSoftmax",
                         {"x: T", "log_sum_exp: float", "factor: float"},
                         {"y: Y"},
                         {"T: {float, bfloat16}", "Y: {float, bfloat16}"},
                         scaledSoftmax};
const Registration<logSumExpOp> logSumExpRegistered;
const Registration<scaledSoftmaxOp> scaledSoftmaxRegistered;

}  // namespace
}  // namespace redistill
