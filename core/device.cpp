#include "core/device.hpp"

#include <charconv>

#include "core/check.hpp"

namespace hebb {

Device Device::parse(std::string_view text) {
  if (text == "cpu") return cpu();
  if (text == "cuda") return cuda();
  if (text.starts_with("cuda:")) {
    const std::string_view digits = text.substr(5);
    int index = -1;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), index);
    if (error == std::errc() && end == digits.end() && index >= 0) return cuda(index);
  }
  fail("[device] expected cpu, cuda or cuda:N, got '{}'", text);
}

std::string Device::to_string() const { return is_cpu() ? "cpu" : fmt::format("cuda:{}", index); }

}  // namespace hebb
