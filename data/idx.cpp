#include "data/idx.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>
#include <vector>

#include "core/atomic_file.hpp"
#include "core/check.hpp"
#include "data/byte_reader.hpp"

namespace hebb {
namespace {

struct ElementType {
  uint8_t code;
  DType dtype;
};
constexpr std::array<ElementType, 3> element_types = {
    {{0x08, DType::uint8}, {0x0D, DType::float32}, {0x0E, DType::float64}}};

struct Header {
  DType dtype;
  Shape shape;
};

Header read_header(ByteReader& reader) {
  std::array<std::byte, 4 + 4 * Shape::max_rank> bytes{};
  const auto fill = [&](size_t begin, size_t count) {
    const int64_t got = reader.read(std::span(bytes).subspan(begin, count));
    if (got < int64_t(count))
      reader.fail(int64_t(begin) + got, "expected a header of at least {} bytes, got {}",
                  begin + count, int64_t(begin) + got);
  };
  fill(0, 4);
  for (int i = 0; i < 2; ++i)
    if (bytes[size_t(i)] != std::byte{0})
      reader.fail(i, "expected 0x00 at the start of an IDX file, got 0x{:02x}",
                  int(bytes[size_t(i)]));
  const auto code = uint8_t(bytes[2]);
  const auto type = std::ranges::find(element_types, code, &ElementType::code);
  if (type == element_types.end())
    reader.fail(
        2, "expected type code 0x08 (uint8), 0x0d (float32) or 0x0e (float64), got 0x{:02x}", code);
  const int rank = int(bytes[3]);
  if (rank > Shape::max_rank)
    reader.fail(3, "expected a rank of at most {}, got {}", +Shape::max_rank, rank);

  std::array<int64_t, Shape::max_rank> extents{};
  fill(4, 4 * size_t(rank));
  auto size = int64_t(size_of(type->dtype));
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t at = 4 + 4 * axis;
    for (int64_t i = at; i < at + 4; ++i)
      extents[axis] = extents[axis] << 8 | int(bytes[size_t(i)]);
    if (__builtin_mul_overflow(size, std::max<int64_t>(extents[axis], 1), &size))
      reader.fail(at, "the extent {} of axis {} makes the data larger than memory can address",
                  extents[axis], axis);
  }
  return {type->dtype, Shape(std::span<const int64_t>(extents.data(), size_t(rank)))};
}

// IDX is big-endian.
template <class Word>
void swap_words(std::span<std::byte> bytes) {
  if constexpr (std::endian::native == std::endian::little)
    for (size_t i = 0; i < bytes.size(); i += sizeof(Word))
      std::reverse(bytes.begin() + int64_t(i), bytes.begin() + int64_t(i + sizeof(Word)));
}

void swap_elements(std::span<std::byte> bytes, DType dtype) {
  if (dtype == DType::float32) swap_words<float>(bytes);
  if (dtype == DType::float64) swap_words<double>(bytes);
}

std::span<std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data()), tensor.bytes()};
}

Tensor read(ByteReader& reader) {
  const Header header = read_header(reader);
  reader.expect(header.shape.numel() * int64_t(size_of(header.dtype)));
  const Tensor tensor = Tensor::empty(header.shape, {.dtype = header.dtype});
  reader.fill(bytes_of(tensor));
  reader.expect_end();
  swap_elements(bytes_of(tensor), header.dtype);
  return tensor;
}

// Bytes on their way into a file, through gzip's deflate if that is asked for.
class ByteWriter {
 public:
  ByteWriter(const std::string& path, bool packed) : file_(path), packed_(packed) {
    constexpr int gzip_window = 15 + 16, memory_level = 8;
    if (packed_ && deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window,
                                memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~ByteWriter() {
    if (packed_) deflateEnd(&stream_);
  }
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;

  void write(std::span<std::byte> bytes) { packed_ ? pack(bytes, Z_NO_FLUSH) : file_.write(bytes); }
  void commit() {
    if (packed_) pack({}, Z_FINISH);
    file_.commit();
  }

 private:
  void pack(std::span<std::byte> bytes, int flush) {
    std::array<std::byte, 1 << 14> packed{};
    stream_.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream_.avail_in = uInt(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream_.avail_out = uInt(packed.size());
      deflate(&stream_, flush);
      file_.write(std::span(packed).first(packed.size() - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

  AtomicFile file_;
  bool packed_;
  z_stream stream_{};
};

}  // namespace

Tensor read_idx(const std::string& path) {
  ByteReader reader(path, "idx");
  return read(reader);
}

Tensor parse_idx(std::span<const std::byte> bytes, std::string_view name) {
  ByteReader reader(bytes, name, "idx");
  return read(reader);
}

void write_idx(const std::string& path, const Tensor& tensor) {
  const auto type = std::ranges::find(element_types, tensor.dtype(), &ElementType::dtype);
  check<DTypeError>(type != element_types.end(),
                    "[write_idx] expected a tensor of uint8, float32 or float64, got {}",
                    tensor.to_string());
  const Shape& shape = tensor.shape();
  std::vector<std::byte> header = {std::byte{0}, std::byte{0}, std::byte{type->code},
                                   std::byte(shape.rank())};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    check(shape[axis] <= UINT32_MAX,
          "[write_idx] expected extents that fit 32 bits, got {} on axis {}", shape[axis], axis);
    for (int shift = 24; shift >= 0; shift -= 8) header.push_back(std::byte(shape[axis] >> shift));
  }
  const Tensor host = tensor.to(Device::cpu());
  ByteWriter file(path, path.ends_with(".gz"));
  file.write(header);
  std::vector<std::byte> buffer;
  constexpr size_t step = size_t(1) << 20;
  for (std::span<const std::byte> rest = bytes_of(host); !rest.empty();
       rest = rest.subspan(buffer.size())) {
    const auto piece = rest.first(std::min(step, rest.size()));
    buffer.assign(piece.begin(), piece.end());
    swap_elements(buffer, tensor.dtype());
    file.write(buffer);
  }
  file.commit();
}

}  // namespace hebb
