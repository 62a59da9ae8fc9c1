#include "layers/state.hpp"

#include "core/check.hpp"

namespace hebb {

void check_state(const State& target, const State& source, const char* where) {
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
}

void copy_state(const State& target, const State& source, const char* where) {
  check_state(target, source, where);
  for (const auto& [name, tensor] : target) tensor.copy_from(source.at(name));
}

void add_part(State& state, std::string_view prefix, const State& part) {
  for (const auto& [name, tensor] : part) state[std::string(prefix) + name] = tensor;
}

State part_of(const State& state, std::string_view prefix) {
  State part;
  for (const auto& [name, tensor] : state)
    if (name.starts_with(prefix)) part[name.substr(prefix.size())] = tensor;
  return part;
}

}  // namespace hebb
