#pragma once

#include <atomic>
#include <mutex>

#include "core/api.hpp"

namespace hebb::cuda {

/// A shared library that is loaded when a function of it is first called, and then stays: programs
/// that use no GPU need neither have CUDA's libraries nor spend time and memory on them.
class HEBB_API SharedLibrary {
 public:
  /// Looked for as every program's libraries are ("libcudnn.so.9"), then in a folder.
  constexpr SharedLibrary(const char* name, const char* folder) : name_(name), folder_(folder) {}
  /// The address of a function; DeviceError where there is no such library, or none in it.
  void* find(const char* function);

 private:
  const char *name_, *folder_;
  std::mutex mutex_;
  void* handle_ = nullptr;
};

template <class Signature>
class LibraryFunction;

/// A function of such a library, to be called like one that is linked. Where it has the linked
/// one's name, it hides it in this namespace.
template <class Result, class... Arguments>
class LibraryFunction<Result(Arguments...)> {
 public:
  constexpr LibraryFunction(SharedLibrary& library, const char* name)
      : library_(library), name_(name) {}

  Result operator()(Arguments... arguments) const {
    void* address = address_.load(std::memory_order_acquire);
    if (!address) {
      address = library_.find(name_);
      address_.store(address, std::memory_order_release);
    }
    return reinterpret_cast<Result (*)(Arguments...)>(address)(arguments...);
  }

 private:
  SharedLibrary& library_;
  const char* name_;
  mutable std::atomic<void*> address_ = nullptr;
};

}  // namespace hebb::cuda

/// A function of the library, by the name and the type that its header gives it.
#define HEBB_LIBRARY_FUNCTION(library, name) \
  inline constinit LibraryFunction<decltype(::name)> name(library, #name)

/// "libcudnn.so.9" of a name and a macro.
#define HEBB_SONAME(name, major) HEBB_SONAME_OF(name, major)
#define HEBB_SONAME_OF(name, major) name ".so." #major
