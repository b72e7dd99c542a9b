// y = x / sqrt(mean(x²) + eps) * gamma, row by row (pipeline/model/rmsNorm.ts), and the sum x + y of a residual stream.
#include <cmath>

#include "kernel.h"

namespace redistill {
namespace {

template <class T>
CLONED void normalizeRow(const float* x, const float* gamma, T* y, int64_t D, float eps) {
  float squares = 0;
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < D; i++) squares += x[i] * x[i];
  const float inverseRms = 1 / std::sqrt(squares / D + eps);
#pragma omp simd
  for (int64_t i = 0; i < D; i++) store(y + i, x[i] * inverseRms * gamma[i]);
}

void rmsNorm(Call& call) {
  const Tensor x = call.input(0), gamma = call.input(1);
  const int64_t D = gamma.size(), N = x.size() / D;
  const float eps = call.attribute("eps");
  const Tensor y = call.output(0, call.dtype("T"), x.shape());
  withElementType(y.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(N, D, [&](int64_t n) {
      normalizeRow(x.data<float>() + n * D, gamma.data<float>(), y.data<T>() + n * D, D, eps);
    });
  });
}

template <class T>
CLONED void addRow(const float* x, const T* y, float* sum, int64_t D) {
#pragma omp simd
  for (int64_t i = 0; i < D; i++) sum[i] = x[i] + load(y[i]);
}

void add(Call& call) {
  const Tensor x = call.input(0), y = call.input(1);
  require(x.size() == y.size(), "x and y differ in size");
  const int64_t D = x.shape().back(), N = x.size() / D;
  const Tensor sum = call.output(0, TF_FLOAT, x.shape());
  withElementType(y.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(N, D, [&](int64_t n) {
      addRow(x.data<float>() + n * D, y.data<T>() + n * D, sum.data<float>() + n * D, D);
    });
  });
}

const Op rmsNormOp{
    "RedistillRmsNorm", {"x: float", "gamma: float"}, {"y: T"}, {"T: {float, bfloat16}", "eps: float"}, rmsNorm};
const Op addOp{"RedistillAdd", {"x: float", "y: T"}, {"sum: float"}, {"T: {float, bfloat16}"}, add};
const Registration<rmsNormOp> rmsNormRegistered;
const Registration<addOp> addRegistered;

}  // namespace
}  // namespace redistill
