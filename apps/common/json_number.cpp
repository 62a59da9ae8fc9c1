#include "apps/common/json_number.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "core/check.hpp"

namespace hebb::apps {
namespace {

// Asked before any conversion: one of a number that no int64_t holds is undefined.
bool is_int64(const Json& value) {
  if (value.is_number_unsigned())
    return value.get<uint64_t>() <= uint64_t(std::numeric_limits<int64_t>::max());
  return value.is_number_integer();
}

template <class T>
T read(const Json& object, const char* key, const Range& range, bool (*fits)(const Json&)) {
  const auto found = object.find(key);
  check<FormatError>(found != object.end(), "expected \"{}\"", key);
  check<FormatError>(fits(*found) && range.contains(found->template get<double>()),
                     "expected {} for \"{}\", got {}", describe<T>(range), key, found->dump());
  return found->template get<T>();
}

}  // namespace

int64_t read_integer(const Json& object, const char* key, const Range& range) {
  return read<int64_t>(object, key, range, is_int64);
}

double read_number(const Json& object, const char* key, const Range& range) {
  return read<double>(object, key, range, [](const Json& value) { return value.is_number(); });
}

}  // namespace hebb::apps
