#include "distributed/single/single.hpp"

#include <cstdlib>

namespace hebb {
namespace {

struct NothingToAdd final : PendingSum {
  void advance() override {}
  void wait() override {}
};

}  // namespace

std::unique_ptr<PendingSum> SingleCommunicator::start_all_reduce(const Tensor&) {
  return std::make_unique<NothingToAdd>();
}

void SingleCommunicator::abort(int code) { std::_Exit(code); }

}  // namespace hebb
