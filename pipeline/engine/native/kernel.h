// What the fused kernels share: one declaration an op on TensorFlow's C interface for ops of one's own
// (tensorflow/c/ops.h, kernels.h), bfloat16, a vectorizable exp, and threads. The kernels are compiled into the binding
// and register themselves when it is loaded; `rawOp` runs them like any other op.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

#define INLINE __attribute__((always_inline)) inline

// Inner loops are compiled for each level of x86-64 and the processor's own is taken when the binding is loaded, so one
// build serves all machines of a cluster.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CLONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), noinline))
#else
#define CLONED
#endif

namespace redistill {

using bfloat16 = uint16_t;

template <class To, class From>
INLINE To bitsAs(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

INLINE float load(float value) { return value; }
INLINE float load(bfloat16 value) { return bitsAs<float>(uint32_t{value} << 16); }

INLINE void store(float* place, float value) { *place = value; }
INLINE void store(bfloat16* place, float value) {  // to the nearest, halves to even
  const uint32_t bits = bitsAs<uint32_t>(value);
  *place = value != value ? 0x7fc0 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

// e^x within 2 units in the last place: e^x = 2^n e^r with |r| <= ln 2 / 2, e^r by its Taylor series. 0 below -87, and
// NaN stays NaN. Plain arithmetic, so that loops over it become vector code.
INLINE float exponential(float x) {
  const float clamped = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float n = (clamped * 1.44269504f + magic) - magic;
  const float r = clamped - n * 0.693359375f + n * 2.12194440e-4f;  // ln 2 in two parts
  float series = 1.0f / 5040;
  series = series * r + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  const float power = bitsAs<float>((static_cast<int32_t>(n) + 127) << 23);
  return x < -87.0f ? 0.0f : series * power;
}

constexpr int64_t LANES = 16;

// Turns scores into e^(score - largest), in place, and returns 1 over their sum: the softmax but for a factor. There must
// be room for whole vectors: e^x is dear, and the last few elements one by one would cost as much as the rest.
INLINE float exponentiate(float* scores, int64_t size, float largest) {
  const int64_t padded = (size + LANES - 1) / LANES * LANES;
  std::fill(scores + size, scores + padded, -std::numeric_limits<float>::infinity());
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < padded; i++) sum += scores[i] = exponential(scores[i] - largest);
  return 1 / sum;
}

// Calls row(i) for all rows, in several threads where the `elements` of all rows are worth it.
template <class Row>
void parallelRows(int64_t rows, int64_t elementsPerRow, Row row) {
  const int64_t chunk = std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, elementsPerRow));
#pragma omp parallel for schedule(dynamic, chunk) if (rows > chunk)
  for (int64_t i = 0; i < rows; i++) row(i);
}

struct Status {
  TF_Status* status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  operator TF_Status*() { return status; }
  void check() const {
    if (TF_GetCode(status) != TF_OK) throw std::runtime_error(TF_Message(status));
  }
};

class Tensor {
 public:
  explicit Tensor(TF_Tensor* handle) : handle(handle) {}
  Tensor(Tensor&& other) : handle(other.handle) { other.handle = nullptr; }
  ~Tensor() {
    if (handle) TF_DeleteTensor(handle);
  }
  TF_DataType dtype() const { return TF_TensorType(handle); }
  int64_t size() const { return TF_TensorElementCount(handle); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> sides(TF_NumDims(handle));
    for (size_t i = 0; i < sides.size(); i++) sides[i] = TF_Dim(handle, i);
    return sides;
  }
  template <class T>
  T* data() const {
    return static_cast<T*>(TF_TensorData(handle));
  }

 private:
  TF_Tensor* handle;
};

using Attributes = std::map<std::string, double>;  // of all numeric kinds, dtypes too

// One execution of an op.
class Call {
 public:
  Call(TF_OpKernelContext* context, const Attributes& attributes) : context(context), attributes(attributes) {}
  double attribute(const char* name) const { return attributes.at(name); }
  TF_DataType dtype(const char* name) const { return static_cast<TF_DataType>(attribute(name)); }
  Tensor input(int index) {
    TF_Tensor* handle = nullptr;
    TF_GetInput(context, index, &handle, status);
    status.check();
    return Tensor(handle);
  }
  Tensor output(int index, TF_DataType dtype, const std::vector<int64_t>& shape) {
    size_t bytes = TF_DataTypeSize(dtype);
    for (int64_t side : shape) bytes *= side;
    Tensor tensor(TF_AllocateOutput(context, index, dtype, shape.data(), shape.size(), bytes, status));
    status.check();
    return tensor;
  }

 private:
  TF_OpKernelContext* context;
  const Attributes& attributes;
  Status status;
};

// Calls f(T{}) with the element type of `dtype`.
template <class F>
void withElementType(TF_DataType dtype, F f) {
  if (dtype == TF_FLOAT) return f(float{});
  if (dtype == TF_BFLOAT16) return f(bfloat16{});
  throw std::runtime_error("expected float or bfloat16");
}

inline void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// An op: inputs, outputs and attributes as in TensorFlow's own declarations, "x: T" or "T: {float, bfloat16}".
struct Op {
  const char* name;
  std::vector<const char*> inputs;
  std::vector<const char*> outputs;
  std::vector<const char*> attributes;
  void (*compute)(Call&);
};

inline double readAttribute(TF_OpKernelConstruction* construction, const std::string& name, const std::string& type) {
  Status status;
  double value;
  if (type == "int") {
    int64_t number;
    TF_OpKernelConstruction_GetAttrInt64(construction, name.c_str(), &number, status);
    value = number;
  } else if (type == "float") {
    float number;
    TF_OpKernelConstruction_GetAttrFloat(construction, name.c_str(), &number, status);
    value = number;
  } else {
    TF_DataType number;
    TF_OpKernelConstruction_GetAttrType(construction, name.c_str(), &number, status);
    value = number;
  }
  status.check();
  return value;
}

template <const Op& op>
void* create(TF_OpKernelConstruction* construction) {
  auto* values = new Attributes;
  for (const std::string declaration : op.attributes) {
    const size_t colon = declaration.find(": ");
    const std::string name = declaration.substr(0, colon);
    (*values)[name] = readAttribute(construction, name, declaration.substr(colon + 2));
  }
  return values;
}

template <const Op& op>
void compute(void* attributes, TF_OpKernelContext* context) {
  try {
    Call call(context, *static_cast<Attributes*>(attributes));
    op.compute(call);
  } catch (const std::exception& error) {
    Status status;
    TF_SetStatus(status, TF_INVALID_ARGUMENT, (std::string(op.name) + ": " + error.what()).c_str());
    TF_OpKernelContext_Failure(context, status);
  }
}

// Tells TensorFlow of an op; `static const Registration<op> registered;` does so when the binding is loaded.
template <const Op& op>
struct Registration {
  Registration() {
    auto* definition = TF_NewOpDefinitionBuilder(op.name);
    for (const char* attribute : op.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
    for (const char* input : op.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
    for (const char* output : op.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
    Status status;
    TF_RegisterOpDefinition(definition, status);
    if (TF_GetCode(status) != TF_OK) return;  // without its kernels the engine composes other ops
    auto* kernel = TF_NewKernelBuilder(op.name, "CPU", create<op>, compute<op>,
                                       [](void* attributes) { delete static_cast<Attributes*>(attributes); });
    TF_RegisterKernelBuilder(op.name, kernel, status);
  }
};

}  // namespace redistill
