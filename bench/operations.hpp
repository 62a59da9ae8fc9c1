#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hebb::bench {

/// One primitive of the backend at a size that training meets.
struct OperationCase {
  std::string name;
  double operations;  ///< Floating-point operations of a call (a multiply-add is two); 0: no count.
  std::function<void()> run;
};

std::vector<OperationCase> operation_cases();

}  // namespace hebb::bench
