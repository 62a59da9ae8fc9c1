#include "core/serialize.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/error.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"
#include "tests/temporary_folder.hpp"

using namespace hebb;

namespace {

namespace fs = std::filesystem;
using Folder = test::TemporaryFolder;

std::vector<std::byte> read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::vector<std::byte> file_of(const std::string& header, size_t data_bytes) {
  std::vector<std::byte> bytes(8 + header.size() + data_bytes);
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

void parse(const std::string& header, size_t data_bytes) {
  parse_safetensors(file_of(header, data_bytes), "x");
}

std::map<std::string, Tensor> samples() {
  return {{"a", Tensor::from<float>({1.5f, -2, 0}, {3, 1})},
          {"b", Tensor::from<double>({1e-300, 2}, {2})},
          {"c", Tensor::from<int64_t>({-1}, {})},
          {"d", Tensor::from<uint8_t>({1, 2, 255}, {3})},
          {"e", Tensor::zeros({0, 4})},
          {"f", Tensor::from<float>({1, -2}, {2}).to(DType::bfloat16)}};
}

bool identical(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.bytes() == 0 || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

}  // namespace

TEST_CASE("safetensors give back what was saved", "[core]") {
  const Folder folder;
  const std::map<std::string, Tensor> tensors = samples();
  const std::map<std::string, std::string> metadata = {{"seed", "7"}, {"quote", "\"\n\\ ü"}};
  save_safetensors(folder / "x.safetensors", tensors, metadata);
  const SafetensorsFile file = load_safetensors(folder / "x.safetensors");
  CHECK(file.metadata == metadata);
  REQUIRE(file.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    INFO(name);
    CHECK(identical(file.tensors.at(name), tensor));
  }
  const std::vector<std::byte> bytes = read(folder / "x.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK(header % 8 == 0);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);  // nothing beside it

  save_safetensors(folder / "x.safetensors", {});  // replaced, and empty
  CHECK(load_safetensors(folder / "x.safetensors").tensors.empty());
}

TEST_CASE("safetensors are written in one order, large elements first, then by name", "[core]") {
  const Folder folder;
  save_safetensors(folder / "x",
                   {{"b", Tensor::from<uint8_t>({7}, {1})},
                    {"c", Tensor::from<float>({1}, {1})},
                    {"a10", Tensor::from<float>({2}, {})},
                    {"a9", Tensor::from<double>({3}, {1, 1})}},
                   {{"z", "1"}, {"k", "2"}});
  const std::string header = R"({"__metadata__":{"k":"2","z":"1"},)"
                             R"("a9":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]},)"
                             R"("a10":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
                             R"("c":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
                             R"("b":{"dtype":"U8","shape":[1],"data_offsets":[16,17]}})";
  const std::vector<std::byte> bytes = read(folder / "x");
  REQUIRE(bytes.size() > 8 + header.size());
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  CHECK(std::string(text + 8, header.size()) == header);
  CHECK(bytes.back() == std::byte(7));
}

TEST_CASE("views are saved as what they show", "[core]") {
  const Folder folder;
  const Tensor whole = Tensor::from<float>({0, 1, 2, 3, 4, 5}, {3, 2});
  save_safetensors(folder / "x", {{"rows", whole.slice(1, 3)}});
  CHECK(load_safetensors(folder / "x").tensors.at("rows").to_vector<float>() ==
        std::vector<float>{2, 3, 4, 5});
}

TEST_CASE("files of Python's safetensors are read", "[core]") {
  const SafetensorsFile file = load_safetensors(test::golden_path("python"));
  CHECK(file.metadata ==
        std::map<std::string, std::string>{{"format", "pt"}, {"note", "line one\nline two"}});
  const auto& tensors = file.tensors;
  CHECK(tensors.size() == 9);
  CHECK(tensors.at("F64").shape() == Shape{2, 2});
  CHECK(tensors.at("F64").to_vector<double>() == std::vector<double>{0.5, -1.25, 1e300, -0.0});
  CHECK(std::signbit(tensors.at("F64").to_vector<double>()[3]));
  CHECK(tensors.at("F32").to_vector<float>() == std::vector<float>{1.5f, -2.75f, 3e-38f});
  CHECK(tensors.at("BF16").dtype() == DType::bfloat16);
  CHECK(identical(tensors.at("BF16"), Tensor::from<float>({1, -2.5f}, {2}).to(DType::bfloat16)));
  CHECK(tensors.at("I64").to_vector<int64_t>() == std::vector<int64_t>{-(int64_t(1) << 62), 7});
  CHECK(tensors.at("I32").shape() == Shape{3, 1});
  CHECK(tensors.at("I32").to_vector<int64_t>() ==
        std::vector<int64_t>{-5, 2147483647, -2147483648LL});
  CHECK(tensors.at("U8").to_vector<uint8_t>() == std::vector<uint8_t>{0, 127, 255});
  CHECK(tensors.at("scalar").shape() == Shape{});
  CHECK(tensors.at("scalar").item() == 2.5);
  CHECK(tensors.at("empty").shape() == Shape{0, 3});
  CHECK(tensors.at("quoted \"name\" ü").item() == 1);
}

TEST_CASE("a safetensors file cut anywhere is a format error", "[core]") {
  const Folder folder;
  save_safetensors(folder / "x", samples(), {{"key", "value"}});
  const std::vector<std::byte> bytes = read(folder / "x");
  for (size_t length = 0; length < bytes.size(); ++length) {
    INFO(length);
    CHECK_THROWS_AS(parse_safetensors(std::span(bytes).first(length), "x"), FormatError);
  }
  std::vector<std::byte> longer = bytes;
  longer.emplace_back();
  CHECK_THROWS_AS(parse_safetensors(longer, "x"), FormatError);
}

TEST_CASE("no byte of a safetensors header can be changed into a crash", "[core]") {
  const Folder folder;
  save_safetensors(folder / "x", samples(), {{"key", "value"}});
  std::vector<std::byte> bytes = read(folder / "x");
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  int64_t rejected = 0, read_on = 0;
  for (size_t i = 0; i < 8 + header; ++i) {
    const std::byte original = bytes[i];
    for (int value = 0; value < 256; ++value) {
      bytes[i] = std::byte(value);
      try {
        // Whatever is still accepted must account for all of the data.
        int64_t elements = 0;
        for (const auto& [name, tensor] : parse_safetensors(bytes, "x").tensors)
          elements += tensor.numel();
        if (elements != 11) FAIL("byte " << i << " = " << value);
        ++read_on;
      } catch (const FormatError&) {
        ++rejected;
      }
    }
    bytes[i] = original;
  }
  CHECK(rejected > 0);
  CHECK(read_on > 0);
}

TEST_CASE("headers that do not fit their data are format errors", "[core]") {
  CHECK_NOTHROW(parse(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   )", 2));
  const auto error = [](const std::string& header, size_t data, const std::string& what) {
    INFO(header);
    CHECK_THROWS_AS(parse(header, data), FormatError);
    CHECK_THROWS_WITH(parse(header, data),
                      ContainsSubstring("[safetensors] x: ") && ContainsSubstring(what));
  };
  const std::string a = R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  // Holes, overlaps, data without an owner.
  error("{" + a + R"(,"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})", 4, "no gaps");
  error("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3, "no overlaps");
  error("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2, "no overlaps");
  error(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2, "no gaps");
  error("{" + a + "}", 3, "expected 2 bytes of data, got 3");
  error("{}", 1, "expected 0 bytes of data, got 1");
  // Places and sizes.
  error("{" + a + "}", 1, "within 1 bytes of data, got [0, 2]");
  error(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", 2, "data_offsets");
  error(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0]}})", 2, "two data_offsets");
  error(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1,2]}})", 2, "two data_offsets");
  error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,2]}})", 2, "expected 8 bytes");
  error(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
        "more than memory can address");
  error(R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})", 0,
        "more than memory can address");
  error(R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0,
        "extents of at least 0");
  error(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})", 0, "unexpected number -1");
  error(R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1, "unexpected number 1.0");
  error(R"({"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}})", 1, "unexpected number 1e0");
  error(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1,
        "more than 8 numbers");
  // Names.
  error("{" + a + "," + a + "}", 2, "\"a\": given twice");
  error(R"({"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2,
        "\"a\", dtype: given twice");
  error(R"({"a":{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}})", 2, "given twice");
  error(R"({"__metadata__":{"k":"1","k":"2"}})", 0, "given twice");
  error(R"({"__metadata__":{},"__metadata__":{}})", 0, "given twice");
  error(R"({"a":{"dtype":"F8","shape":[2],"data_offsets":[0,2]}})", 2,
        "expected dtype F64, F32, BF16, I64, I32 or U8, got F8");
  error(R"({"a":{"dtype":"U8","shape":[2],"offsets":[0,2]}})", 2, "data_offsets, got offsets");
  error(R"({"a":{"dtype":"U8","shape":[2]}})", 2, "expected dtype, shape and data_offsets");
  // Other JSON than the format's, or none.
  error(R"({"a":1})", 0, "unexpected a number");
  error(R"({"a":[]})", 0, "unexpected a list");
  error(R"({"__metadata__":{"k":1}})", 0, "unexpected a number");
  error(R"({"__metadata__":{"k":{}}})", 0, "unexpected an object");
  error(R"({"a":{"dtype":{},"shape":[],"data_offsets":[0,1]}})", 1, "unexpected an object");
  error(R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1, "unexpected a list");
  error(R"({"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}})", 1, "unexpected a text");
  error(R"({"a":{"dtype":null,"shape":[1],"data_offsets":[0,1]}})", 1, "unexpected null");
  error(R"({"a":true})", 1, "unexpected a boolean");
  error("[]", 0, "header byte 0: expected {");
  error(" {}", 0, "header byte 0: expected {");
  error("", 0, "header byte 0: expected {");
  error("{} {}", 0, "header byte");
  error("{\"\xff\":1}", 0, "header byte");
  error(std::string(100000, '{'), 0, "header byte");
}

TEST_CASE("a header's length is checked before it is believed", "[core]") {
  std::vector<std::byte> bytes(16);
  const auto error = [&](uint64_t length, const std::string& what) {
    std::memcpy(bytes.data(), &length, 8);
    CHECK_THROWS_WITH(parse_safetensors(bytes, "x"), ContainsSubstring(what));
  };
  error(9, "expected a header of 9 bytes, got a file of 16");
  error(100'000'000, "expected a header of 100000000 bytes, got a file of 16");
  error(100'000'001, "expected a header of at most 100000000 bytes");
  error(~0ull, "expected a header of at most 100000000 bytes");
}

TEST_CASE("files that cannot be read or written are I/O errors", "[core]") {
  const Folder folder;
  CHECK_THROWS_AS(load_safetensors(folder / "absent"), IoError);
  CHECK_THROWS_AS(load_safetensors(folder.path()), IoError);
  CHECK_THROWS_AS(save_safetensors(folder / "no/such/folder", samples()), IoError);
  CHECK_THROWS_WITH(save_safetensors(folder / "no/x", samples()),
                    ContainsSubstring("cannot create") && ContainsSubstring("no/x"));
  CHECK_THROWS_AS(save_safetensors(folder / "x", {{"a", Tensor()}}), ValueError);
  CHECK_THROWS_AS(save_safetensors(folder / "x", {{"__metadata__", Tensor::zeros({1})}}),
                  ValueError);
  CHECK_THROWS_AS(save_safetensors(folder / "x", {{"\xff", Tensor::zeros({1})}}), ValueError);
  CHECK(folder.empty());
}

TEST_CASE("a disk that fills up leaves the old file alone", "[core]") {
  const Folder folder;
  const fs::path path = folder / "x";
  save_safetensors(path, {{"old", Tensor::ones({4})}});
  // A limit on the size of files stands for a full disk.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    save_safetensors(path, {{"new", Tensor::ones({10000})}});
  } catch (const IoError& e) {
    message = e.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_THAT(message, ContainsSubstring("cannot write"));
  CHECK(load_safetensors(path).tensors.contains("old"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}
