#!/usr/bin/env bash
# configure_test.sh SCRATCH SOURCE CMAKE COMPILER: what CMake says of HEBB_CUDA where there is no
# toolkit, and that it does not look for one where CUDA was left out. Nothing is built.
set -euo pipefail
scratch=$1 source=$2 cmake=$3 compiler=$4
rm -rf "$scratch"
no_toolkit=-DCMAKE_DISABLE_FIND_PACKAGE_CUDAToolkit=TRUE
configure() {  # VALUE [OPTION]: the output, with the status at its end
  "$cmake" -S "$source" -B "$scratch/$1" -DHEBB_CUDA="$1" -DCMAKE_CXX_COMPILER="$compiler" \
    -DHEBB_APPS=OFF -DHEBB_TESTS=OFF -DHEBB_BENCH=OFF -DHEBB_EXAMPLES=OFF -DHEBB_INSTALL=OFF \
    "${@:2}" 2>&1 && echo "status 0" || echo "status $?"
}
expect() {  # OUTPUT PATTERN
  grep -qE "$2" <<<"$1" || { printf '%s\nexpected: %s\n' "$1" "$2" >&2; exit 1; }
}

on=$(configure ON $no_toolkit)
expect "$on" "HEBB_CUDA=ON: no CUDA toolkit of version 12.8 or later"
expect "$on" "^status 1"

auto=$(configure AUTO $no_toolkit)
expect "$auto" "CUDA backend: not built, no CUDA toolkit of version 12.8 or later"
expect "$auto" "^status 0"

off=$(configure OFF)
expect "$off" "^status 0"
if grep -iE "cuda|cudnn" <<<"$off" ||
   grep -vE "^//|HEBB_CUDA" "$scratch/OFF/CMakeCache.txt" | grep -iE "cuda|cudnn|nvcc"; then
  echo "HEBB_CUDA=OFF leaves a trace" >&2
  exit 1
fi

wrong=$(configure maybe)
expect "$wrong" "HEBB_CUDA: expected AUTO, ON or OFF, got maybe"
expect "$wrong" "^status 1"
rm -rf "$scratch"
