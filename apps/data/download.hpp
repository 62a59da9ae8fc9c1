#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "apps/data/partial_file.hpp"

namespace hebb::apps {

struct DownloadOptions {
  int attempts = 5;                            ///< At each address, that bring nothing new.
  std::chrono::milliseconds first_wait{1000};  ///< Before the second one; twice as long each time.
  int stall_seconds = 30;                      ///< Without a byte, after which an attempt is over.
  std::function<bool()> stop = [] { return false; };  ///< Asked at least once a second.
  std::function<void(int64_t bytes)> progress = [](int64_t) {};
  std::function<void(const std::string& line)> say = [](const std::string&) {};
};

/// Completes `file` from the first of these addresses that has it: `bytes` long and, in the end,
/// `right`. It goes on where the file ends, or from its begin where the server cannot do that.
/// False when it was stopped; the file then holds what has come. IoError when no address has it,
/// with what happened at each, or when the file cannot be written, which removes it.
bool download(PartialFile& file, const std::vector<std::string>& addresses, int64_t bytes,
              const std::function<bool()>& right, const DownloadOptions& options);

}  // namespace hebb::apps
