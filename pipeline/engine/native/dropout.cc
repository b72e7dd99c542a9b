// Sets elements to zero at random (pipeline/engine/dropout.ts): the same ones of any tensor of this size for a key.
#include "kernel.h"
#include "philox.h"

namespace redistill {
namespace {

constexpr int64_t BLOCK = 2 * RANDOM_NUMBERS;  // a number serves two elements, its low half the first

template <class T>
CLONED void dropBlock(const T* x, const uint16_t* random, int32_t threshold, T* y, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; i++) y[i] = random[i] >= threshold ? x[i] : T{0};
}

void dropout(Call& call) {
  const Tensor x = call.input(0), key = call.input(1);
  const int64_t size = x.size();
  const int32_t threshold = call.attribute("threshold");
  require(key.size() == 2, "expected 2 halves of a key");
  const Tensor y = call.output(0, x.dtype(), x.shape());
  withElementType(x.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows((size + BLOCK - 1) / BLOCK, BLOCK, [&](int64_t block) {
      const int64_t begin = block * BLOCK;
      uint32_t numbers[RANDOM_NUMBERS];
      uint16_t random[BLOCK];
      randomNumbers(begin / 2, key.data<uint32_t>(), numbers);
      std::memcpy(random, numbers, sizeof random);
      dropBlock(x.data<T>() + begin, random, threshold, y.data<T>() + begin, std::min(BLOCK, size - begin));
    });
  });
}

const Op dropoutOp{
    "RedistillDropout", {"x: T", "key: int32"}, {"y: T"}, {"T: {float, bfloat16}", "threshold: int"}, dropout};
const Registration<dropoutOp> registered;

}  // namespace
}  // namespace redistill
