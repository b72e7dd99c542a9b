// y = x / sqrt(mean(x²) + eps) * gamma, row by row, and its gradient (pipeline/model/rmsNorm.ts); and the sum x + y of a
// residual stream.
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

template <class T>
CLONED void addRow(const float* x, const T* y, float* sum, int64_t D) {
#pragma omp simd
  for (int64_t i = 0; i < D; i++) sum[i] = x[i] + load(y[i]);
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

// With r = 1 / sqrt(mean(x²) + eps) and h = dy gamma: dx = r h - r³ x mean(h x); dy x r is added to dGamma.
template <class T>
CLONED void normalizeBackRow(const float* x, const float* gamma, const T* dy, float* dx, float* dGamma, int64_t D,
                             float eps) {
  float squares = 0, hx = 0;
#pragma omp simd reduction(+ : squares, hx)
  for (int64_t i = 0; i < D; i++) {
    squares += x[i] * x[i];
    hx += load(dy[i]) * gamma[i] * x[i];
  }
  const float r = 1 / std::sqrt(squares / D + eps), pull = r * r * hx / D;
#pragma omp simd
  for (int64_t i = 0; i < D; i++) {
    const float dyr = load(dy[i]) * r;
    dx[i] = dyr * gamma[i] - x[i] * (pull * r);
    dGamma[i] += dyr * x[i];
  }
}

constexpr int64_t PARTS = 64;  // whatever the number of threads: sums must not depend on it

void rmsNormGrad(Call& call) {
  const Tensor x = call.input(0), gamma = call.input(1), dy = call.input(2);
  const int64_t D = gamma.size(), N = x.size() / D, parts = std::min(N, PARTS);
  const float eps = call.attribute("eps");
  const Tensor dx = call.output(0, TF_FLOAT, x.shape()), dGamma = call.output(1, TF_FLOAT, gamma.shape());
  std::vector<float> sums(parts * D);
  withElementType(dy.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(parts, N / parts * D, [&](int64_t part) {
      for (int64_t n = part * N / parts; n < (part + 1) * N / parts; n++)
        normalizeBackRow(x.data<float>() + n * D, gamma.data<float>(), dy.data<T>() + n * D, dx.data<float>() + n * D,
                         &sums[part * D], D, eps);
    });
  });
  std::fill_n(dGamma.data<float>(), D, 0.0f);
  for (int64_t part = 0; part < parts; part++) addRow(dGamma.data<float>(), &sums[part * D], dGamma.data<float>(), D);
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
const Op rmsNormGradOp{"RedistillRmsNormGrad",
                       {"x: float", "gamma: float", "dy: T"},
                       {"dx: float", "dgamma: float"},
                       {"T: {float, bfloat16}", "eps: float"},
                       rmsNormGrad};
const Op addOp{"RedistillAdd", {"x: float", "y: T"}, {"sum: float"}, {"T: {float, bfloat16}"}, add};
const Registration<rmsNormOp> rmsNormRegistered;
const Registration<rmsNormGradOp> rmsNormGradRegistered;
const Registration<addOp> addRegistered;

}  // namespace
}  // namespace redistill
