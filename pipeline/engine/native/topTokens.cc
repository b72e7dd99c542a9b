// The K largest of each row of logits, largest first and ties to the lowest id, and the probability outside them at
// each temperature (pipeline/logits/topTokens.ts). A row is read once from memory. No value below the K-th largest
// maximum of the blocks of 32 columns can be among the K largest, so few are ever compared.
#include <limits>

#include "kernel.h"

namespace redistill {
namespace {

constexpr int64_t WIDTH = 32;

// The row in float, filled up with -infinity to whole blocks, and the largest of each block. NaN is no maximum.
template <class T>
CLONED void blockMaxima(const T* logits, int64_t V, float* row, float* maxima) {
  const int64_t blocks = (V + WIDTH - 1) / WIDTH;
#pragma omp simd
  for (int64_t i = 0; i < V; i++) row[i] = load(logits[i]);
  for (int64_t i = V; i < blocks * WIDTH; i++) row[i] = -std::numeric_limits<float>::infinity();
  for (int64_t block = 0; block < blocks; block++) {
    const float* values = row + block * WIDTH;
    float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < WIDTH; i++) largest = values[i] > largest ? values[i] : largest;
    maxima[block] = largest;
  }
}

// Σ exp((row - largest) / T), summed in float within pieces and in double over them.
CLONED double sumOfExponentials(const float* row, int64_t length, float largest, float inverseT) {
  double total = 0;
  for (int64_t begin = 0; begin < length; begin += 1024) {
    const int64_t size = std::min<int64_t>(1024, length - begin);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < size; i++) sum += exponential((row[begin + i] - largest) * inverseT);
    total += sum;
  }
  return total;
}

// Order of (value, lowest id first) as one unsigned number.
INLINE uint64_t orderOf(float value, uint32_t id) {
  const uint32_t bits = bitsAs<uint32_t>(value + 0.0f);  // -0 and 0 are equal
  const uint32_t ordered = bits >> 31 ? ~bits : bits | 0x80000000u;
  return uint64_t{ordered} << 32 | uint32_t{~id};
}

struct Scratch {
  std::vector<float> row, maxima, sorted;
  std::vector<uint64_t> candidates;
};

// Leaves the K best in front of `candidates`, best first; false where NaN leaves fewer than K.
bool findBest(Scratch& scratch, int64_t blocks, int64_t K) {
  auto& [row, maxima, sorted, candidates] = scratch;
  float least = -std::numeric_limits<float>::infinity();
  if (K < blocks) {
    sorted.assign(maxima.begin(), maxima.begin() + blocks);
    std::nth_element(sorted.begin(), sorted.begin() + K - 1, sorted.end(), std::greater<float>());
    least = sorted[K - 1];
  }
  candidates.clear();
  for (int64_t block = 0; block < blocks; block++) {
    if (maxima[block] < least) continue;
    for (int64_t i = block * WIDTH; i < (block + 1) * WIDTH; i++)
      if (row[i] >= least) candidates.push_back(orderOf(row[i], i));
  }
  if (static_cast<int64_t>(candidates.size()) < K) return false;
  std::partial_sort(candidates.begin(), candidates.begin() + K, candidates.end(), std::greater<uint64_t>());
  return true;
}

void topTokens(Call& call) {
  const Tensor logits = call.input(0), temperatures = call.input(1);
  const int64_t R = logits.shape().back(), n = logits.size() / R, temperatureCount = temperatures.size();
  const int64_t V = call.attribute("vocabulary"), K = call.attribute("k"), blocks = (V + WIDTH - 1) / WIDTH;
  require(0 < K && K <= V && V <= R, "k or vocabulary out of range");
  const Tensor values = call.output(0, TF_FLOAT, {n, K}), ids = call.output(1, TF_INT32, {n, K});
  const Tensor first = call.output(2, TF_FLOAT, {temperatureCount, n});
  const Tensor outside = call.output(3, TF_FLOAT, {temperatureCount, n});
  withElementType(logits.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(n, V, [&](int64_t i) {
      static thread_local Scratch scratch;
      scratch.row.resize(blocks * WIDTH);
      scratch.maxima.resize(blocks);
      float* row = scratch.row.data();
      blockMaxima(logits.data<T>() + i * R, V, row, scratch.maxima.data());
      const bool whole = findBest(scratch, blocks, K);
      for (int64_t k = 0; k < K; k++) {
        const int32_t id = whole ? ~static_cast<uint32_t>(scratch.candidates[k]) : 0;
        ids.data<int32_t>()[i * K + k] = id;
        values.data<float>()[i * K + k] = row[id];
      }
      const float* best = values.data<float>() + i * K;
      if (whole)
        for (int64_t k = 0; k < K; k++) row[ids.data<int32_t>()[i * K + k]] = -std::numeric_limits<float>::infinity();
      for (int64_t t = 0; t < temperatureCount; t++) {
        const float inverseT = 1 / temperatures.data<float>()[t];
        const double rest = sumOfExponentials(row, V, best[0], inverseT);
        const double total = rest + (whole ? sumOfExponentials(best, K, best[0], inverseT) : 0);
        first.data<float>()[t * n + i] = 1 / total;
        outside.data<float>()[t * n + i] = rest / total;
      }
    });
  });
}

const Op topTokensOp{"RedistillTopTokens",
                     {"logits: T", "temperatures: float"},
                     {"values: float", "ids: int32", "first: float", "outside: float"},
                     {"T: {float, bfloat16}", "k: int", "vocabulary: int"},
                     topTokens};
const Registration<topTokensOp> registered;

}  // namespace
}  // namespace redistill
