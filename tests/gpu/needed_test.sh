#!/usr/bin/env bash
# needed_test.sh READELF FILE...: none of the programs and libraries is linked with CUDA's libraries,
# which cost every start time and memory.
set -euo pipefail
readelf=$1
shift
for file in "$@"; do
  needed=$("$readelf" --dynamic "$file" | grep NEEDED)
  if grep -E 'cublas|cudnn|cudart|nccl|libcuda' <<<"$needed"; then
    echo "$file is linked with these" >&2
    exit 1
  fi
done
