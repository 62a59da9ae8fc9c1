#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/fewshot/study/protocol.hpp"

namespace CLI {
class App;
}

namespace hebb::apps {

/// The flags of a protocol: --protocol and, over it, each switch alone.
class ProtocolFlags {
 public:
  void add_flags(CLI::App& app);
  /// UsageError for values out of range or that contradict each other.
  Protocol protocol() const;
  bool is_published() const { return name_ == "published"; }
  const std::string& name() const { return name_; }

 private:
  std::string name_ = "fair";
  std::optional<int64_t> batch_size_, epochs_, validation_images_, validation_every_;
  std::optional<std::string> init_, checkpoint_, validation_set_, dropout_at_test_, normalization_;
};

}  // namespace hebb::apps
