// Random numbers as a function of key and index: Philox4x32-10 (Salmon et al., SC 2011) as TensorFlow's
// StatelessRandomUniformFullIntV2 has it, so that composed ops draw the same (pipeline/engine/randomBits.ts).
#pragma once

#include "kernel.h"

namespace redistill {
namespace {

constexpr int64_t RANDOM_NUMBERS = 256;  // drawn at once

// The 32-bit numbers from index `begin`, a multiple of 4, on: a counter gives four.
CLONED void randomNumbers(uint64_t begin, const uint32_t* key, uint32_t* numbers) {
#pragma omp simd
  for (int64_t i = 0; i < RANDOM_NUMBERS / 4; i++) {
    const uint64_t counter = begin / 4 + i;
    uint32_t a = counter, b = counter >> 32, c = 0, d = 0, firstKey = key[0], secondKey = key[1];
    for (int round = 0; round < 10; round++) {
      const uint64_t first = uint64_t{0xD2511F53} * a, second = uint64_t{0xCD9E8D57} * c;
      a = static_cast<uint32_t>(second >> 32) ^ b ^ firstKey;
      c = static_cast<uint32_t>(first >> 32) ^ d ^ secondKey;
      b = second;
      d = first;
      firstKey += 0x9E3779B9;
      secondKey += 0xBB67AE85;
    }
    numbers[4 * i] = a;
    numbers[4 * i + 1] = b;
    numbers[4 * i + 2] = c;
    numbers[4 * i + 3] = d;
  }
}

}  // namespace
}  // namespace redistill
