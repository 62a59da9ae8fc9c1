#include "gpu/shared_library.hpp"

#include <dlfcn.h>

#include <string>

#include "core/check.hpp"

namespace hebb::cuda {

void* SharedLibrary::find(const char* function) {
  const std::lock_guard lock(mutex_);
  if (!handle_) handle_ = dlopen(name_, RTLD_NOW);
  if (!handle_) {
    const std::string reason = dlerror();
    handle_ = dlopen((std::string(folder_) + "/" + name_).c_str(), RTLD_NOW);
    check<DeviceError>(handle_,
                       "[cuda] {} cannot be loaded: {}; install it, or name its folder in "
                       "LD_LIBRARY_PATH",
                       name_, reason);
  }
  void* const address = dlsym(handle_, function);
  check<DeviceError>(address,
                     "[cuda] {} has no function {}: it is not of the version that this "
                     "build was made with",
                     name_, function);
  return address;
}

}  // namespace hebb::cuda
