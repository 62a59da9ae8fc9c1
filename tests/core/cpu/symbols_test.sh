#!/usr/bin/env bash
# symbols_test.sh NM ISA OBJECTS...: fails where objects that are compiled for one instruction set
# define what the linker merges with a definition elsewhere (weak and unique symbols), unless its
# name says that there is none elsewhere. DW.ref.* are pointers of exception handling, not code.
set -euo pipefail
nm=$1 isa=$2
shift 2

symbols=$("$nm" --demangle --defined-only --print-file-name "$@")
if ! grep -q "hebb::cpu::$isa::" <<<"$symbols"; then
  echo "These are not the objects of $isa"
  exit 1
fi
shared=$(grep -E ' [WVu] ' <<<"$symbols" |
  grep -Ev " DW\.ref\.|hebb::cpu::$isa::|Eigen_$isa::") || true
if [ -n "$shared" ]; then
  echo "The linker may put these into code for other machines than $isa's:"
  echo "$shared"
  exit 1
fi
echo "$# objects of $isa share nothing"
