// AdamW (pipeline/train/adamW.ts) in one pass: gradient clipping, decay, both moments and the step. Weight and moments
// are changed where they are: the inputs are what ReadVariableOp gave, which shares the buffers of the variables (the C
// interface of TensorFlow's wheel has no other way to a variable).
#include <cmath>

#include "kernel.h"

namespace redistill {
namespace {

constexpr int64_t PIECE = 1 << 14;

// Settings: gradient scale, weight decay factor, beta1, beta2, step size, epsilon, the last two corrected for bias.
CLONED void updatePiece(float* weight, float* first, float* second, const float* gradient, const float* settings,
                        int64_t size) {
  const float scale = settings[0], decay = settings[1], beta1 = settings[2], beta2 = settings[3];
  const float stepSize = settings[4], epsilon = settings[5];
#pragma omp simd
  for (int64_t i = 0; i < size; i++) {
    const float g = gradient[i] * scale;
    first[i] += (g - first[i]) * (1 - beta1);
    second[i] += (g * g - second[i]) * (1 - beta2);
    weight[i] = weight[i] * decay - stepSize * first[i] / (std::sqrt(second[i]) + epsilon);
  }
}

void adamW(Call& call) {
  const Tensor weight = call.input(0), first = call.input(1), second = call.input(2), gradient = call.input(3);
  const Tensor settings = call.input(4);
  const int64_t size = weight.size();
  require(first.size() == size && second.size() == size && gradient.size() == size, "the sizes differ");
  require(settings.size() == 6, "expected 6 settings");
  parallelRows((size + PIECE - 1) / PIECE, PIECE, [&](int64_t piece) {
    const int64_t begin = piece * PIECE;
    updatePiece(weight.data<float>() + begin, first.data<float>() + begin, second.data<float>() + begin,
                gradient.data<float>() + begin, settings.data<float>(), std::min(PIECE, size - begin));
  });
}

const Op adamWOp{"RedistillAdamW",
                 {"weight: float", "first: float", "second: float", "gradient: float", "settings: float"},
                 {},
                 {},
                 adamW};
const Registration<adamWOp> registered;

}  // namespace
}  // namespace redistill
