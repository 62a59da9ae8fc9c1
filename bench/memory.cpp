#include "bench/memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace hebb::bench {

double resident_mib() {
  long size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;  // pages
  return double(resident) * double(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

double peak_resident_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024;  // KiB
}

}  // namespace hebb::bench
