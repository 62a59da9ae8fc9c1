#!/usr/bin/env bash
# What is worth knowing of a GPU within the first ten minutes, the most valuable first: builds Hebb
# for it, runs the GPU's tests, sanitizers and benchmarks, and prints one table. Each part has a time
# limit, and one that fails or cannot run stops no other. Needs no network.
#
#   bench/gpu.sh [FOLDER]      FOLDER gets the parts' output and the table (build-gpu/report)
#
# Variables, all optional:
#   HEBB_DEBS    a folder into which Debian packages were unpacked (dpkg -x), where the system lacks
#                them: what scripts/setup installs and catch2; the tests need libeigen3-dev,
#                libfmt-dev, libfmt9, nlohmann-json3-dev, zlib1g-dev and catch2
#   HEBB_BUILD   the build folder (build-gpu); programs that are there serve if none can be built
#   HEBB_DATA    data sets; without them images are synthetic
#   PYTHON       a Python that has PyTorch (python3)
#   HEBB_SCALE   multiplies the time limits (1)
#   HEBB_LEAVE_OUT  parts to leave out, e.g. "configure build racecheck"
set -uo pipefail
cd "$(dirname "$0")/.." || exit

build=${HEBB_BUILD:-build-gpu}
report=${1:-$build/report}
python=${PYTHON:-python3}
scale=${HEBB_SCALE:-1}
if [ "$#" -gt 1 ] || ! [[ $scale =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: bench/gpu.sh [FOLDER], with HEBB_SCALE a whole number" >&2
  exit 2
fi
mkdir -p "$report"
rows=()
failed=0

row() { # NAME RESULT SECONDS WHAT
  rows+=("$(printf '%-26s %-8s %5s s  %s' "$@")")
  printf '== %s\n' "${rows[-1]}"
}

# part NAME LIMIT NEEDS COMMAND...: NEEDS says why it cannot run, and is empty where it can. A
# command that ends with 77 was skipped by itself.
part() {
  local name=$1 limit=$(($2 * scale)) needs=$3 begin=$SECONDS status=0 what
  shift 3
  case " ${HEBB_LEAVE_OUT:-} " in *" $name "*) needs="left out by HEBB_LEAVE_OUT" ;; esac
  if [ -n "$needs" ]; then
    row "$name" skipped 0 "$needs"
    return 1
  fi
  timeout --kill-after=10 "$limit" "$@" >"$report/$name.txt" 2>&1 </dev/null || status=$?
  what=$(tail -n 200 "$report/$name.txt" | grep -E '[^[:space:]=]' | tail -n 1 | cut -c 1-110)
  case $status in
    0) row "$name" passed $((SECONDS - begin)) "$what" ;;
    77) row "$name" skipped $((SECONDS - begin)) \
          "$(grep -m 1 '^skipped' "$report/$name.txt" | cut -c 1-110)" ;;
    124 | 137) row "$name" "timeout" $((SECONDS - begin)) "longer than $limit s" ;;
    *) row "$name" failed $((SECONDS - begin)) "$what" ;;
  esac
  [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || failed=1
  return "$status"
}

missing() { # PROGRAM...: what is not there, for people to read
  local program
  for program in "$@"; do
    if ! [ -x "$(command -v "$program")" ]; then
      echo "no $program"
      return
    fi
  done
}

options=(-S . -B "$build" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=Release
         -DCMAKE_UNITY_BUILD=ON -DHEBB_CUDA=ON -DHEBB_CPU_ISAS=native -DHEBB_EXAMPLES=OFF
         -DHEBB_TESTS=ON)
if [ -n "${HEBB_DEBS:-}" ]; then
  options+=(-DCMAKE_PREFIX_PATH="$HEBB_DEBS/usr" -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu)
  export LD_LIBRARY_PATH="$HEBB_DEBS/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
gpu=""
if ! capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null); then
  gpu="no GPU: nvidia-smi does not find one"
  options+=(-DCMAKE_CUDA_ARCHITECTURES=90-real)
else
  capability=$(head -n 1 <<<"$capability")
  options+=(-DCMAKE_CUDA_ARCHITECTURES="${capability/./}-real")
fi

part machine 20 "$gpu" nvidia-smi \
  --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader
# The tests alone need the fewest packages.
part configure 120 "$(missing cmake ninja)" \
  cmake "${options[@]}" -DHEBB_APPS=OFF -DHEBB_BENCH=OFF
part build 420 "$(missing cmake ninja)" cmake --build "$build" --target hebb-tests

tests=$build/bin/hebb-tests
bench=$build/bin/hebb-bench
sanitizer=$(missing compute-sanitizer)
no_tests=${gpu:-$(missing "$tests")}
export HEBB_TEST_DEVICE=cuda:0

# Under a sanitizer, each kernel once: difference quotients would take minutes.
short='operations equal their references'
part operations 180 "$no_tests" "$tests" '[ops]'
part models 90 "$no_tests" "$tests" '[models]'
for tool in memcheck racecheck initcheck; do
  part "$tool" 120 "${no_tests:-$sanitizer}" compute-sanitizer --tool "$tool" --error-exitcode 1 \
    --print-limit 20 "$tests" "$short,[models]"
done
part large 60 "$no_tests" "$tests" '[large]'

part configure-bench 120 "$(missing cmake ninja)" \
  cmake "${options[@]}" -DHEBB_APPS=ON -DHEBB_BENCH=ON
part build-bench 240 "$(missing cmake ninja)" cmake --build "$build" --target hebb-bench
no_bench=${gpu:-$(missing "$bench")}
data=()
if [ -n "${HEBB_DATA:-}" ]; then data=(--data "$HEBB_DATA"); fi
for step in mlp/100 lenet5/100 resnet18/100; do
  part "hebb-${step/\//-}" 60 "$no_bench" "$bench" --device cuda:0 --only "$step/none" --seconds 2 \
    "${data[@]}"
done
no_pytorch=$gpu
if [ -z "$gpu" ] && ! "$python" -c 'import torch' 2>/dev/null; then
  no_pytorch="no PyTorch in $python (PYTHON names another)"
fi
for step in mlp/100 lenet5/100 resnet18/100; do
  part "pytorch-${step/\//-}" 120 "$no_pytorch" "$python" bench/peers/pytorch_gpu.py --only "$step"
  if [ -z "$no_pytorch" ]; then
    while read -r name mode time; do
      case $name in "$step") row "  PyTorch $mode" "" "" "$time ms" ;; esac
    done <"$report/pytorch-${step/\//-}.txt"
  fi
done

{
  printf '\n%-26s %-8s %7s  %s\n' part result time "what it said last"
  printf '%s\n' "${rows[@]}"
} | tee "$report/table.txt"
echo "output of each part: $report"
exit "$failed"
