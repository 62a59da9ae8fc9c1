#pragma once

#include <string>

#include "core/number.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace hebb::apps {

/// A flag for a number, or for several with commas between them, that says in --help which ones it
/// takes, and refuses all others as `parse_number` does. T is double, int, int64_t, uint64_t, an
/// optional int64_t, or a vector of int64_t or uint64_t. --help shows the target's value as the
/// default where it lies in the range.
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& flag, T& target, const Range& range,
                        const std::string& text = {});

/// --data: the folder of the data sets, which has to be there whatever then needs it.
void add_data_folder(CLI::App& app, std::string& target);

/// What counts things, and what names a choice of random numbers.
inline constexpr Range any_count = {.at_least = 0, .at_most = 1e9};
inline constexpr Range some = {.at_least = 1, .at_most = 1e9};
inline constexpr Range thread_counts = {.at_least = 1, .at_most = 1024};
inline constexpr Range any_seed = {.at_least = 0};
/// Learning rates, above what any training takes.
inline constexpr Range learning_rates = {.at_least = 0, .at_most = 1e6};

}  // namespace hebb::apps
