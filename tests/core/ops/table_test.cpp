#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "core/parallel.hpp"
#include "tests/core/ops/run.hpp"

namespace hebb::test {
namespace {

// A tensor that says it lives elsewhere than the others, for checks that come before any memory is
// touched. Its storage is never released to a backend that is not there.
Tensor elsewhere(const Tensor& x) {
  static auto* kept = new std::vector<Ref<Storage>>;
  const Device elsewhere = Device::cuda(test_device().index + 1);
  kept->push_back(make_ref<Storage>(nullptr, 0, elsewhere));
  return Tensor(make_ref<Tensor::Body>(kept->back(), 0, x.shape(), x.dtype()));
}

Tensor ones_of(const OperandSpec& spec, DType dtype) {
  return Tensor::ones(spec.shape, {dtype, test_device()});
}

struct Thrown {
  std::string message;
  bool dtype_error = false, device_error = false;
};

std::optional<Thrown> error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return Thrown{e.what(), dynamic_cast<const DTypeError*>(&e) != nullptr,
                  dynamic_cast<const DeviceError*>(&e) != nullptr};
  }
  return std::nullopt;
}

void check_references(bool large) {
  for_each_row([&](const OpCase& row) {
    if (row.large != large) return;
    const std::vector<Array> values = fill_operands(row);
    const Array expected = row.reference(values);
    CHECK(difference(run(row, make_operands(row, values, DType::float64)).y, expected, 1e-11) ==
          "");
    CHECK(difference(run(row, make_operands(row, values, DType::float32)).y, expected,
                     row.float32_tolerance) == "");
  });
}

void check_float32_gradients(bool large) {
  for_each_row([&](const OpCase& row) {
    if (row.large != large) return;
    const std::vector<Array> values = fill_operands(row);
    const Outcome narrow = run(row, make_operands(row, values, DType::float32));
    const Outcome wide = run(row, make_operands(row, values, DType::float64));
    for (size_t i = 0; i < row.operands.size(); ++i) {
      CHECK(narrow.grads[i].has_value() == differentiable(row.operands[i]));
      REQUIRE(narrow.grads[i].has_value() == wide.grads[i].has_value());
      if (wide.grads[i])
        CHECK(difference(*narrow.grads[i], *wide.grads[i], row.float32_tolerance) == "");
    }
  });
}

}  // namespace

TEST_CASE("every operation has rows and error cases", "[core][ops]") {
  std::set<std::string> rows, errors, declared{"reshape", "slice"};
  for (const OpCase& row : all_operations().rows) rows.insert(row.op);
  for (const ErrorCase& error : all_operations().errors) errors.insert(error.op);
  for (const auto& file : std::filesystem::directory_iterator(HEBB_OPS_HEADERS)) {
    if (file.path().extension() != ".hpp" || file.path().stem() == "checks") continue;
    std::ifstream stream(file.path());
    for (std::string line; std::getline(stream, line);)
      for (const std::string result : {"Tensor ", "void ", "WithIndices "})
        if (line.starts_with(result))
          declared.insert(line.substr(result.size(), line.find('(') - result.size()));
  }
  CHECK(declared.size() > 35);
  CHECK(rows == declared);
  CHECK(errors == declared);
}

TEST_CASE("operations equal their references", "[core][ops]") { check_references(false); }
TEST_CASE("large operations equal their references", "[core][ops]") { check_references(true); }

TEST_CASE("gradients equal difference quotients", "[core][ops][gradients][quotients]") {
  for_each_row([](const OpCase& row) {
    if (row.large) return;
    const std::vector<Tensor> x = make_operands(row, fill_operands(row), DType::float64);
    if (!row.call(x).requires_grad()) return;
    const GradcheckResult result = gradcheck(row.call, x, {.max_elements = 500});
    INFO(result.message);
    CHECK(result.ok);
  });
}

TEST_CASE("float32 gradients equal float64 gradients", "[core][ops][gradients]") {
  check_float32_gradients(false);
}
TEST_CASE("large float32 gradients equal float64 gradients", "[core][ops][gradients]") {
  check_float32_gradients(true);
}

TEST_CASE("operations give the same bits again and for any number of threads", "[core][ops]") {
  const int threads = num_threads();
  for_each_row([](const OpCase& row) {
    const std::vector<Array> values = fill_operands(row);
    for (const DType dtype : {DType::float32, DType::float64}) {
      set_num_threads(1);
      const Outcome first = run(row, make_operands(row, values, dtype));
      CHECK(same_bits(run(row, make_operands(row, values, dtype)), first));
      {
        const NoGrad no_grad;
        CHECK(same_bits(run(row, make_operands(row, values, dtype)).y, first.y));
      }
      for (const int n : {2, 3}) {
        set_num_threads(n);
        CHECK(same_bits(run(row, make_operands(row, values, dtype)), first));
      }
    }
  });
  set_num_threads(threads);
}

// On the CPU to the bit; elsewhere another number of replicas may be another algorithm.
TEST_CASE("replicas are what each is alone", "[core][ops]") {
  const bool bits = test_device().is_cpu();
  for_each_row([&](const OpCase& row) {
    if (!row.alone) return;
    const std::vector<Array> values = fill_operands(row);
    const int64_t replicas = row.operands[0].shape[0];
    for (const DType dtype : {DType::float32, DType::float64}) {
      const double tolerance = dtype == DType::float32 ? row.float32_tolerance : 1e-11;
      std::vector<Tensor> x = make_operands(row, values, dtype);
      const Tensor y = row.call(x);
      REQUIRE(y.size(0) == replicas);
      const Tensor dy = upstream(y);
      backward(y, dy);
      const auto part = [&](const Tensor& all, int64_t r) {
        return all.detach().slice(r, r + 1).reshape(all.shape().without(0)).clone();
      };
      for (int64_t r = 0; r < replicas; ++r) {
        std::vector<Tensor> own;
        for (size_t i = 0; i < x.size(); ++i) {
          own.push_back(part(x[i], r));
          if (x[i].requires_grad()) own[i].set_requires_grad();
        }
        const Tensor alone = row.alone(r, own);
        backward(alone, part(dy, r));
        const auto check_same = [&](const Tensor& all, const Tensor& one) {
          INFO("replica " << r);
          const Array a = to_array(part(all, r)), b = to_array(one);
          if (bits)
            CHECK(same_bits(a, b));
          else
            CHECK(difference(a, b, tolerance) == "");
        };
        check_same(y, alone);
        for (size_t i = 0; i < x.size(); ++i)
          if (x[i].requires_grad()) check_same(x[i].grad(), own[i].grad());
      }
    }
  });
}

TEST_CASE("a gradient does not depend on which others are wanted", "[core][ops][gradients]") {
  for_each_row([](const OpCase& row) {
    const std::vector<Array> values = fill_operands(row);
    const Outcome all = run(row, make_operands(row, values, DType::float64));
    for (size_t wanted = 0; wanted < row.operands.size(); ++wanted) {
      if (!differentiable(row.operands[wanted])) continue;
      std::vector<Tensor> x = make_operands(row, values, DType::float64);
      for (size_t i = 0; i < x.size(); ++i) x[i].set_requires_grad(i == wanted);
      const Outcome one = run(row, x);
      for (size_t i = 0; i < x.size(); ++i) {
        CHECK(one.grads[i].has_value() == (i == wanted));
        if (differentiable(row.operands[i])) CHECK(same_bits(to_array(x[i]), values[i]));
      }
      REQUIRE(one.grads[wanted]);
      CHECK(difference(*one.grads[wanted], *all.grads[wanted], 1e-12) == "");
    }
  });
}

TEST_CASE("operations refuse operands of the wrong kind", "[core][ops]") {
  for_each_row([](const OpCase& row) {
    if (row.large || !row.checked) return;
    const std::vector<Array> values = fill_operands(row);
    std::vector<Tensor> x = make_operands(row, values, DType::float32);
    for (size_t i = 0; i < x.size(); ++i) {
      const OperandSpec& spec = row.operands[i];
      const auto refused = [&](const Tensor& replacement) {
        std::vector<Tensor> changed = x;
        changed[i] = replacement;
        const auto thrown = error_of([&] { row.call(changed); });
        REQUIRE(thrown);
        CHECK(thrown->message.starts_with("[" + row.op + "] expected "));
        return *thrown;
      };
      INFO("operand " << i);
      if (!spec.optional) refused(Tensor());
      CHECK(refused(ones_of(spec, DType::uint8)).dtype_error);
      const bool integers = spec.fill == Fill::integers;
      if (!integers) CHECK(refused(ones_of(spec, DType::int64)).dtype_error);
      if (x.size() == 1) continue;
      CHECK(refused(elsewhere(x[i])).device_error);
      const size_t other = i == 0 ? 1 : 0;
      if (!integers && row.operands[other].fill != Fill::integers)
        CHECK(refused(ones_of(spec, DType::float64)).dtype_error);
    }
  });
}

TEST_CASE("operations refuse wrong arguments by name", "[core][ops]") {
  for (const ErrorCase& error : all_operations().errors) {
    std::string message = "nothing was thrown";
    bool of_type = false;
    try {
      error.call();
    } catch (const Error& e) {
      message = e.what();
      of_type = error.of_type(e);
    }
    CHECK(message == error.message);
    CHECK(of_type);
  }
}

}  // namespace hebb::test
