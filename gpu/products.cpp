#include "gpu/products.hpp"

#include <map>
#include <mutex>
#include <tuple>

#include "gpu/cublas_lt.hpp"
#include "gpu/launch.hpp"
#include "gpu/status.hpp"

namespace hebb::cuda {
namespace {

void require(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail_status(Library::cublas, status, cublasLtGetStatusString(status), call);
}

/// Owns one of cuBLASLt's handles.
template <class Handle, auto& destroy>
struct Owned {
  Handle handle = nullptr;
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (handle) destroy(handle);
  }
};
using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Description = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

constexpr size_t workspace_bytes = size_t(32) << 20;

uint32_t alignment_of(const void* p, int64_t step_bytes = 0) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(p) | uintptr_t(step_bytes) | 256;
  return uint32_t(address & ~(address - 1));
}

/// Of all matrices of a product.
struct Alignments {
  uint32_t a, b, c;

  explicit Alignments(const Product& p) {
    const auto of = [&](const void* first, int64_t step, DType dtype) {
      return alignment_of(first, p.batch == 1 ? 0 : step * int64_t(size_of(dtype)));
    };
    a = of(p.a.data, p.a_step, p.dtype);
    b = of(p.b.data, p.b_step, p.dtype);
    c = of(p.c, p.m * p.n, p.result);
  }
};

template <class T>
void set(const Description& description, cublasLtMatmulDescAttributes_t attribute, T value) {
  require(cublasLtMatmulDescSetAttribute(description.handle, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
}

template <class T>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t attribute, T value) {
  require(cublasLtMatmulPreferenceSetAttribute(preference.handle, attribute, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
}

/// What is known of a product before its addresses. cuBLASLt's matrices are column-major, so that
/// it is asked for Cᵀ = Bᵀ Aᵀ: its A is our B.
struct Plan {
  Description description;
  Layout a, b, c;
  cublasLtMatmulAlgo_t algorithm;
  bool found = false, with_epilogue = false;
};

/// What cuBLASLt does beside a product. Its bias is a column, its B our A.
cublasLtEpilogue_t epilogue_of(const Product& p) {
  if (p.sums) return CUBLASLT_EPILOGUE_BGRADB;
  if (p.bias) return p.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  return p.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

/// The bias or the sums.
const void* beside(const Product& p) { return p.sums ? p.sums : p.bias; }

template <class T>
void set(const Layout& layout, cublasLtMatrixLayoutAttribute_t attribute, T value) {
  require(cublasLtMatrixLayoutSetAttribute(layout.handle, attribute, &value, sizeof value),
          "cublasLtMatrixLayoutSetAttribute");
}

void make_layout(Layout& layout, cudaDataType_t type, const Operand& x, int64_t rows,
                 int64_t columns, int64_t batch, int64_t step) {
  require(cublasLtMatrixLayoutCreate(&layout.handle, type, uint64_t(x.transposed ? rows : columns),
                                     uint64_t(x.transposed ? columns : rows), x.stride),
          "cublasLtMatrixLayoutCreate");
  if (batch == 1) return;
  set(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, int32_t(batch));
  set(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, step);
}

// CUBLAS_COMPUTE_32F is strict: it never takes TF32 by itself.
cublasComputeType_t compute_type(const Product& p) {
  if (p.dtype == DType::float64) return CUBLAS_COMPUTE_64F;
  const bool by_tf32 = p.dtype == DType::float32 && p.precision == Precision::tf32;
  return by_tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

cudaDataType_t type_of(DType dtype) {
  if (dtype == DType::bfloat16) return CUDA_R_16BF;
  return dtype == DType::float64 ? CUDA_R_64F : CUDA_R_32F;
}

/// Where split sums are kept until they are added up: out of place, in a fixed order, and in
/// float32 at least.
uint32_t reduction_schemes(const Product& p) {
  if (p.result == DType::bfloat16) return CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  return CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
}

void find(cublasLtHandle_t blas, const Product& p, bool with_epilogue, Plan& plan) {
  const cudaDataType_t type = type_of(p.dtype), type_of_c = type_of(p.result);
  const cudaDataType_t scale = p.dtype == DType::float64 ? CUDA_R_64F : CUDA_R_32F;
  require(cublasLtMatmulDescCreate(&plan.description.handle, compute_type(p), scale),
          "cublasLtMatmulDescCreate");
  const auto transpose = [](bool t) { return t ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(plan.description, CUBLASLT_MATMUL_DESC_TRANSA, transpose(p.b.transposed));
  set(plan.description, CUBLASLT_MATMUL_DESC_TRANSB, transpose(p.a.transposed));
  if (with_epilogue) set(plan.description, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(p));
  if (with_epilogue && beside(p)) {
    set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, int32_t(type_of_c));
    set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, beside(p));
    if (p.batch > 1)
      set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, p.sums ? p.m : p.n);
  }
  make_layout(plan.a, type, p.b, p.k, p.n, p.batch, p.b_step);
  make_layout(plan.b, type, p.a, p.m, p.k, p.batch, p.a_step);
  make_layout(plan.c, type_of_c, {p.c, p.n}, p.m, p.n, p.batch, p.m * p.n);

  Preference preference;
  require(cublasLtMatmulPreferenceCreate(&preference.handle), "cublasLtMatmulPreferenceCreate");
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t(workspace_bytes));
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reduction_schemes(p));
  const Alignments alignments(p);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignments.b);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignments.a);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignments.c);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignments.c);

  cublasLtMatmulHeuristicResult_t result{};
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      blas, plan.description.handle, plan.a.handle, plan.b.handle, plan.c.handle, plan.c.handle,
      preference.handle, 1, &result, &count);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED) require(status, "cublasLtMatmulAlgoGetHeuristic");
  plan.found = status == CUBLAS_STATUS_SUCCESS && count > 0;
  plan.with_epilogue = with_epilogue;
  plan.algorithm = result.algo;
}

/// Whether cuBLASLt may be asked for what goes beside the product, as far as addresses are
/// concerned.
bool takes_epilogue(const Product& p) { return !beside(p) || alignment_of(beside(p)) >= 16; }

using Key =
    std::tuple<DType, DType, Precision, int64_t, int64_t, int64_t, bool, bool, int64_t, int64_t,
               int64_t, int64_t, int64_t, cublasLtEpilogue_t, bool, uint32_t, uint32_t, uint32_t>;
Key key_of(const Product& p) {
  const Alignments alignments(p);
  return {p.dtype,
          p.result,
          p.precision,
          p.m,
          p.n,
          p.k,
          p.a.transposed,
          p.b.transposed,
          p.a.stride,
          p.b.stride,
          p.batch,
          p.batch == 1 ? 0 : p.a_step,
          p.batch == 1 ? 0 : p.b_step,
          epilogue_of(p),
          takes_epilogue(p),
          alignments.a,
          alignments.b,
          alignments.c};
}

}  // namespace

struct Products::Plans {
  Stream stream;
  CachingAllocator& memory;
  cublasLtHandle_t blas = nullptr;
  std::mutex mutex;
  std::map<Key, std::unique_ptr<Plan>> plans;

  Plan& plan(const Product& p) {
    if (!blas) {
      activate(stream);
      require(cublasLtCreate(&blas), "cublasLtCreate");
    }
    std::unique_ptr<Plan>& plan = plans[key_of(p)];
    if (plan) return *plan;
    // Where no algorithm takes along what goes beside it, the product is computed alone.
    for (const bool with_epilogue : {true, false}) {
      if (with_epilogue && !takes_epilogue(p)) continue;
      plan = std::make_unique<Plan>();
      find(blas, p, with_epilogue, *plan);
      if (plan->found) break;
    }
    return *plan;
  }
};

Products::Products(Stream stream, CachingAllocator& memory)
    : plans_(new Plans{stream, memory, nullptr, {}, {}}) {}

Products::~Products() = default;

bool Products::multiply(const Product& p) {
  Plans& plans = *plans_;
  const std::lock_guard lock(plans.mutex);
  const Plan& plan = plans.plan(p);
  if (!plan.found)
    fail_status(Library::cublas, CUBLAS_STATUS_NOT_SUPPORTED, "no algorithm for a product",
                "cublasLtMatmulAlgoGetHeuristic");
  if (plan.with_epilogue && beside(p))
    set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, beside(p));
  const auto run = [&](auto alpha, auto beta) {
    // Each product's own: what repeats a recorded one does not know who is at work between.
    void* workspace = plans.memory.allocate(workspace_bytes);
    const auto queue = static_cast<cudaStream_t>(activate(plans.stream));
    const cublasStatus_t status =
        cublasLtMatmul(plans.blas, plan.description.handle, &alpha, p.b.data, plan.a.handle,
                       p.a.data, plan.b.handle, &beta, p.c, plan.c.handle, p.c, plan.c.handle,
                       &plan.algorithm, workspace, workspace_bytes, queue);
    plans.memory.release(workspace, workspace_bytes);
    require(status, "cublasLtMatmul");
  };
  if (p.dtype == DType::float64)
    run(1.0, 0.0);
  else
    run(1.0f, 0.0f);
  return plan.with_epilogue || epilogue_of(p) == CUBLASLT_EPILOGUE_DEFAULT;
}

}  // namespace hebb::cuda
