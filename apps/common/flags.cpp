#include "apps/common/flags.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/error.hpp"

namespace hebb::apps {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw CLI::ValidationError(what, CLI::ExitCodes::ValidationError);
}

// How a flag's target takes its text: Number is what the text is made of.
template <class T>
struct Target {
  using Number = T;
  static void set(T& target, std::string_view text, const Range& range, const std::string& where) {
    target = parse_number<T>(text, range, where);
  }
  static std::string show(T value, const Range& range) {
    return range.contains(double(value)) ? fmt::format("{}", value) : "";
  }
};

template <class T>
struct Target<std::optional<T>> {
  using Number = T;
  static void set(std::optional<T>& target, std::string_view text, const Range& range,
                  const std::string& where) {
    target = parse_number<T>(text, range, where);
  }
  static std::string show(const std::optional<T>&, const Range&) { return {}; }
};

template <class T>
struct Target<std::vector<T>> {
  using Number = T;
  static void set(std::vector<T>& target, std::string_view text, const Range& range,
                  const std::string& where) {
    std::vector<T> values;
    for (;;) {
      const size_t comma = text.find(',');
      values.push_back(parse_number<T>(text.substr(0, comma), range, where));
      if (comma == text.npos) break;
      text.remove_prefix(comma + 1);
    }
    target = std::move(values);
  }
  static std::string show(const std::vector<T>& values, const Range&) {
    return fmt::format("{}", fmt::join(values, ","));
  }
};

}  // namespace

template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& flag, T& target, const Range& range,
                        const std::string& text) {
  const std::string bounds = range.to_string();
  const auto read = [&target, range, flag](const CLI::results_t& texts) {
    try {
      Target<T>::set(target, texts.at(0), range, flag + ":");
    } catch (const ValueError& error) {
      refuse(error.what());
    }
    return true;
  };
  CLI::Option* option =
      app.add_option(flag, read, text.empty() ? bounds : fmt::format("{} ({})", text, bounds));
  option->type_name(std::is_same_v<typename Target<T>::Number, double> ? "NUMBER" : "INTEGER");
  if (const std::string value = Target<T>::show(target, range); !value.empty())
    option->default_str(value);
  return option;
}

void add_data_folder(CLI::App& app, std::string& target) {
  const auto read = [&target](const CLI::results_t& texts) {
    target = texts.at(0);
    if (!std::filesystem::is_directory(target))
      refuse(fmt::format("--data: expected a folder, got \"{}\"", target));
    return true;
  };
  app.add_option("--data", read,
                 "Folder of the data sets (otherwise $HEBB_DATA, then the cache folder)")
      ->type_name("FOLDER");
}

template CLI::Option* add_number(CLI::App&, const std::string&, double&, const Range&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, int&, const Range&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, int64_t&, const Range&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, uint64_t&, const Range&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::optional<int64_t>&,
                                 const Range&, const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::vector<int64_t>&, const Range&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::vector<uint64_t>&,
                                 const Range&, const std::string&);

}  // namespace hebb::apps
