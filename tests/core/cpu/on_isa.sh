#!/bin/sh
# on_isa.sh PROBE COMMAND...: runs a command that is compiled for $HEBB_CPU_ISA, and so uses it before
# its main does anything. PROBE, compiled for every machine, is asked first, and skips where this one
# cannot.
set -e
probe=$1
shift
"$probe" --libidentify
exec "$@"
