#!/usr/bin/env bash
# spills_test.sh CUOBJDUMP OBJECT...: no kernel has memory of its own but the registers, in the code of
# any architecture. What a compiler spills lies on the stack, and so do arrays; there is one:
# sin and cos of the normal numbers keep 40 bytes to reduce large angles.
set -euo pipefail
cuobjdump=$1
shift
if ! [ -x "$(command -v "$cuobjdump")" ]; then
  echo "skipped: no cuobjdump, with which to look for spills (cuda-cuobjdump)"
  exit 77
fi
for object in "$@"; do
  "$cuobjdump" --dump-resource-usage "$object"
done | awk -v objects=$# '
  /^Fatbin ptx code/ { compiled = 0 }
  /^Fatbin elf code/ { compiled = 1; ++elves }
  /^arch = / { arch = $3 }
  /^ *Function / { name = $2; sub(/:$/, "", name) }
  /REG:/ {
    split("", used)
    for (i = 1; i <= NF; ++i) { split($i, part, ":"); used[part[1]] = part[2] }
    if (!("STACK" in used) || !("LOCAL" in used)) { print "cannot read: " $0; bad = 1 }
    ++kernels[arch]
    if (used["REG"] > most[arch]) most[arch] = used["REG"]
    allowed = name ~ /10NormalBody/ ? 40 : 0
    if (used["STACK"] > allowed || used["LOCAL"] > 0) {
      printf "%s, %s: %d bytes of stack, %d of local memory; expected at most %d\n", \
             arch, name, used["STACK"], used["LOCAL"], allowed
      bad = 1
    }
  }
  END {
    for (a in kernels) {
      printf "%s: %d kernels, at most %d registers\n", a, kernels[a], most[a]
      if (kernels[a] != kernels[arch]) { print "expected as many of each"; bad = 1 }
    }
    if (elves < objects) { printf "machine code in %d of %d objects\n", elves, objects; bad = 1 }
    exit bad
  }'
