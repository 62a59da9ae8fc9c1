#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/serialize.hpp"
#include "layers/module.hpp"

/// What tests need of the golden files: see README.md and make_models.py beside this header.
namespace hebb::test {

inline std::string golden_path(const std::string& name) {
  return HEBB_GOLDEN "/" + name + ".safetensors";
}

constexpr uint32_t input_stream = 1000, label_stream = 2000, upstream_stream = 3000;

inline uint32_t golden_hash(uint32_t stream, int64_t i) {
  uint32_t x = (stream << 20) + uint32_t(i);
  x ^= x >> 16;
  x *= 0x85ebca6bu;
  x ^= x >> 13;
  x *= 0xc2b2ae35u;
  return x ^ (x >> 16);
}

/// scale * signed(stream, i) + shift in float64.
inline Tensor golden_signed(uint32_t stream, const Shape& shape, double scale = 1,
                            double shift = 0) {
  std::vector<double> values(size_t(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = scale * ((golden_hash(stream, int64_t(i)) >> 8) * 0x1p-23 - 1) + shift;
  return Tensor::from(values, shape);
}

inline Tensor golden_positive(uint32_t stream, const Shape& shape) {
  Tensor x = golden_signed(stream, shape);
  for (double& value : x.host<double>()) value = std::max(value, 0.0);
  return x;
}

inline Tensor golden_labels(int64_t count) {
  std::vector<int64_t> labels(static_cast<size_t>(count));
  for (size_t i = 0; i < labels.size(); ++i)
    labels[i] = (golden_hash(label_stream, int64_t(i)) >> 8) % 10;
  return Tensor::from(labels, {count});
}

/// Gives the model the starting values of the golden files, in float32 numbers.
inline void set_golden_parameters(const Module& model) {
  double fan_in = 1;
  uint32_t stream = 0;
  for (const auto& [name, parameter] : model.parameters()) {
    const Shape& shape = parameter.shape();
    const bool norm = shape.rank() == 1 && name.ends_with(".weight");
    if (shape.rank() > 1) fan_in = double(shape.product(1, shape.rank()));
    Tensor values = norm ? golden_signed(++stream, shape, 0.5, 1) : golden_signed(++stream, shape);
    if (!norm)
      for (double& value : values.host<double>()) value /= std::sqrt(fan_in);
    parameter.copy_from(values.to(DType::float32));
  }
}

class Golden {
 public:
  explicit Golden(const std::string& name) : file_(load_safetensors(golden_path(name))) {}

  const std::string& metadata(const std::string& key) const { return file_.metadata.at(key); }
  bool has(const std::string& name) const { return file_.tensors.contains(name); }
  std::vector<double> values(const std::string& name) const {
    return file_.tensors.at(name).to(DType::float64).to_vector<double>();
  }

  /// The largest difference between `name` and a tensor, relative to the largest element of the
  /// two. Of a large tensor the golden file has a sample, and sums, which count as well.
  double difference(const std::string& name, const Tensor& tensor) const {
    std::vector<double> all = tensor.detach().to(DType::float64).to_vector<double>();
    const std::vector<double> expected = values(name);
    double worst = 0;
    if (has(name + ".moments")) {
      double sum = 0, squares = 0;
      for (const double value : all) {
        sum += value;
        squares += value * value;
      }
      const std::vector<double> moments = values(name + ".moments");
      worst = std::max(std::abs(sum - moments[0]) / std::sqrt(double(all.size()) * moments[1]),
                       std::abs(squares - moments[1]) / moments[1]);
      std::vector<double> sample;
      const size_t stride = std::stoul(metadata("stride"));
      for (size_t i = 0; i < all.size(); i += stride) sample.push_back(all[i]);
      all = std::move(sample);
    }
    if (all.size() != expected.size()) return HUGE_VAL;
    double largest = 1e-300, absolute = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (std::isnan(all[i])) return HUGE_VAL;
      largest = std::max({largest, std::abs(all[i]), std::abs(expected[i])});
      absolute = std::max(absolute, std::abs(all[i] - expected[i]));
    }
    return std::max(worst, absolute / largest);
  }

 private:
  SafetensorsFile file_;
};

}  // namespace hebb::test
