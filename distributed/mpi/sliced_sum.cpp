#include "distributed/mpi/sliced_sum.hpp"

#include <limits>

#include "core/check.hpp"

namespace hebb {
namespace {

constexpr int polls = 16;       // MPI moves a few pieces of a message at each
constexpr int64_t tags = 8192;  // of reductions; MPI promises 32767 in all

template <class T>
void add_rows(T* sum, const T* terms, int64_t count, int rank, int size) {
  for (int64_t i = 0; i < count; ++i) {
    T total = rank == 0 ? sum[i] : terms[i];
    for (int term = 1; term < size; ++term)
      total += term == rank ? sum[i] : terms[term * count + i];
    sum[i] = total;
  }
}

}  // namespace

SlicedSum::SlicedSum(const Tensor& values, int rank, int size, int64_t number)
    : values_(values),
      here_(values.to(Device::cpu())),
      rank_(rank),
      size_(size),
      tag_(int(1 + 2 * (number % tags))),
      slices_{values.numel(), size},
      type_(values.dtype() == DType::float32 ? MPI_FLOAT : MPI_DOUBLE) {
  check<DTypeError>(is_wide(values.dtype()), "[all_reduce] expected floats, got {}", values);
  check(values.numel() / size < std::numeric_limits<int>::max(),
        "[all_reduce] expected fewer elements a rank, got {}", values);
  const int64_t mine = slices_.count(rank_);
  terms_ = Tensor::empty({size_, mine}, here_.options());
  for (int other = 0; other < size_; ++other) {
    if (other == rank_) continue;
    char* const row = static_cast<char*>(terms_.data()) + other * mine * size_of(here_.dtype());
    MPI_Irecv(row, int(mine), type_, other, tag_, MPI_COMM_WORLD, &requests_.emplace_back());
    MPI_Isend(address(other), int(slices_.count(other)), type_, other, tag_, MPI_COMM_WORLD,
              &requests_.emplace_back());
  }
}

char* SlicedSum::address(int slice) const {
  return static_cast<char*>(here_.data()) + slices_.first(slice) * int64_t(size_of(here_.dtype()));
}

void SlicedSum::advance() {
  for (int i = 0; i < polls && stage_ != Stage::done; ++i) {
    int complete = 0;
    MPI_Testall(int(requests_.size()), requests_.data(), &complete, MPI_STATUSES_IGNORE);
    if (!complete) continue;
    stage_ == Stage::gathering ? spread() : finish();
  }
}

void SlicedSum::wait() {
  while (stage_ != Stage::done) {
    MPI_Waitall(int(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
    stage_ == Stage::gathering ? spread() : finish();
  }
}

void SlicedSum::add_up() {
  const int64_t mine = slices_.count(rank_);
  if (here_.dtype() == DType::float32)
    add_rows(here_.host<float>().data() + slices_.first(rank_), terms_.host<float>().data(), mine,
             rank_, size_);
  else
    add_rows(here_.host<double>().data() + slices_.first(rank_), terms_.host<double>().data(), mine,
             rank_, size_);
  terms_ = {};
}

void SlicedSum::spread() {
  add_up();
  requests_.clear();
  for (int other = 0; other < size_; ++other) {
    if (other == rank_) continue;
    MPI_Irecv(address(other), int(slices_.count(other)), type_, other, tag_ + 1, MPI_COMM_WORLD,
              &requests_.emplace_back());
    MPI_Isend(address(rank_), int(slices_.count(rank_)), type_, other, tag_ + 1, MPI_COMM_WORLD,
              &requests_.emplace_back());
  }
  stage_ = Stage::spreading;
}

void SlicedSum::finish() {
  if (!values_.device().is_cpu()) values_.copy_from(here_);
  stage_ = Stage::done;
}

}  // namespace hebb
