#include "layers/state.hpp"

#include "core/check.hpp"

namespace hebb {

void copy_state(const State& target, const State& source, const char* where) {
  std::string problems;
  for (const auto& [name, tensor] : target) {
    const auto given = source.find(name);
    if (given == source.end() || !given->second.defined())
      problems += fmt::format("\n  missing {} {}", name, tensor.shape());
    else if (given->second.shape() != tensor.shape())
      problems +=
          fmt::format("\n  {}: expected {}, got {}", name, tensor.shape(), given->second.shape());
  }
  for (const auto& [name, tensor] : source)
    if (!target.contains(name)) problems += fmt::format("\n  unexpected {}", name);
  check(problems.empty(), "[{}] the state does not fit:{}", where, problems);
  for (const auto& [name, tensor] : target) tensor.copy_from(source.at(name));
}

}  // namespace hebb
