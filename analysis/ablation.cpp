#include "analysis/ablation.hpp"

#include <numeric>

#include "analysis/matrix.hpp"
#include "core/check.hpp"
#include "core/ops/elementwise.hpp"

namespace hebb {

DenseInputEdit ablate(std::string layer, std::vector<int64_t> neurons, Tensor means) {
  return [layer = std::move(layer), neurons = std::move(neurons), means = std::move(means)](
             const std::string& name, const Tensor& input) -> Tensor {
    if (name != layer) return input;
    check<ShapeError>(input.rank() == 2, "[ablate] expected an input of shape [S, N], got {}",
                      input.shape().to_string());
    const int64_t n = input.size(1);
    check_labels(neurons, n, "ablate");
    std::vector<double> kept(n, 1.0);
    for (const int64_t neuron : neurons) kept[neuron] = 0;
    const auto like_input = [&](const Tensor& x) { return x.to(input.dtype()).to(input.device()); };
    const Tensor mask = Tensor::from(kept, {n});
    const Tensor masked = input * like_input(mask);
    if (!means.defined()) return masked;
    check<ShapeError>(means.shape() == Shape{n}, "[ablate] expected means of shape [{}], got {}", n,
                      means.shape().to_string());
    return masked + like_input(means.to(Device::cpu()).to(DType::float64) * (1.0 - mask));
  };
}

std::vector<std::vector<int64_t>> neuron_groups(std::span<const int64_t> labels, int64_t groups) {
  check(groups >= 0, "[neuron_groups] expected at least 0 groups, got {}", groups);
  std::vector<std::vector<int64_t>> result(groups);
  for (int64_t i = 0; i < std::ssize(labels); ++i) {
    if (labels[i] < 0) continue;
    check(labels[i] < groups, "[neuron_groups] expected labels below {}, got {}", groups,
          labels[i]);
    result[labels[i]].push_back(i);
  }
  return result;
}

ClassAccuracy::ClassAccuracy(int64_t classes) {
  check(classes >= 1, "[ClassAccuracy] expected at least 1 class, got {}", classes);
  correct_.resize(classes);
  total_.resize(classes);
}

void ClassAccuracy::add(std::span<const int64_t> predictions, std::span<const int64_t> labels) {
  check<ShapeError>(predictions.size() == labels.size(),
                    "[ClassAccuracy] expected {} predictions, one for each label, got {}",
                    labels.size(), predictions.size());
  check_labels(labels, std::ssize(total_), "ClassAccuracy");
  for (size_t s = 0; s < labels.size(); ++s) {
    correct_[labels[s]] += predictions[s] == labels[s];
    ++total_[labels[s]];
  }
}

std::vector<double> ClassAccuracy::per_class() const {
  std::vector<double> accuracy;
  for (size_t c = 0; c < total_.size(); ++c) {
    check(total_[c] > 0, "[ClassAccuracy] expected samples of all {} classes, got none of {}",
          total_.size(), c);
    accuracy.push_back(double(correct_[c]) / double(total_[c]));
  }
  return accuracy;
}

double ClassAccuracy::overall() const {
  const auto sum = [](const std::vector<int64_t>& counts) {
    return std::accumulate(counts.begin(), counts.end(), int64_t(0));
  };
  check(sum(total_) > 0, "[ClassAccuracy] expected at least one sample, got none");
  return double(sum(correct_)) / double(sum(total_));
}

AblationStudy ablation_study(const std::vector<std::vector<int64_t>>& groups,
                             const AblatedAccuracy& accuracy) {
  AblationStudy study{.baseline = accuracy({}), .change = {}};
  const size_t classes = study.baseline.size();
  std::vector<double> change;
  for (const auto& group : groups) {
    const std::vector<double> ablated = group.empty() ? study.baseline : accuracy(group);
    check<ShapeError>(ablated.size() == classes,
                      "[ablation_study] expected accuracies of {} classes, got {}", classes,
                      ablated.size());
    for (size_t c = 0; c < classes; ++c) change.push_back(ablated[c] - study.baseline[c]);
  }
  study.change = Tensor::from(change, {std::ssize(groups), int64_t(classes)});
  return study;
}

Diagonality diagonality(const Tensor& tensor, std::span<const int64_t> own) {
  const Matrix change(tensor, "diagonality");
  const int64_t groups = change.rows(), classes = change.cols();
  check(classes >= 2, "[diagonality] expected at least 2 classes, got {}", classes);
  std::vector<int64_t> class_of(own.begin(), own.end());
  if (own.empty()) {
    class_of.resize(groups);
    std::iota(class_of.begin(), class_of.end(), 0);
  }
  check<ShapeError>(std::ssize(class_of) == groups,
                    "[diagonality] expected the classes of {} groups, got {}", groups, own.size());
  check_labels(class_of, classes, "diagonality");

  Diagonality result;
  for (int64_t g = 0; g < groups; ++g) {
    const double mine = change(g, class_of[g]);
    double others = 0;
    bool diagonal = mine < 0;
    for (int64_t c = 0; c < classes; ++c) {
      if (c == class_of[g]) continue;
      others += change(g, c);
      diagonal = diagonal && mine < change(g, c);
    }
    result.own += mine / double(groups);
    result.other += others / double(classes - 1) / double(groups);
    result.diagonal_groups += diagonal;
  }
  return result;
}

}  // namespace hebb
