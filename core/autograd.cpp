#include "core/autograd.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/profile.hpp"
#include "core/random.hpp"

namespace hebb {
namespace {

thread_local bool recording = true;
// Marks of backward passes are unique across threads, since graphs may be handed over.
std::atomic<uint64_t> last_visit{0};
thread_local const LeafObserver* observer = nullptr;

// How many nodes have not yet given what they give to a leaf.
class LeafCounts {
 public:
  void add(const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i].leaf) ++left_[node.inputs[i].leaf.get()];
  }
  void done(const InlineVector<Node::Edge, 4>& inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Ref<Tensor::Body>& leaf = inputs[i].leaf;
      if (leaf && --left_.at(leaf.get()) == 0) observer->complete(Tensor(leaf));
    }
  }

 private:
  std::unordered_map<const Tensor::Body*, int64_t> left_;
};

void accumulate(Tensor& sum, Tensor gradient) {
  if (!sum.defined())
    sum = std::move(gradient);
  else if (sum.owns_storage())
    backend_of(sum)->add_scaled(sum, gradient, 1);
  else  // somebody else sees this memory
    sum = backend_of(sum)->binary(Binary::add, sum, gradient, sum.shape());
}

// The nodes that the pass reaches, each before its inputs.
void collect(const Ref<Node>& root, std::vector<Ref<Node>>& nodes) {
  const uint64_t visit = ++last_visit;
  root->visit = visit;
  nodes.push_back(root);
  for (size_t done = 0; done < nodes.size(); ++done) {
    Node& node = *nodes[done];
    check(!node.freed, "[backward] {} was freed by an earlier backward; give that one retain_graph",
          node.name);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Ref<Node>& input = node.inputs[i].node;
      if (input && input->visit != visit) {
        input->visit = visit;
        nodes.push_back(input);
      }
    }
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const Ref<Node>& a, const Ref<Node>& b) { return a->depth > b->depth; });
}

void run(Node& node, bool retain_graph) {
  const Tensor dy = std::exchange(node.grad, Tensor());
  if (!dy.defined()) return;
  Grads grads = node.backward(dy);
  check<ShapeError>(grads.size() == node.inputs.size(),
                    "[backward] expected {} gradients from {}, got {}", node.inputs.size(),
                    node.name, grads.size());
  if (!retain_graph) {  // now, so that gradients which the node held can be summed in place
    node.free_saved();
    node.freed = true;
  }
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Node::Edge& edge = node.inputs[i];
    if (!grads[i].defined() || !(edge.node || edge.leaf)) continue;
    const Shape& shape = edge.node ? edge.node->shape : edge.leaf->shape;
    const DType dtype = edge.node ? edge.node->dtype : edge.leaf->dtype;
    check<ShapeError>(grads[i].shape() == shape,
                      "[backward] expected a gradient of shape {} from {}, got {}", shape,
                      node.name, grads[i].shape());
    check<DTypeError>(grads[i].dtype() == dtype,
                      "[backward] expected a gradient of {} from {}, got {}", name_of(dtype),
                      node.name, name_of(grads[i].dtype()));
    if (edge.node) {
      accumulate(edge.node->grad, std::move(grads[i]));
    } else {
      accumulate(edge.leaf->grad, std::move(grads[i]));
      // A leaf's gradient is changed in place by clipping: it must be its own.
      if (!edge.leaf->grad.owns_storage()) edge.leaf->grad = edge.leaf->grad.clone();
    }
  }
}

void run_observed(const std::vector<Ref<Node>>& nodes, bool retain_graph) {
  LeafCounts counts;
  for (const Ref<Node>& node : nodes) counts.add(*node);
  for (const Ref<Node>& node : nodes) {
    run(*node, retain_graph);
    counts.done(node->inputs);
    if (node->freed) node->inputs.clear();
  }
}

}  // namespace

LeafObserver::LeafObserver(Function on_complete)
    : on_complete_(std::move(on_complete)), previous_(std::exchange(observer, this)) {}
LeafObserver::~LeafObserver() { observer = previous_; }

bool grad_enabled() { return recording; }
NoGrad::NoGrad() : previous_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = previous_; }

// A long chain of operations would otherwise be destroyed by as deep a recursion.
Node::~Node() {
  thread_local std::vector<Ref<Node>>* pending = nullptr;
  if (pending) {
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].node && inputs[i].node->unique()) pending->push_back(std::move(inputs[i].node));
    return;
  }
  if (inputs.size() == 0) return;
  std::vector<Ref<Node>> nodes;
  pending = &nodes;
  inputs.clear();
  while (!nodes.empty()) {
    const Ref<Node> last = std::move(nodes.back());
    nodes.pop_back();
  }
  pending = nullptr;
}

namespace detail {

bool any_requires_grad(std::span<const Input> inputs) {
  return std::any_of(inputs.begin(), inputs.end(), [](const Input& input) {
    return input.tensor->defined() && input.tensor->requires_grad();
  });
}

Tensor attach(Ref<Node> node, const char* name, const Tensor& y, std::span<const Input> inputs) {
  node->name = name;
  node->shape = y.shape();
  node->dtype = y.dtype();
  for (const Input& input : inputs) {
    Node::Edge edge;
    if (input.tensor->defined()) {
      Tensor::Body* body = input.tensor->body();
      if (body->node) {
        edge.node = body->node;
        node->depth = std::max(node->depth, body->node->depth + 1);
      } else if (body->requires_grad) {
        edge.leaf = Ref<Tensor::Body>(body);
      }
    }
    node->inputs.push_back(std::move(edge));
  }
  Tensor result = y.detach();
  result.body()->node = std::move(node);
  return result;
}

}  // namespace detail

void backward(const Tensor& y, const Tensor& dy, bool retain_graph) {
  check(y.defined() && y.requires_grad(),
        "[backward] expected a result of something that asks for a gradient");
  check<ShapeError>(dy.shape() == y.shape(), "[backward] expected a gradient of shape {}, got {}",
                    y.shape(), dy.shape());
  check<DTypeError>(dy.dtype() == y.dtype(), "[backward] expected a gradient of {}, got {}",
                    name_of(y.dtype()), name_of(dy.dtype()));
  const ProfileScope scope("backward");
  const NoGrad no_grad;
  if (!y.node()) {
    accumulate(y.body()->grad, dy.clone());
    if (observer) observer->complete(y);
    return;
  }
  // Kept between calls, so that a training step takes no memory for it.
  thread_local std::vector<Ref<Node>> spare;
  std::vector<Ref<Node>> nodes = std::move(spare);
  nodes.clear();
  collect(y.node(), nodes);
  y.node()->grad = dy;
  if (observer) {
    run_observed(nodes, retain_graph);
  } else {
    for (const Ref<Node>& node : nodes) {
      run(*node, retain_graph);
      if (node->freed) node->inputs.clear();
    }
  }
  nodes.clear();
  spare = std::move(nodes);
}

void Tensor::backward(bool retain_graph) const {
  check<ShapeError>(numel() == 1, "[backward] expected one element, got {}", *this);
  hebb::backward(*this, ones(shape(), options()), retain_graph);
}

GradcheckResult gradcheck(const std::function<Tensor(std::span<const Tensor>)>& function,
                          std::span<const Tensor> inputs, GradcheckOptions options) {
  std::vector<Tensor> leaves;
  for (const Tensor& input : inputs) {
    const bool wanted = input.requires_grad();
    check<DTypeError>(!wanted || input.dtype() == DType::float64,
                      "[gradcheck] expected float64 inputs, got {}", input);
    leaves.push_back(input.clone());
    leaves.back().set_requires_grad(wanted);
  }
  const Tensor y = function(leaves);
  std::vector<double> weights(size_t(y.numel()));
  Generator generator(1);
  for (double& weight : weights) weight = generator.uniform(0.5, 1.5);
  backward(y, Tensor::from(weights, y.shape(), y.device()));

  const auto value = [&] {
    const NoGrad no_grad;
    const std::vector<double> values = function(leaves).to_vector<double>();
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
    return sum;
  };
  GradcheckResult result;
  for (size_t k = 0; k < leaves.size(); ++k) {
    const Tensor& leaf = leaves[k];
    if (!leaf.requires_grad()) continue;
    const std::vector<double> x = leaf.to_vector<double>();
    const std::vector<double> gradient =
        leaf.grad().defined() ? leaf.grad().to_vector<double>() : std::vector<double>(x.size());
    std::vector<double> direction(x.size());

    const auto compare = [&](double analytic, const std::string& where) {
      const auto shifted = [&](double shift) {
        std::vector<double> there = x;
        for (size_t i = 0; i < x.size(); ++i) there[i] += shift * direction[i];
        leaf.copy_from(Tensor::from(there, leaf.shape(), leaf.device()));
        return value();
      };
      const double numeric =
          (shifted(options.epsilon) - shifted(-options.epsilon)) / (2 * options.epsilon);
      const double error = std::abs(analytic - numeric);
      result.worst_error = std::max(result.worst_error, error);
      const double allowed =
          options.absolute_tolerance + options.relative_tolerance * std::abs(numeric);
      if (!(error <= allowed) && result.ok) {
        result.ok = false;
        result.message = fmt::format("input {}, {}: gradient {}, difference quotient {}", k, where,
                                     analytic, numeric);
      }
    };

    const size_t most = size_t(options.max_elements);
    const bool some = most > 0 && x.size() > most;
    for (size_t i = 0; i < (some ? most : x.size()); ++i) {
      const size_t element = some ? size_t(generator.below(int64_t(x.size()))) : i;
      direction[element] = 1;
      compare(gradient[element], fmt::format("element {}", element));
      direction[element] = 0;
    }
    if (some) {
      for (double& d : direction) d = generator.below(2) == 0 ? -1 : 1;
      compare(std::inner_product(gradient.begin(), gradient.end(), direction.begin(), 0.0),
              "a direction");
    }
    leaf.copy_from(Tensor::from(x, leaf.shape(), leaf.device()));
  }
  return result;
}

}  // namespace hebb
