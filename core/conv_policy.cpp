#include "core/conv_policy.hpp"

#include <atomic>

namespace hebb {
namespace {

std::atomic<ConvPolicy> chosen{ConvPolicy::fast};

}  // namespace

ConvPolicy conv_policy() { return chosen.load(std::memory_order_relaxed); }

void set_conv_policy(ConvPolicy policy) { chosen = policy; }

const Choices<ConvPolicy>& conv_policies() {
  static const Choices<ConvPolicy> choices(
      "conv_policy", {{"fast", ConvPolicy::fast}, {"exact", ConvPolicy::exact}});
  return choices;
}

}  // namespace hebb
