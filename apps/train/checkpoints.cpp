#include "apps/train/checkpoints.hpp"

#include <fstream>
#include <sstream>

#include "core/check.hpp"
#include "core/serialize.hpp"
#include "core/spec.hpp"

namespace hebb::apps {

CheckpointEvery CheckpointEvery::parse(const std::string& text) {
  if (text == "never") return {};
  constexpr Range counts = {.at_least = 1, .at_most = 1e9};
  Spec spec = Spec::parse("checkpoint-every:" + text);
  const CheckpointEvery every{.epochs = spec.integer("epochs", 0, counts),
                              .steps = spec.integer("steps", 0, counts),
                              .seconds = spec.number("seconds", 0, {.above = 0, .at_most = 1e9})};
  spec.done();
  return every;
}

Checkpoints::Checkpoints(std::filesystem::path path, const CheckpointEvery& every,
                         std::map<std::string, std::string> metadata)
    : path_(std::move(path)), every_(every), metadata_(std::move(metadata)) {}

std::optional<std::string> Checkpoints::read() const {
  if (!std::filesystem::exists(path_)) return std::nullopt;
  std::ifstream file(path_, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  check<IoError>(file.good(), "{}: cannot read", path_.string());
  return std::move(bytes).str();
}

void Checkpoints::after_step(const GetState& state) {
  changed_ = true;
  ++steps_;
  const auto elapsed = [this] { return std::chrono::duration<double>(Clock::now() - last_); };
  if ((every_.steps > 0 && steps_ >= every_.steps) ||
      (every_.seconds > 0 && elapsed().count() >= every_.seconds))
    write(state);
}

void Checkpoints::after_epoch(const GetState& state) {
  changed_ = true;
  if (++epochs_ == every_.epochs) write(state);
}

void Checkpoints::at_end(const GetState& state) {
  const bool ever = every_.epochs > 0 || every_.steps > 0 || every_.seconds > 0;
  if (changed_ && ever) write(state);
}

void Checkpoints::write(const GetState& state) {
  save_safetensors(path_, state(), metadata_);
  steps_ = epochs_ = 0;
  changed_ = false;
  last_ = Clock::now();
}

}  // namespace hebb::apps
