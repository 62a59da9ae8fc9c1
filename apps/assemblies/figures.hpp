#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "apps/assemblies/measures.hpp"
#include "apps/assemblies/picture.hpp"

namespace hebb::apps {

/// A picture of the report and the words beside it.
struct Figure {
  std::string stem, title;
  std::string paper;  ///< What the paper says that it shows.
  std::string run;    ///< What it shows here, in numbers.
  bool plotted = false;
};

/// Networks of one architecture, trained on all samples or on as few of each class: what a picture
/// puts side by side.
struct ModelGroup {
  std::string name;  ///< For files: "mlp", "lenet5-10shot".
  std::string label;
  std::vector<const Analysed*> models;
};

/// Plots the paper's figures of these numbers (1 to 6) into `folder`.
std::vector<Figure> make_figures(std::span<const Analysed> models, const std::vector<int>& numbers,
                                 const std::filesystem::path& folder);

// One function for each kind, with the figures of a group or of a single network.
Figure draw_plane(const Analysed& model, const std::filesystem::path& folder);          // 1(d)
Figure draw_silhouettes(const ModelGroup& group, const std::filesystem::path& folder);  // 2
Figure draw_activations(const Analysed& model, const std::filesystem::path& folder);    // 3
Figure draw_selectivity(const ModelGroup& group, const std::filesystem::path& folder);  // 4
Figure draw_ablation(const ModelGroup& group, const std::filesystem::path& folder);     // 5
Figure draw_correlation(const Analysed& model, const std::filesystem::path& folder);    // 6(a)
Figure draw_connections(const Analysed& model, const std::filesystem::path& folder);    // 6(b)
Figure draw_outgoing(const Analysed& model, const std::filesystem::path& folder);       // 6(c)
Figure draw_pruning(const ModelGroup& group, const std::filesystem::path& folder);      // beside 6

/// "0.123", or with its spread over several seeds "0.123 ± 0.004".
std::string in_words(const Analysed& model, const char* quantity);
/// "plain: 0.123; BEAN-2: 0.456" for the group's networks.
std::string in_words(const ModelGroup& group, const char* quantity);

}  // namespace hebb::apps
