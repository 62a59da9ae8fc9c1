#include "tests/distributed/mpirun.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace hebb::test {

void allow_mpirun() {
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 1);
}

int process_of(int mpirun, int rank) {
  const std::string pid = std::to_string(mpirun);
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  const std::string wanted = "OMPI_COMM_WORLD_RANK=" + std::to_string(rank) + '\0';
  for (std::string child; children >> child;) {
    std::ifstream file("/proc/" + child + "/environ", std::ios::binary);
    const std::string environment{std::istreambuf_iterator<char>(file), {}};
    if (environment.find(wanted) != std::string::npos) return std::stoi(child);
  }
  return 0;
}

}  // namespace hebb::test
