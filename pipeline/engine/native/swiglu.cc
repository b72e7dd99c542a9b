// silu(gate) * up, element by element, computed in float (pipeline/model/swiglu.ts).
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

const Op swigluOp{"RedistillSwiglu", {"gate: T", "up: T"}, {"y: T"}, {"T: {float, bfloat16}"}, swiglu};
const Registration<swigluOp> registered;

}  // namespace
}  // namespace redistill
