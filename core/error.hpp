#pragma once

#include <stdexcept>
#include <string>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// Base of everything that the library throws. The text starts with the place it comes from
/// (`[conv2d] expected ..., got ...`); the library itself never prints and never exits.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit together.
class ShapeError : public Error {
  using Error::Error;
};
/// An element type that an operation does not take.
class DTypeError : public Error {
  using Error::Error;
};
/// A device that is absent, or tensors that live on different ones.
class DeviceError : public Error {
  using Error::Error;
};
/// An argument out of its range, or a name that nobody knows.
class ValueError : public Error {
  using Error::Error;
};
/// A file that cannot be opened, read or written.
class IoError : public Error {
  using Error::Error;
};
/// A file whose bytes are not what its format asks for; names the file and the offset.
class FormatError : public Error {
  using Error::Error;
};

}  // namespace hebb
