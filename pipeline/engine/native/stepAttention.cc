// One token of each row against all that the row has cached (pipeline/model/stepAttention.ts): a product of so few rows
// is bound by reading the cache, so it is read once, by one op, as far as the row is long.
#include <cmath>
#include <limits>

#include "kernel.h"

namespace redistill {
namespace {

// scores[g, j] = query g * key j, for the G queries that share the keys [length, hd].
template <class T>
CLONED void scoreKeys(const float* queries, const T* keys, float* scores, int64_t G, int64_t length, int64_t stride,
                      int64_t hd, float* scratch) {
  for (int64_t j = 0; j < length; j++) {
#pragma omp simd
    for (int64_t d = 0; d < hd; d++) scratch[d] = load(keys[j * hd + d]);
    for (int64_t g = 0; g < G; g++) {
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t d = 0; d < hd; d++) sum += queries[g * hd + d] * scratch[d];
      scores[g * stride + j] = sum;
    }
  }
}

// In place; `scores` has room for whole vectors.
CLONED void softmax(float* scores, int64_t length) {
  float largest = scores[0];
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < length; j++) largest = largest > scores[j] ? largest : scores[j];
  const float inverse = exponentiate(scores, length, largest);
#pragma omp simd
  for (int64_t j = 0; j < length; j++) scores[j] *= inverse;
}

template <class T>
CLONED void sumValues(const float* weights, const T* values, float* sums, int64_t G, int64_t length, int64_t stride,
                      int64_t hd, float* scratch) {
  std::fill(sums, sums + G * hd, 0.0f);
  for (int64_t j = 0; j < length; j++) {
#pragma omp simd
    for (int64_t d = 0; d < hd; d++) scratch[d] = load(values[j * hd + d]);
    for (int64_t g = 0; g < G; g++) {
      const float weight = weights[g * stride + j];
#pragma omp simd
      for (int64_t d = 0; d < hd; d++) sums[g * hd + d] += weight * scratch[d];
    }
  }
}

template <class T>
CLONED void convert(const T* from, float* to, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; i++) to[i] = load(from[i]);
}

template <class T>
CLONED void convertBack(const float* from, T* to, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; i++) store(to + i, from[i]);
}

// Queries [1, KV, G, B, hd], the new keys and values [1, KV, B, hd], caches [B, KV, C, hd], lengths [B] before this
// token: context [1, B, KV G, hd].
// The caches are written to IN PLACE, at the row's length, and must be shared with no other tensor.
void stepAttention(Call& call) {
  const Tensor Q = call.input(0), K = call.input(1), V = call.input(2);
  const Tensor keys = call.input(3), values = call.input(4), lengths = call.input(5);
  const auto shape = Q.shape();
  const int64_t KV = shape[1], G = shape[2], B = shape[3], hd = shape[4], C = keys.shape()[2];
  require(keys.size() == B * KV * C * hd && values.size() == keys.size(), "caches do not fit the queries");
  require(lengths.size() == B && K.size() == B * KV * hd && V.size() == K.size(), "rows do not fit the queries");
  for (int64_t b = 0; b < B; b++)
    require(lengths.data<int32_t>()[b] >= 0 && lengths.data<int32_t>()[b] < C, "a row's cache is full");
  const Tensor y = call.output(0, Q.dtype(), {1, B, KV * G, hd});
  withElementType(Q.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(B * KV, C * hd, [&](int64_t row) {
      static thread_local std::vector<float> scratch;
      const int64_t b = row / KV, kv = row % KV, before = lengths.data<int32_t>()[b], length = before + 1;
      T* const rowKeys = keys.data<T>() + row * C * hd;
      T* const rowValues = values.data<T>() + row * C * hd;
      std::memcpy(rowKeys + before * hd, K.data<T>() + (kv * B + b) * hd, hd * sizeof(T));
      std::memcpy(rowValues + before * hd, V.data<T>() + (kv * B + b) * hd, hd * sizeof(T));
      const int64_t stride = (length + LANES - 1) / LANES * LANES;
      scratch.resize(std::max<size_t>(scratch.size(), G * stride + 2 * G * hd + hd));
      float* const scores = scratch.data();
      float* const queries = scores + G * stride;
      float* const sums = queries + G * hd;
      for (int64_t g = 0; g < G; g++) convert(Q.data<T>() + ((kv * G + g) * B + b) * hd, queries + g * hd, hd);
      scoreKeys(queries, rowKeys, scores, G, length, stride, hd, sums + G * hd);
      for (int64_t g = 0; g < G; g++) softmax(scores + g * stride, length);
      sumValues(scores, rowValues, sums, G, length, stride, hd, sums + G * hd);
      convertBack(sums, y.data<T>() + row * G * hd, G * hd);
    });
  });
}

const Op stepAttentionOp{"RedistillStepAttention",
                         {"q: T", "k: T", "v: T", "keys: T", "values: T", "lengths: int32"},
                         {"context: T"},
                         {"T: {float, bfloat16}"},
                         stepAttention};
const Registration<stepAttentionOp> stepAttentionRegistered;

}  // namespace
}  // namespace redistill
