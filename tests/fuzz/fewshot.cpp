// The journal of few-shot studies and what tuning found: a journal that is read stays as it is but
// for a last line without its end.
#include <cstring>

#include "apps/fewshot/queue/journal.hpp"
#include "apps/fewshot/tuning/tuned_values.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace hebb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::File file(".jsonl");
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    apps::TunedValues::parse(text, "tuned.json");
  } catch (const Error&) {
  }
  try {
    file.write(data, size);
    const apps::Results results = apps::Journal(file.path(), "fuzz").results();
    const std::vector<char> kept = file.read();
    if (text.find('\n') != text.npos)
      fuzz::require(kept.size() <= size && std::memcmp(kept.data(), data, kept.size()) == 0,
                    "whole lines stay");
    const apps::Results again = apps::Journal(file.path(), "fuzz").results();
    fuzz::require(results.size() == again.size(), "a journal is read again as it was");
  } catch (const Error&) {
  }
  return 0;
}
