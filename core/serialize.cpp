#include "core/serialize.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "core/atomic_file.hpp"
#include "core/check.hpp"

namespace hebb {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

constexpr size_t prefix_bytes = 8, alignment = 8;
constexpr uint64_t max_header_bytes = 100'000'000;
constexpr const char* metadata_key = "__metadata__";

struct Code {
  std::string_view name;
  DType dtype;     // in memory
  int64_t stored;  // bytes per element in the file
};
constexpr Code codes[] = {{"F64", DType::float64, 8},   {"F32", DType::float32, 4},
                          {"BF16", DType::bfloat16, 2}, {"I64", DType::int64, 8},
                          {"U8", DType::uint8, 1},      {"I32", DType::int64, 4}};

// What the header says of one tensor. Numbers arrive unsigned and are judged afterwards.
struct Entry {
  std::optional<std::string> dtype;
  std::optional<std::vector<uint64_t>> shape, offsets;
};

struct Header {
  std::map<std::string, Entry> entries;
  std::map<std::string, std::string> metadata;
};

// Takes the header's JSON event by event, so that a key which comes twice is seen, and stops at
// the first event that does not belong where it stands.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Header header;
  std::string error;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(int64_t value) override {
    return reject(fmt::format("unexpected number {}", value));
  }
  bool number_float(double, const std::string& text) override {
    return reject(fmt::format("unexpected number {}", text));
  }
  bool binary(nlohmann::json::binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(uint64_t value) override {
    if (!list_ || level_ != Level::list) return unexpected("a number");
    if (list_->size() == Shape::max_rank)
      return reject(fmt::format("more than {} numbers", +Shape::max_rank));
    list_->push_back(value);
    return true;
  }

  bool string(std::string& value) override {
    if (level_ == Level::metadata) {
      header.metadata[key_] = value;
      return true;
    }
    if (level_ != Level::tensor || key_ != "dtype") return unexpected("a text");
    entry_->dtype = value;
    return true;
  }

  bool start_object(size_t) override {
    switch (level_) {
      case Level::outside:
        level_ = Level::tensors;
        return true;
      case Level::tensors:
        level_ = name_ == metadata_key ? Level::metadata : Level::tensor;
        return true;
      default:
        return unexpected("an object");
    }
  }

  bool key(std::string& value) override {
    key_ = value;
    switch (level_) {
      case Level::tensors:
        name_ = value;
        if (name_ == metadata_key) return !std::exchange(has_metadata_, true) || twice();
        {
          const auto [position, fresh] = header.entries.try_emplace(value);
          entry_ = &position->second;
          return fresh || twice();
        }
      case Level::metadata:
        return header.metadata.try_emplace(value).second || twice();
      default:
        if (value == "dtype") return !entry_->dtype || twice();
        if (value == "shape") return !entry_->shape || twice();
        if (value == "data_offsets") return !entry_->offsets || twice();
        return reject(fmt::format("expected dtype, shape and data_offsets, got {}", value));
    }
  }

  bool start_array(size_t) override {
    if (level_ != Level::tensor || key_ == "dtype") return unexpected("a list");
    list_ = &(key_ == "shape" ? entry_->shape : entry_->offsets).emplace();
    level_ = Level::list;
    return true;
  }
  bool end_array() override {
    level_ = Level::tensor;
    return true;
  }

  bool end_object() override {
    if (level_ == Level::tensor && !(entry_->dtype && entry_->shape && entry_->offsets))
      return reject("expected dtype, shape and data_offsets");
    level_ = level_ == Level::tensors ? Level::outside : Level::tensors;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& e) override {
    error = fmt::format("header byte {}: {}", position, e.what());
    return false;
  }

 private:
  enum class Level { outside, tensors, metadata, tensor, list };

  bool reject(const std::string& what) {
    if (level_ == Level::outside)
      error = fmt::format("header: {}", what);
    else if (key_ == name_)
      error = fmt::format("\"{}\": {}", name_, what);
    else
      error = fmt::format("\"{}\", {}: {}", name_, key_, what);
    return false;
  }
  bool unexpected(const char* what) { return reject(fmt::format("unexpected {}", what)); }
  bool twice() { return reject("given twice"); }

  Level level_ = Level::outside;
  std::string name_, key_;
  Entry* entry_ = nullptr;
  std::vector<uint64_t>* list_ = nullptr;
  bool has_metadata_ = false;
};

// A tensor whose place in the data has been checked.
struct Placed {
  std::string name;
  Code code;
  Shape shape;
  uint64_t begin, end;
};

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  SafetensorsFile parse() {
    Header header = read_header();
    std::vector<Placed> tensors;
    tensors.reserve(header.entries.size());
    for (const auto& [name, entry] : header.entries) tensors.push_back(place(name, entry));
    check_tiling(tensors);
    SafetensorsFile file{{}, std::move(header.metadata)};
    for (const Placed& tensor : tensors) file.tensors[tensor.name] = read(tensor);
    return file;
  }

 private:
  template <class... Args>
  [[noreturn]] void reject(fmt::format_string<Args...> format, Args&&... args) const {
    throw FormatError(fmt::format("[safetensors] {}: {}", name_,
                                  fmt::format(format, std::forward<Args>(args)...)));
  }

  Header read_header() {
    if (bytes_.size() < prefix_bytes)
      reject("expected at least {} bytes, got {}", prefix_bytes, bytes_.size());
    uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), prefix_bytes);
    if (length > max_header_bytes)
      reject("expected a header of at most {} bytes, got {}", max_header_bytes, length);
    if (length > bytes_.size() - prefix_bytes)
      reject("expected a header of {} bytes, got a file of {}", length, bytes_.size());
    const auto* text = reinterpret_cast<const char*>(bytes_.data() + prefix_bytes);
    if (length == 0 || text[0] != '{') reject("header byte 0: expected {{");
    HeaderReader reader;
    if (!nlohmann::json::sax_parse(text, text + length, &reader)) reject("{}", reader.error);
    data_ = bytes_.subspan(prefix_bytes + length);
    return std::move(reader.header);
  }

  Placed place(const std::string& name, const Entry& entry) const {
    const auto code = std::ranges::find(codes, *entry.dtype, &Code::name);
    if (code == std::end(codes))
      reject("\"{}\": expected dtype F64, F32, BF16, I64, I32 or U8, got {}", name, *entry.dtype);
    const std::vector<uint64_t>& offsets = *entry.offsets;
    if (offsets.size() != 2) reject("\"{}\": expected two data_offsets", name);
    if (offsets[0] > offsets[1] || offsets[1] > data_.size())
      reject("\"{}\": expected data_offsets within {} bytes of data, got [{}, {}]", name,
             data_.size(), offsets[0], offsets[1]);
    try {
      // An extent above INT64_MAX turns negative here, which no shape can be.
      const Shape shape(std::vector<int64_t>(entry.shape->begin(), entry.shape->end()));
      const int64_t size = checked_multiply(shape.numel(), code->stored, "safetensors");
      if (uint64_t(size) != offsets[1] - offsets[0])
        reject("\"{}\": expected {} bytes for {} {}, got data_offsets [{}, {}]", name, size,
               *entry.dtype, shape, offsets[0], offsets[1]);
      return {name, *code, shape, offsets[0], offsets[1]};
    } catch (const ShapeError& e) {
      reject("\"{}\": {}", name, e.what());
    }
  }

  void check_tiling(std::vector<Placed>& tensors) const {
    std::ranges::sort(tensors, {}, [](const Placed& t) { return std::pair(t.begin, t.end); });
    uint64_t end = 0;
    for (const Placed& tensor : tensors) {
      if (tensor.begin != end)
        reject("\"{}\": expected its data at byte {}, got {}: data must have no {}", tensor.name,
               end, tensor.begin, tensor.begin > end ? "gaps" : "overlaps");
      end = tensor.end;
    }
    if (end != data_.size()) reject("expected {} bytes of data, got {}", end, data_.size());
  }

  Tensor read(const Placed& tensor) const {
    const Tensor result = Tensor::empty(tensor.shape, {tensor.code.dtype});
    const std::byte* source = data_.data() + tensor.begin;
    if (tensor.code.name == "I32") {
      for (int64_t& value : result.host<int64_t>()) {
        int32_t narrow = 0;
        std::memcpy(&narrow, source, sizeof narrow);
        source += sizeof narrow;
        value = narrow;
      }
    } else if (tensor.end > tensor.begin) {
      std::memcpy(result.data(), source, tensor.end - tensor.begin);
    }
    return result;
  }

  std::span<const std::byte> bytes_, data_;
  std::string_view name_;
};

std::string_view code_of(DType dtype) {
  return std::ranges::find(codes, dtype, &Code::dtype)->name;
}

// Eight bytes of length and the header, padded so that the data begins at a multiple of 8.
std::string write_header(std::span<const std::pair<std::string, Tensor>> tensors,
                         const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json[metadata_key] = metadata;
  size_t end = 0;
  for (const auto& [name, tensor] : tensors) {
    const size_t begin = end;
    end += tensor.bytes();
    json[name] = {{"dtype", code_of(tensor.dtype())},
                  {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())},
                  {"data_offsets", {begin, end}}};
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::type_error&) {
    fail("[safetensors] expected names and metadata in UTF-8");
  }
  text.resize((text.size() + alignment - 1) / alignment * alignment, ' ');
  check(text.size() <= max_header_bytes,
        "[safetensors] expected a header of at most {} bytes, got {}", max_header_bytes,
        text.size());
  const uint64_t length = text.size();
  std::string prefix(prefix_bytes, '\0');
  std::memcpy(prefix.data(), &length, prefix_bytes);
  return prefix + text;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path,
                      const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<std::pair<std::string, Tensor>> ordered;
  for (const auto& [name, tensor] : tensors) {
    check(tensor.defined(), "[safetensors] expected a tensor for \"{}\", got none", name);
    check(name != metadata_key, "[safetensors] expected a tensor's name, got {}", name);
    ordered.emplace_back(name, tensor.detach().to(Device::cpu()));
  }
  // Large elements first: every tensor then stands at a multiple of its element's size.
  std::ranges::stable_sort(ordered, std::ranges::greater(),
                           [](const auto& item) { return size_of(item.second.dtype()); });
  AtomicFile file(path);
  file.write(write_header(ordered, metadata));
  for (const auto& [name, tensor] : ordered)
    file.write({static_cast<const std::byte*>(tensor.data()), tensor.bytes()});
  file.commit();
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  check<IoError>(!error, "[safetensors] cannot read {}: {}", path.string(), error.message());
  std::vector<std::byte> bytes(size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(size));
  check<IoError>(bool(file), "[safetensors] cannot read {}: {}", path.string(),
                 std::strerror(errno));
  return parse_safetensors(bytes, path.string());
}

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, std::string_view name) {
  return Parser(bytes, name).parse();
}

}  // namespace hebb
