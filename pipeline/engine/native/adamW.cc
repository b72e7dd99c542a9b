// AdamW (pipeline/train/adamW.ts) in one pass: gradient clipping, decay, both moments, the step, and the copy of the
// weights that the products run on. Everything is changed where it is: the inputs are what ReadVariableOp gave, which
// shares the buffers of the variables (the C interface of TensorFlow's wheel has no other way to a variable).
// What is held in fewer bits is rounded at random: each weight has 32 bits of its own by its index, so neither threads
// nor pieces change the result.
#include <cmath>

#include "kernel.h"
#include "philox.h"

namespace redistill {
namespace {

constexpr int64_t BLOCK = RANDOM_NUMBERS;  // codes that share a scale
constexpr int64_t PIECE = 64 * BLOCK;

using code = uint8_t;

// To one of the two neighbours, at random: up as often as the value is close to it. `bits` are 16.
INLINE void storeRandomly(float* place, float value, uint32_t) { *place = value; }
INLINE void storeRandomly(bfloat16* place, float value, uint32_t bits) {
  *place = (bitsAs<uint32_t>(value) + bits) >> 16;
}

INLINE float fourthPower(float x) { return (x * x) * (x * x); }

// The code k of a part, from 0 to 1, of levels⁴, whose fourth power is k⁴ or (k + 1)⁴; `bits` are 8.
INLINE float codeOf(float part, float levels, uint32_t bits) {
  const float k = static_cast<int32_t>(std::sqrt(std::sqrt(part)) * levels), below = fourthPower(k);
  const float above = (part * fourthPower(levels) - below) / (fourthPower(k + 1) - below);
  return k + (above > (static_cast<int32_t>(bits) + 0.5f) / 256 ? 1.0f : 0.0f);
}

template <class M>
INLINE void loadMoments(const M* first, const M* second, const float*, const float*, float* m, float* v, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; i++) m[i] = load(first[i]), v[i] = load(second[i]);
}

// Codes hold m as ±k⁴, around 128, and the root of v as k⁴.
INLINE void loadMoments(const code* first, const code* second, const float* firstScale, const float* secondScale,
                        float* m, float* v, int64_t size) {
  const float unit = *firstScale / fourthPower(127), rootUnit = *secondScale / fourthPower(255);
#pragma omp simd
  for (int64_t i = 0; i < size; i++) {
    const float k = static_cast<float>(first[i]) - 128, root = fourthPower(second[i]) * rootUnit;
    m[i] = (k < 0 ? -fourthPower(k) : fourthPower(k)) * unit;
    v[i] = root * root;
  }
}

template <class M>
INLINE void storeMoments(M* first, M* second, float*, float*, const float* m, const float* v, const uint32_t* bits,
                         int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; i++) {
    storeRandomly(first + i, m[i], (bits[i] >> 8 & 0xff00) | 0x80);
    storeRandomly(second + i, v[i], (bits[i] >> 16 & 0xff00) | 0x80);
  }
}

INLINE void storeMoments(code* first, code* second, float* firstScale, float* secondScale, const float* m,
                         const float* v, const uint32_t* bits, int64_t size) {
  float largest = 0, largestSquare = 0;
#pragma omp simd reduction(max : largest, largestSquare)
  for (int64_t i = 0; i < size; i++) {
    largest = std::fabs(m[i]) > largest ? std::fabs(m[i]) : largest;
    largestSquare = v[i] > largestSquare ? v[i] : largestSquare;
  }
  const float largestRoot = std::sqrt(largestSquare);
  *firstScale = largest;
  *secondScale = largestRoot;
  const float divisor = largest > 0 ? largest : 1, rootDivisor = largestRoot > 0 ? largestRoot : 1;
#pragma omp simd
  for (int64_t i = 0; i < size; i++) {
    const float k = codeOf(std::fabs(m[i]) / divisor, 127, bits[i] >> 16 & 0xff);
    const float c = codeOf(std::sqrt(v[i]) / rootDivisor, 255, bits[i] >> 24);
    first[i] = static_cast<int32_t>(128 + (m[i] < 0 ? -k : k));
    second[i] = static_cast<int32_t>(c < 1 && v[i] > 0 ? 1 : c);  // 0 would divide by epsilon alone
  }
}

// Settings: gradient scale, weight decay factor, beta1, beta2, step size and epsilon, corrected for bias, and the largest
// step that true moments could give.
template <class W, class M, class G>
CLONED void updateBlock(W* weight, bfloat16* copy, M* first, M* second, float* firstScale, float* secondScale,
                        const G* gradient, const float* settings, const uint32_t* bits, int64_t size) {
  const float scale = settings[0], decay = settings[1], beta1 = settings[2], beta2 = settings[3];
  const float stepSize = settings[4], epsilon = settings[5], largest = settings[6];
  float m[BLOCK], v[BLOCK];
  loadMoments(first, second, firstScale, secondScale, m, v, size);
#pragma omp simd
  for (int64_t i = 0; i < size; i++) {
    const float g = load(gradient[i]) * scale;
    m[i] += (g - m[i]) * (1 - beta1);
    v[i] += (g * g - v[i]) * (1 - beta2);
    const float step = stepSize * m[i] / (std::sqrt(v[i]) + epsilon);
    const float bounded = step > largest ? largest : step < -largest ? -largest : step;
    storeRandomly(weight + i, load(weight[i]) * decay - bounded, bits[i] & 0xffff);
  }
  storeMoments(first, second, firstScale, secondScale, m, v, bits, size);
  if (copy) {
#pragma omp simd
    for (int64_t i = 0; i < size; i++) store(copy + i, load(weight[i]));
  }
}

template <class F>
void withMomentType(TF_DataType dtype, F f) {
  if (dtype == TF_UINT8) return f(code{});
  withElementType(dtype, f);
}

// `copy` may be empty, and so are the scales of moments that are no codes.
void adamW(Call& call) {
  const Tensor weight = call.input(0), copy = call.input(1), first = call.input(2), second = call.input(3);
  const Tensor firstScale = call.input(4), secondScale = call.input(5), gradient = call.input(6);
  const Tensor settings = call.input(7), key = call.input(8);
  const int64_t size = weight.size();
  const bool isCoded = first.dtype() == TF_UINT8, isExact = weight.dtype() == TF_FLOAT && first.dtype() == TF_FLOAT;
  const int64_t scales = isCoded ? (size + BLOCK - 1) / BLOCK : 0;
  require(first.size() == size && second.size() == size && gradient.size() == size, "the sizes differ");
  require(copy.size() == size || copy.size() == 0, "the copy has another size");
  require(firstScale.size() == scales && secondScale.size() == scales, "expected a scale for each block of codes");
  require(settings.size() == 7 && key.size() == 2, "expected 7 settings and 2 halves of a key");
  const auto updatePiece = [&](auto W, auto M, auto G, int64_t piece) {
    uint32_t bits[BLOCK] = {};
    for (int64_t at = piece * PIECE; at < std::min(size, (piece + 1) * PIECE); at += BLOCK) {
      if (!isExact) randomNumbers(at, key.data<uint32_t>(), bits);
      updateBlock(weight.data<decltype(W)>() + at, copy.size() > 0 ? copy.data<bfloat16>() + at : nullptr,
                  first.data<decltype(M)>() + at, second.data<decltype(M)>() + at,
                  firstScale.data<float>() + (isCoded ? at / BLOCK : 0),
                  secondScale.data<float>() + (isCoded ? at / BLOCK : 0), gradient.data<decltype(G)>() + at,
                  settings.data<float>(), bits, std::min(BLOCK, size - at));
    }
  };
  withElementType(weight.dtype(), [&](auto W) {
    withMomentType(first.dtype(), [&](auto M) {
      withElementType(gradient.dtype(), [&](auto G) {
        parallelRows((size + PIECE - 1) / PIECE, PIECE, [&](int64_t piece) { updatePiece(W, M, G, piece); });
      });
    });
  });
}

const Op adamWOp{"RedistillAdamW",
                 {"weight: W", "copy: bfloat16", "first: M", "second: M", "first_scale: float", "second_scale: float",
                  "gradient: G", "settings: float", "key: int32"},
                 {},
                 {"W: {float, bfloat16}", "M: {float, bfloat16, uint8}", "G: {float, bfloat16}"},
                 adamW};
const Registration<adamWOp> registered;

}  // namespace
}  // namespace redistill
