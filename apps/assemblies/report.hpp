#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "apps/assemblies/figures.hpp"
#include "apps/assemblies/settings.hpp"

namespace hebb::apps {

struct Report {
  std::span<const Analysed> models;
  std::span<const Figure> figures;
  const AssembliesSettings& settings;
  std::filesystem::path folder;  ///< Where the figures' pictures are.
  std::string data;              ///< Where the data come from.
  double seconds = 0;
};

/// One page without references to anything outside of it: the pictures are inside.
std::string to_html(const Report& report);

/// All settings and measures of all runs.
Json to_json(std::span<const Analysed> models, const AssembliesSettings& settings);

}  // namespace hebb::apps
