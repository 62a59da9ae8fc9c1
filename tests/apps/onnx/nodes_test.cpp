#include <cmath>
#include <fstream>
#include <iostream>

#include "tests/apps/onnx/operators.hpp"
#include "tests/catch.hpp"

namespace hebb::test {

const std::map<std::string, Function>& operators() {
  static const std::map<std::string, Function> all = [] {
    std::map<std::string, Function> merged = arithmetic();
    merged.merge(layouts());
    merged.merge(layers());
    return merged;
  }();
  return all;
}

namespace {

namespace fs = std::filesystem;

// What Debian's libonnx-testdata installs.
const fs::path node_tests = "/usr/share/libonnx-testdata/data/node";

std::vector<Tensor> read_all(const fs::path& set, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0;; ++i) {
    const fs::path path = set / (prefix + std::to_string(i) + ".pb");
    if (!fs::exists(path)) return tensors;
    tensors.push_back(read_tensor(path));
  }
}

// Where the tensors differ; empty when nowhere. Of ONNX's tolerances (1e-3, 1e-7) the stricter
// part of each: 1e-5 of the element or 1e-6.
std::string difference(const Tensor& actual, const Tensor& expected) {
  if (actual.shape() != expected.shape())
    return "shape " + actual.shape().to_string() + ", expected " + expected.shape().to_string();
  const std::vector<double> a = actual.to(DType::float64).to_vector<double>();
  const std::vector<double> e = expected.to(DType::float64).to_vector<double>();
  for (size_t i = 0; i < e.size(); ++i) {
    const bool same = a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i])) ||
                      std::abs(a[i] - e[i]) <= 1e-6 + 1e-5 * std::abs(e[i]);
    if (!same)
      return "element " + std::to_string(i) + " is " + std::to_string(a[i]) + ", expected " +
             std::to_string(e[i]);
  }
  return "";
}

}  // namespace

TEST_CASE("ONNX's tests of its operators, as far as Hebb's operations say them",
          "[onnx][needs-data]") {
  if (!fs::exists(node_tests)) return skip("Debian's libonnx-testdata is not installed");
  int passed = 0;
  std::map<std::string, int> left_out;
  for (const fs::directory_entry& entry : fs::directory_iterator(node_tests)) {
    INFO(entry.path().filename());
    const fs::path set = entry.path() / "test_data_set_0";
    std::vector<Tensor> actual, expected;
    try {
      const onnx::ModelProto model = read_model(entry.path() / "model.onnx");
      for (const auto* values : {&model.graph().input(), &model.graph().output()})
        for (const onnx::ValueInfoProto& value : *values)
          if (!value.type().has_tensor_type()) throw NotExpressible("sequences");
      const std::vector<Tensor> inputs = read_all(set, "input_");
      expected = read_all(set, "output_");
      actual = run(model, inputs);
    } catch (const NotExpressible& reason) {
      ++left_out[reason.what()];
      continue;
    } catch (const DTypeError&) {  // operations compute with floats
      ++left_out["whole numbers"];
      continue;
    } catch (const std::exception& error) {
      FAIL_CHECK(error.what());
      continue;
    }
    REQUIRE(actual.size() >= expected.size());
    for (size_t i = 0; i < expected.size(); ++i) CHECK(difference(actual[i], expected[i]) == "");
    ++passed;
  }
  CHECK(passed >= 500);  // of 932 in ONNX 1.12
  std::cout << passed << " passed; left out:";
  for (const auto& [reason, count] : left_out) std::cout << " " << reason << " (" << count << ")";
  std::cout << "\n";
}

}  // namespace hebb::test
