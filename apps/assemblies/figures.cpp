#include "apps/assemblies/figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/check.hpp"

namespace hebb::apps {
namespace {

std::vector<ModelGroup> group_models(std::span<const Analysed> models) {
  std::vector<ModelGroup> groups;
  for (const Analysed& model : models) {
    std::string name = model.spec.name, label = model.spec.label;
    name = name.substr(0, name.find("-bean"));
    if (!model.spec.plain()) label = label.substr(0, label.find(" + "));
    if (model.spec.shots > 0) {
      name = fmt::format("{}-{}shot", model.spec.architecture, model.spec.shots);
      label = fmt::format("{}, {}-shot", label.substr(0, label.find(", ")), model.spec.shots);
    } else {
      name = model.spec.architecture;
      std::ranges::replace(name, ':', '-');
    }
    auto found = std::ranges::find(groups, name, &ModelGroup::name);
    if (found == groups.end()) found = groups.insert(groups.end(), {name, label, {}});
    found->models.push_back(&model);
  }
  return groups;
}

// What the paper takes its Figures 1(d), 3 and 6 from: a network with BEAN-2 where there is one.
const Analysed& most_regularized(const ModelGroup& group) {
  return **std::ranges::max_element(group.models, [](const Analysed* a, const Analysed* b) {
    return std::pair(a->spec.bean_order, !a->spec.plain()) <
           std::pair(b->spec.bean_order, !b->spec.plain());
  });
}

}  // namespace

std::string in_words(const Analysed& model, const char* key) {
  const auto all = quantities();
  const auto found =
      std::ranges::find_if(all, [&](const Quantity& q) { return std::string_view(q.key) == key; });
  check(found != all.end(), "no quantity is named {}", key);
  const MeanSummary s = summarize(model, *found);
  // Counts have a decimal for their mean over seeds alone.
  const bool whole = s.count < 2 && found->decimals == 1;
  const std::string mean = fmt::format("{:.{}f}", s.mean, whole ? 0 : found->decimals);
  return s.count < 2 ? mean : fmt::format("{} ± {:.{}f}", mean, s.deviation, found->decimals);
}

std::string in_words(const ModelGroup& group, const char* key) {
  std::vector<std::string> parts;
  for (const Analysed* model : group.models)
    parts.push_back(fmt::format("{}: {}", model->spec.label, in_words(*model, key)));
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::vector<Figure> make_figures(std::span<const Analysed> models, const std::vector<int>& numbers,
                                 const std::filesystem::path& folder) {
  std::vector<ModelGroup> groups = group_models(models);
  std::vector<ModelGroup> full, few;
  for (const ModelGroup& group : groups)
    (group.models[0]->spec.shots > 0 ? few : full).push_back(group);
  // Networks of all samples are for Figures 1 to 5, few-shot ones for 6; either does for both.
  const std::vector<ModelGroup>& main = full.empty() ? few : full;
  const std::vector<ModelGroup>& last = few.empty() ? full : few;

  std::vector<Figure> figures;
  for (const int number : numbers) {
    if (number == 1) figures.push_back(draw_plane(most_regularized(main.back()), folder));
    for (const ModelGroup& group : number <= 5 ? main : last) {
      if (number == 2) figures.push_back(draw_silhouettes(group, folder));
      if (number == 3)
        for (const Analysed* model : group.models)
          if (model->spec.plain() || model == &most_regularized(group))
            figures.push_back(draw_activations(*model, folder));
      if (number == 4) figures.push_back(draw_selectivity(group, folder));
      if (number == 5) figures.push_back(draw_ablation(group, folder));
      if (number == 6) {
        const Analysed& model = most_regularized(group);
        figures.push_back(draw_correlation(model, folder));
        figures.push_back(draw_connections(model, folder));
        figures.push_back(draw_outgoing(model, folder));
      }
    }
    if (number == 6)
      for (const ModelGroup& group : groups) figures.push_back(draw_pruning(group, folder));
  }
  return figures;
}

}  // namespace hebb::apps
