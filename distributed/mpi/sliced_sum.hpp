#pragma once

#include <mpi.h>

#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/slices.hpp"

namespace hebb {

/// Internal: a sum over all ranks, slice by slice. `number` counts the sums of a run.
class SlicedSum final : public PendingSum {
 public:
  SlicedSum(const Tensor& values, int rank, int size, int64_t number);
  void advance() override;
  void wait() override;

 private:
  enum class Stage { gathering, spreading, done };
  char* address(int slice) const;
  void add_up();
  void spread();
  void finish();

  Tensor values_, here_;  // here_: values_ on the CPU
  int rank_, size_, tag_;
  Slices slices_;
  MPI_Datatype type_;
  Tensor terms_;  // [ranks, elements of this rank's slice]; this rank's own row stays empty
  std::vector<MPI_Request> requests_;
  Stage stage_ = Stage::gathering;
};

}  // namespace hebb
