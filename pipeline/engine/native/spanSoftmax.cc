// The softmax of attention over keys that lie in spans of a tree (pipeline/model/treeAttention.ts): what a
// query may not see is neither read nor exponentiated.
#include <limits>

#include "kernel.h"

namespace redistill {
namespace {

// `scratch` has room for whole vectors: the visible scores of all spans lie in it one after the other.
template <class T>
CLONED void softmaxSpans(const T* scores, const int32_t* spans, int64_t count, T* y, int64_t width, float* scratch) {
  float largest = -std::numeric_limits<float>::infinity();
  int64_t visible = 0;
  for (int64_t s = 0; s < count; s++) {
    const T* span = scores + spans[2 * s];
    const int64_t size = spans[2 * s + 1] - spans[2 * s];
    float* place = scratch + visible;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < size; i++) {
      place[i] = load(span[i]);
      largest = largest > place[i] ? largest : place[i];
    }
    visible += size;
  }
  const float inverse = exponentiate(scratch, visible, largest);
  std::fill(y, y + width, T{0});
  visible = 0;
  for (int64_t s = 0; s < count; s++) {
    T* span = y + spans[2 * s];
    const int64_t size = spans[2 * s + 1] - spans[2 * s];
    const float* place = scratch + visible;
#pragma omp simd
    for (int64_t i = 0; i < size; i++) store(span + i, place[i] * inverse);
    visible += size;
  }
}

// Scores [..., rows, width] of n queries, repeated for each head; query r % n sees the columns of spans[r % n], an
// int32 [n, 2 S]: begin and end of each of S spans, in order and apart, some of them perhaps empty.
void spanSoftmax(Call& call) {
  const Tensor scores = call.input(0), spans = call.input(1);
  const int64_t width = scores.shape().back(), rows = scores.size() / width;
  const int64_t n = spans.shape()[0], count = spans.shape()[1] / 2;
  require(rows % n == 0, "rows are not those of the queries");
  for (int64_t i = 0; i < n; i++) {
    int64_t before = 0;
    bool sees = false;
    for (int64_t s = 0; s < count; s++) {
      const int32_t* span = spans.data<int32_t>() + 2 * (i * count + s);
      require(before <= span[0] && span[0] <= span[1] && span[1] <= width, "a span is out of order or place");
      before = span[1];
      sees = sees || span[0] < span[1];
    }
    require(sees, "a query sees nothing");
  }
  const Tensor y = call.output(0, scores.dtype(), scores.shape());
  withElementType(scores.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(rows, width, [&](int64_t row) {
      static thread_local std::vector<float> scratch;
      scratch.resize(std::max<size_t>(scratch.size(), width + LANES));
      softmaxSpans(scores.data<T>() + row * width, spans.data<int32_t>() + 2 * count * (row % n), count,
                   y.data<T>() + row * width, width, scratch.data());
    });
  });
}

const Op spanSoftmaxOp{
    "RedistillSpanSoftmax", {"scores: T", "spans: int32"}, {"p: T"}, {"T: {float, bfloat16}"}, spanSoftmax};
const Registration<spanSoftmaxOp> spanSoftmaxRegistered;

}  // namespace
}  // namespace redistill
