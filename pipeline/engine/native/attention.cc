// The parts of causal attention that are no products (pipeline/model/causalAttention.ts): splitting and rotating the
// projected heads, and the softmax over the keys that a query may see.
#include <cmath>
#include <limits>

#include "kernel.h"

namespace redistill {
namespace {

// y = (x cos + swap(x) sin) * scale; swap exchanges the halves, and the sine's first half is negated already.
template <class T>
CLONED void rotateHead(const T* x, const float* cos, const float* sin, float scale, T* y, int64_t hd) {
  const int64_t half = hd / 2;
#pragma omp simd
  for (int64_t i = 0; i < half; i++) {
    const float first = load(x[i]), second = load(x[i + half]);
    store(y + i, (first * cos[i] + second * sin[i]) * scale);
    store(y + i + half, (second * cos[i + half] + first * sin[i + half]) * scale);
  }
}

// Heads [B, T, H + 2 KV, hd], tables [T, hd]: queries [B, KV, G, T, hd], keys [B, KV, T, hd] scaled by hd^-1/2, values.
void rotateHeads(Call& call) {
  const Tensor heads = call.input(0), cos = call.input(1), sin = call.input(2);
  const auto shape = heads.shape();
  const int64_t B = shape[0], time = shape[1], all = shape[2], hd = shape[3];
  const int64_t H = call.attribute("query_heads"), KV = (all - H) / 2, G = H / KV;
  require(cos.size() == time * hd && sin.size() == time * hd, "tables are not [T, hd]");
  const Tensor Q = call.output(0, heads.dtype(), {B, KV, G, time, hd});
  const Tensor K = call.output(1, heads.dtype(), {B, KV, time, hd});
  const Tensor V = call.output(2, heads.dtype(), {B, KV, time, hd});
  const float scale = 1 / std::sqrt(static_cast<float>(hd));
  withElementType(heads.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(B * time, all * hd, [&](int64_t row) {
      const int64_t b = row / time, t = row % time;
      const T* x = heads.data<T>() + row * all * hd;
      const float* c = cos.data<float>() + t * hd;
      const float* s = sin.data<float>() + t * hd;
      for (int64_t h = 0; h < H; h++) rotateHead(x + h * hd, c, s, 1, Q.data<T>() + ((b * H + h) * time + t) * hd, hd);
      for (int64_t h = 0; h < KV; h++) {
        const int64_t target = ((b * KV + h) * time + t) * hd;
        rotateHead(x + (H + h) * hd, c, s, scale, K.data<T>() + target, hd);
        std::memcpy(V.data<T>() + target, x + (H + KV + h) * hd, hd * sizeof(T));
      }
    });
  });
}

// The rotation back: the same with the sine negated.
template <class T, class S>
CLONED void rotateBackHead(const S* d, const float* cos, const float* sin, float scale, T* y, int64_t hd) {
  const int64_t half = hd / 2;
#pragma omp simd
  for (int64_t i = 0; i < half; i++) {
    const float first = load(d[i]) * scale, second = load(d[i + half]) * scale;
    store(y + i, first * cos[i] - second * sin[i]);
    store(y + i + half, second * cos[i + half] - first * sin[i + half]);
  }
}

template <class T, class S>
CLONED void convert(const S* from, T* to, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; i++) store(to + i, load(from[i]));
}

// The gradient of rotateHeads: of queries in their dtype, of keys and values in that or, summed over blocks, in float.
void rotateHeadsGrad(Call& call) {
  const Tensor dQ = call.input(0), dK = call.input(1), dV = call.input(2), cos = call.input(3), sin = call.input(4);
  const auto shape = dQ.shape();
  const int64_t B = shape[0], KV = shape[1], H = KV * shape[2], time = shape[3], hd = shape[4], all = H + 2 * KV;
  require(dK.size() == B * KV * time * hd && dV.size() == dK.size(), "keys or values do not fit the queries");
  const Tensor dHeads = call.output(0, dQ.dtype(), {B, time, all, hd});
  const float scale = 1 / std::sqrt(static_cast<float>(hd));
  const auto rotateAll = [&](auto type, auto summedType) {
    using T = decltype(type);
    using S = decltype(summedType);
    parallelRows(B * time, all * hd, [&](int64_t row) {
      const int64_t b = row / time, t = row % time;
      T* y = dHeads.data<T>() + row * all * hd;
      const float* c = cos.data<float>() + t * hd;
      const float* s = sin.data<float>() + t * hd;
      for (int64_t h = 0; h < H; h++)
        rotateBackHead(dQ.data<T>() + ((b * H + h) * time + t) * hd, c, s, 1, y + h * hd, hd);
      for (int64_t h = 0; h < KV; h++) {
        const int64_t source = ((b * KV + h) * time + t) * hd;
        rotateBackHead(dK.data<S>() + source, c, s, scale, y + (H + h) * hd, hd);
        convert(dV.data<S>() + source, y + (H + KV + h) * hd, hd);
      }
    });
  };
  withElementType(dQ.dtype(), [&](auto type) {
    withElementType(dK.dtype(), [&](auto summedType) { rotateAll(type, summedType); });
  });
}

// `scratch` has room for whole vectors.
template <class T>
CLONED void softmaxRow(const T* scores, T* y, int64_t visible, int64_t width, float* scratch) {
  float largest = load(scores[0]);
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < visible; i++) {
    scratch[i] = load(scores[i]);
    largest = largest > scratch[i] ? largest : scratch[i];
  }
  const float inverse = exponentiate(scratch, visible, largest);
#pragma omp simd
  for (int64_t i = 0; i < visible; i++) store(y + i, scratch[i] * inverse);
  std::fill(y + visible, y + width, T{0});
}

// Scores [..., rows, end] of `block` queries, repeated for each head of a group; query r % block sees the keys up to
// end - block + r % block.
void causalSoftmax(Call& call) {
  const Tensor scores = call.input(0);
  const int64_t end = scores.shape().back(), rows = scores.size() / end, block = call.attribute("block");
  require(block > 0 && block <= end && rows % block == 0, "rows are not those of a block of queries");
  const Tensor y = call.output(0, scores.dtype(), scores.shape());
  withElementType(scores.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(rows, end, [&](int64_t row) {
      static thread_local std::vector<float> scratch;
      scratch.resize(std::max<size_t>(scratch.size(), end + LANES));
      const int64_t visible = end - block + row % block + 1;
      softmaxRow(scores.data<T>() + row * end, y.data<T>() + row * end, visible, end, scratch.data());
    });
  });
}

// dS = P (dP - Σ P dP) over the keys a query sees, 0 elsewhere.
template <class T>
CLONED void softmaxBackRow(const T* p, const T* dP, T* dS, int64_t visible, int64_t width) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < visible; i++) sum += load(p[i]) * load(dP[i]);
#pragma omp simd
  for (int64_t i = 0; i < visible; i++) store(dS + i, load(p[i]) * (load(dP[i]) - sum));
  std::fill(dS + visible, dS + width, T{0});
}

void causalSoftmaxGrad(Call& call) {
  const Tensor p = call.input(0), dP = call.input(1);
  const int64_t end = p.shape().back(), rows = p.size() / end, block = call.attribute("block");
  require(p.size() == dP.size() && block > 0 && rows % block == 0, "rows are not those of a block of queries");
  const Tensor dS = call.output(0, p.dtype(), p.shape());
  withElementType(p.dtype(), [&](auto type) {
    using T = decltype(type);
    parallelRows(rows, end, [&](int64_t row) {
      const int64_t visible = end - block + row % block + 1;
      softmaxBackRow(p.data<T>() + row * end, dP.data<T>() + row * end, dS.data<T>() + row * end, visible, end);
    });
  });
}

const Op rotateHeadsGradOp{"RedistillRotateHeadsGrad",
                           {"dq: T", "dk: S", "dv: S", "cos: float", "sin: float"},
                           {"dheads: T"},
                           {"T: {float, bfloat16}", "S: {float, bfloat16}"},
                           rotateHeadsGrad};
const Op causalSoftmaxGradOp{"RedistillCausalSoftmaxGrad",
                             {"p: T", "dp: T"},
                             {"ds: T"},
                             {"T: {float, bfloat16}", "block: int"},
                             causalSoftmaxGrad};
const Registration<rotateHeadsGradOp> rotateHeadsGradRegistered;
const Registration<causalSoftmaxGradOp> causalSoftmaxGradRegistered;
const Op rotateHeadsOp{"RedistillRotateHeads",
                       {"heads: T", "cos: float", "sin: float"},
                       {"q: T", "k: T", "v: T"},
                       {"T: {float, bfloat16}", "query_heads: int"},
                       rotateHeads};
const Op causalSoftmaxOp{
    "RedistillCausalSoftmax", {"scores: T"}, {"p: T"}, {"T: {float, bfloat16}", "block: int"}, causalSoftmax};
const Registration<rotateHeadsOp> rotateHeadsRegistered;
const Registration<causalSoftmaxOp> causalSoftmaxRegistered;

}  // namespace
}  // namespace redistill
