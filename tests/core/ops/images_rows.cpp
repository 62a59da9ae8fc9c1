#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

using Kind = ImageStep::Kind;

const ImageStep normalize{
    .kind = Kind::normalize, .mean = {0.5f, 0.25f, 0.125f}, .deviation = {0.3f, 0.7f, 1.1f}};
const ImageStep crop{.kind = Kind::crop, .padding = 2, .fill = 0.375f};
const ImageStep mirror{.kind = Kind::mirror, .probability = 0.5};

ImageSteps steps_of(const std::vector<ImageStep>& list) {
  ImageSteps steps;
  for (const ImageStep& step : list) steps.step[steps.count++] = step;
  return steps;
}

Generator start() {
  Generator generator(7, 3);
  generator.reserve(20);
  return generator;
}

// One step on a whole image, by its definition.
void apply(const ImageStep& step, Generator& random, Array& image) {
  const Array before = image;
  const Shape& shape = image.shape;
  int64_t dy = 0, dx = 0;
  bool mirrored = false;
  if (step.kind == Kind::crop) {
    dy = random.below(2 * step.padding + 1) - step.padding;
    dx = random.below(2 * step.padding + 1) - step.padding;
  }
  if (step.kind == Kind::mirror) mirrored = random.uniform() < step.probability;
  for (int64_t c = 0; c < shape[0]; ++c)
    for (int64_t y = 0; y < shape[1]; ++y)
      for (int64_t x = 0; x < shape[2]; ++x) {
        const int64_t from_y = y + dy, from_x = (mirrored ? shape[2] - 1 - x : x) + dx;
        const bool inside = from_y >= 0 && from_y < shape[1] && from_x >= 0 && from_x < shape[2];
        auto value = inside ? float(before(c, from_y, from_x)) : step.fill;
        if (step.kind == Kind::normalize) value = (value - step.mean[c]) / step.deviation[c];
        image(c, y, x) = double(value);
      }
}

Array batch_of(const Array& images, const Array& indices, const std::vector<ImageStep>& list,
               const Generator& first = start()) {
  const Shape image_shape = images.shape.without(0);
  const int64_t pixels = image_shape.numel();
  Array batch(images.shape.with(0, indices.shape[0]));
  for (size_t i = 0; i < indices.values.size(); ++i) {
    const auto sample = int64_t(indices.values[i]);
    Array image(image_shape);
    for (int64_t p = 0; p < pixels; ++p)
      image.values[size_t(p)] = double(float(images.values[size_t(sample * pixels + p)]) / 255.0f);
    Generator random = first;
    Generator::State state = random.state();
    state.offset += uint64_t(sample) << 20;
    random.set_state(state);
    for (const ImageStep& step : list) apply(step, random, image);
    std::copy(image.values.begin(), image.values.end(),
              batch.values.begin() + std::ptrdiff_t(i) * pixels);
  }
  return batch;
}

OpCase row(const char* name, const Shape& images, const Shape& indices,
           const std::vector<ImageStep>& list) {
  return {.op = "make_batch",
          .name = name,
          .operands = {{images, Fill::integers, 256}, {indices, Fill::integers, images[0]}},
          .call =
              [=](auto x) {
                const Device on = x[0].device();
                const Tensor batch =
                    Tensor::empty(x[0].shape().with(0, x[1].size(0)), {.device = on});
                make_batch(x[0].to(DType::uint8), Tensor::zeros({x[0].size(0)}, {DType::int64, on}),
                           x[1], steps_of(list), start(), batch,
                           Tensor::empty(x[1].shape(), {DType::int64, on}));
                return batch;
              },
          .reference = [=](auto x) { return batch_of(x[0], x[1], list); },
          .float32_tolerance = 0,
          .large = images.numel() > 10000,
          .checked = false};
}

// The same from a place on among other indices, which stands on the device with the generator.
OpCase row_at(const char* name, const Shape& images, int64_t count,
              const std::vector<ImageStep>& list) {
  constexpr int64_t place = 3;
  OpCase at = row(name, images, {count + place + 2}, list);
  at.op = "make_batch_at";
  at.call = [=](auto x) {
    const Device on = x[0].device();
    const Tensor batch = Tensor::empty(x[0].shape().with(0, count), {.device = on});
    make_batch_at(Tensor::from(std::vector<int64_t>{place, 7, -3}, {3}).to(on),
                  x[0].to(DType::uint8), Tensor::zeros({x[0].size(0)}, {DType::int64, on}), x[1],
                  steps_of(list), batch, Tensor::empty({count}, {DType::int64, on}));
    return batch;
  };
  at.reference = [=](auto x) {
    Array own({count});
    for (int64_t i = 0; i < count; ++i) own.values[size_t(i)] = x[1].values[size_t(i + place)];
    return batch_of(x[0], own, list, Generator(7, uint64_t(-3)));
  };
  return at;
}

OpCase labels_row(int64_t samples, int64_t count) {
  return {.op = "make_batch",
          .name = "labels",
          .operands = {{{samples}, Fill::integers, 1000}, {{count}, Fill::integers, samples}},
          .call =
              [](auto x) {
                const Device on = x[0].device();
                const Tensor batch = Tensor::empty(x[1].shape(), {DType::int64, on});
                make_batch(Tensor::zeros({x[0].size(0), 1, 2, 3}, {DType::uint8, on}), x[0], x[1],
                           {}, start(), Tensor::empty({x[1].size(0), 1, 2, 3}, {.device = on}),
                           batch);
                return batch;
              },
          .reference =
              [](auto x) {
                Array y = x[1];
                for (double& value : y.values) value = x[0].values[size_t(value)];
                return y;
              },
          .checked = false};
}

std::vector<OpCase> images_rows() {
  return {row("no steps", {256, 1, 3, 5}, {40}, {}),
          row("normalised", {6, 3, 4, 5}, {9}, {normalize}),
          row("cropped", {6, 2, 5, 4}, {20}, {crop}),
          row("mirrored", {6, 2, 3, 4}, {20}, {mirror}),
          row("all", {9, 3, 5, 7}, {30}, {crop, mirror, normalize}),
          row("in another order", {9, 3, 5, 7}, {30}, {mirror, normalize, crop}),
          row("again and again", {9, 2, 6, 6}, {30},
              {crop, normalize, crop, mirror, crop, mirror, normalize, normalize}),
          row("images smaller than the padding", {5, 1, 1, 1}, {20}, {crop, mirror}),
          row("an empty batch", {3, 1, 2, 2}, {0}, {crop}),
          row("large", {500, 3, 32, 32}, {300}, {crop, mirror, normalize}),
          row_at("no steps", {20, 1, 3, 5}, 7, {}),
          row_at("all steps", {9, 3, 5, 7}, 30, {crop, mirror, normalize}),
          labels_row(11, 30)};
}

std::vector<ErrorCase> images_errors() {
  struct Batch {
    Tensor images = Tensor::zeros({4, 2, 3, 3}, {.dtype = DType::uint8});
    Tensor labels = test::labels({0, 1, 2, 3}), indices = test::labels({3, 0});
    ImageSteps steps = {};
    Tensor to_images = Tensor::zeros({2, 2, 3, 3}), to_labels = test::labels({0, 0});
    Tensor cursor = test::labels({0, 1, 2});
  };
  const auto at = [](const std::function<void(Batch&)>& change) {
    return [change] {
      Batch b;
      change(b);
      make_batch_at(b.cursor, b.images, b.labels, b.indices, b.steps, b.to_images, b.to_labels);
    };
  };
  const auto with = [](const std::function<void(Batch&)>& change) {
    return [change] {
      Batch b;
      change(b);
      make_batch(b.images, b.labels, b.indices, b.steps, Generator(), b.to_images, b.to_labels);
    };
  };
  return {
      error<DTypeError>("make_batch", "expected images of uint8, got undefined",
                        with([](Batch& b) { b.images = {}; })),
      error<DTypeError>("make_batch", "expected images of uint8, got float32 [2] on cpu",
                        with([](Batch& b) { b.images = ones({2}); })),
      error<ShapeError>(
          "make_batch", "expected images of shape [N, C, H, W], got [4]",
          with([](Batch& b) { b.images = Tensor::zeros({4}, {.dtype = DType::uint8}); })),
      error<ShapeError>("make_batch", "expected labels of shape [4], got [2]", with([](Batch& b) {
                          b.labels = test::labels({0, 1});
                        })),
      error<ShapeError>("make_batch",
                        "expected the batch's images of shape [2, 2, 3, 3], got [2, 2, 3, 4]",
                        with([](Batch& b) {
                          b.to_images = ones({2, 2, 3, 4});
                        })),
      error<ShapeError>("make_batch", "expected the batch's labels of shape [2], got [1]",
                        with([](Batch& b) { b.to_labels = test::labels({1}); })),
      error<ValueError>("make_batch", "expected indices in [0, 4), got -1 at 1", with([](Batch& b) {
                          b.indices = test::labels({3, -1});
                        })),
      error<ValueError>(
          "make_batch", "expected a padding of at least 0, got -1",
          with([](Batch& b) { b.steps = steps_of({{.kind = Kind::crop, .padding = -1}}); })),
      error<ValueError>("make_batch", "expected at most 8 steps, got 9",
                        with([](Batch& b) { b.steps.count = 9; })),
      error<ShapeError>("make_batch", "expected at most 4 channels to normalise, got 5",
                        with([](Batch& b) {
                          b.images = Tensor::zeros({4, 5, 3, 3}, {.dtype = DType::uint8});
                          b.to_images = ones({2, 5, 3, 3});
                          b.steps = steps_of({normalize});
                        })),
      error<DTypeError>("make_batch_at", "expected the cursor of int64, got undefined",
                        at([](Batch& b) { b.cursor = {}; })),
      error<ShapeError>("make_batch_at", "expected the cursor of shape [3], got [2]",
                        at([](Batch& b) {
                          b.cursor = test::labels({0, 1});
                        })),
      error<ShapeError>("make_batch_at", "expected at most 1 samples, as there are indices, got 2",
                        at([](Batch& b) { b.indices = test::labels({1}); })),
      error<ValueError>("make_batch", "expected a place for 2 of 2 indices, got 1",
                        at([](Batch& b) {
                          b.cursor = test::labels({1, 0, 0});
                        })),
      error<ValueError>("make_batch", "expected a place for 2 of 2 indices, got -1",
                        at([](Batch& b) {
                          b.cursor = test::labels({-1, 0, 0});
                        }))};
}

}  // namespace

OpFamily images_family() { return {images_rows(), images_errors()}; }

}  // namespace hebb::test
