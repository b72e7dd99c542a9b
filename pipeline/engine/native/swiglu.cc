// silu(gate) * up, element by element, and its gradient, computed in float (pipeline/model/swiglu.ts).
#include "kernel.h"

namespace redistill {
namespace {

template <class T>
CLONED void swigluRow(const T* gate, const T* up, T* y, int64_t F) {
#pragma omp simd
  for (int64_t i = 0; i < F; i++) {
    const float g = load(gate[i]);
    store(y + i, g / (1 + exponential(-g)) * load(up[i]));
  }
}

void swiglu(Call& call) {
  const Tensor gate = call.input(0), up = call.input(1);
  require(gate.size() == up.size(), "gate and up differ in size");
  const int64_t F = gate.shape().back(), N = gate.size() / F;
  const Tensor y = call.output(0, gate.dtype(), gate.shape());
  withElementType(gate.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(N, F, [&](int64_t n) {
      swigluRow(gate.data<T>() + n * F, up.data<T>() + n * F, y.data<T>() + n * F, F);
    });
  });
}

// dGate = dy up σ (1 + g (1 - σ)), dUp = dy g σ.
template <class T>
CLONED void swigluBackRow(const T* gate, const T* up, const T* dy, T* dGate, T* dUp, int64_t F) {
#pragma omp simd
  for (int64_t i = 0; i < F; i++) {
    const float g = load(gate[i]), d = load(dy[i]), sigma = 1 / (1 + exponential(-g));
    store(dGate + i, d * load(up[i]) * sigma * (1 + g * (1 - sigma)));
    store(dUp + i, d * g * sigma);
  }
}

void swigluGrad(Call& call) {
  const Tensor gate = call.input(0), up = call.input(1), dy = call.input(2);
  require(gate.size() == up.size() && gate.size() == dy.size(), "gate, up and dy differ in size");
  const int64_t F = gate.shape().back(), N = gate.size() / F;
  const Tensor dGate = call.output(0, gate.dtype(), gate.shape()), dUp = call.output(1, gate.dtype(), gate.shape());
  withElementType(gate.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(N, F, [&](int64_t n) {
      swigluBackRow(gate.data<T>() + n * F, up.data<T>() + n * F, dy.data<T>() + n * F, dGate.data<T>() + n * F,
                    dUp.data<T>() + n * F, F);
    });
  });
}

const Op swigluGradOp{"RedistillSwigluGrad",
                      {"gate: T", "up: T", "dy: T"},
                      {"dgate: T", "dup: T"},
                      {"T: {float, bfloat16}"},
                      swigluGrad};
const Registration<swigluGradOp> gradRegistered;
const Op swigluOp{"RedistillSwiglu", {"gate: T", "up: T"}, {"y: T"}, {"T: {float, bfloat16}"}, swiglu};
const Registration<swigluOp> registered;

}  // namespace
}  // namespace redistill
