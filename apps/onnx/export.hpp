#pragma once

#include <map>
#include <string>

#include "data/transforms.hpp"
#include "layers/module.hpp"

namespace hebb::apps {

struct OnnxOptions {
  Shape input;                                       ///< Of one image, [C, H, W].
  const Normalize* normalize = nullptr;              ///< Of the pixels, which becomes a part of it.
  std::map<std::string, std::string> metadata = {};  ///< Free text.
};

/// A model for inference as an ONNX file (operator set 17): from "images" [N, C, H, W], float32
/// from 0 to 1, to "logits" [N, classes]. Dropout is left out, and batch normalisation is a part of
/// the convolution before it. ValueError, which names it, for a layer that has no export, as layers
/// of replicas have none.
std::string to_onnx(const Module& model, const OnnxOptions& options);

}  // namespace hebb::apps
