#!/usr/bin/env bash
# off_test.sh FILE...: nothing of CUDA's is in programs that were built without it.
set -euo pipefail
for file in "$@"; do
  if grep -aoE 'cublas|cudnn|cudart|cuda(Malloc|Memcpy|Stream|Launch)[A-Za-z]*' "$file"; then
    echo "$file has these" >&2
    exit 1
  fi
done
