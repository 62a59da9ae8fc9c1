#!/usr/bin/env bash
# What is worth knowing of a GPU within the first ten minutes, the most valuable first: builds Hebb
# for it, runs the GPU's tests, sanitizers and benchmarks, and prints what became of each part, and how
# fast Hebb is beside PyTorch. Each part has a time limit, and one that fails or cannot run stops no
# other. Needs no network.
#
#   bench/gpu.sh [FOLDER]      FOLDER gets the parts' output and the table (build-gpu/report)
#
# Variables, all optional:
#   HEBB_DEBS    a folder into which Debian packages were unpacked (dpkg -x), where the system lacks
#                them: what scripts/setup installs and catch2; the tests need libeigen3-dev,
#                libfmt-dev, libfmt9, nlohmann-json3-dev, zlib1g-dev and catch2
#   HEBB_BUILD   the build folder (build-gpu); programs that are there serve if none can be built
#   HEBB_DATA    data sets; without them images are synthetic, and nothing is trained to an accuracy
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
  rows+=("$(printf '%-30s %-8s %5s s  %s' "$@")")
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
part build-bench 300 "$(missing cmake ninja)" \
  cmake --build "$build" --target hebb-bench hebb-train hebb-fewshot
no_bench=${gpu:-$(missing "$bench")}
no_pytorch=$gpu
if [ -z "$gpu" ] && ! "$python" -c 'import torch' 2>/dev/null; then
  no_pytorch="no PyTorch in $python (PYTHON names another)"
fi
data=()
no_data="no data sets: HEBB_DATA is not set"
if [ -n "${HEBB_DATA:-}" ]; then data=(--data "$HEBB_DATA") no_data=""; fi

# Steps: Hebb's called and recorded beside PyTorch's, in one precision after the other.
steps=(mlp/100 lenet5/100 resnet18/512)
precisions=(fp32 tf32 bf16)
for precision in "${precisions[@]}"; do
  for step in "${steps[@]}"; do
    name=${step/\//-}-$precision
    command=("$bench" --device cuda:0 --only "$step/none" --precision "$precision" --seconds 2
             "${data[@]}")
    part "hebb-$name" 60 "$no_bench" "${command[@]}"
    part "hebb-called-$name" 60 "$no_bench" env HEBB_CUDA_GRAPHS=0 "${command[@]}"
    part "pytorch-$name" 150 "$no_pytorch" "$python" bench/peers/pytorch_gpu.py --only "$step" \
      --precision "$precision"
  done
done
part bean 120 "$no_bench" "$bench" --device cuda:0 --seconds 2 "${data[@]}" \
  --only lenet5/100/none --only lenet5/100/bean-1 --only lenet5/100/bean-2 \
  --only resnet18/512/none --only resnet18/512/bean-1 --only resnet18/512/bean-2

# Times to an accuracy, and few-shot studies.
train=$build/bin/hebb-train
no_train=${gpu:-${no_data:-$(missing "$train")}}
part mnist 120 "$no_train" "$train" --dataset mnist "${data[@]}" --device cuda:0 --model lenet5 \
  --epochs 10 --batch-size 100 --lr 5e-4 --seed 1 --output "$report/runs/mnist" --overwrite
for precision in "${precisions[@]}"; do
  part "cifar10-$precision" 300 "$no_train" "$train" --dataset cifar10 "${data[@]}" --device cuda:0 \
    --model resnet18 --recipe fast --epochs 12 --precision "$precision" \
    --output "$report/runs/cifar10-$precision" --overwrite
done
fewshot=$build/bin/hebb-fewshot
part fewshot 300 "${gpu:-${no_data:-$(missing "$fewshot")}}" "$fewshot" --table1 "${data[@]}" \
  --device cuda:0 --output "$report/runs/fewshot" --fresh --quiet

# hebb-bench's median of a step, and PyTorch's; "-" where there is none.
hebb_ms() { # PART STEP
  awk -v step="$2" '$1 == step { ms = $2 } END { print ms ? ms : "-" }' "$report/$1.txt" 2>/dev/null ||
    echo -
}
pytorch_ms() { # PART MODE
  awk -v mode="$2" '$3 == mode && $4 + 0 > 0 { ms = $4 } END { print ms ? ms : "-" }' \
    "$report/$1.txt" 2>/dev/null || echo -
}
# The training time of a run up to the first epoch of that test accuracy, in percent.
reached() { # FOLDER PERCENT
  [ -f "$1/metrics.csv" ] || { echo "no run"; return; }
  paste -d , "$1/metrics.csv" "$1/times.csv" | awk -F , -v percent="$2" '
    NR > 1 && !done { seconds += $8; best = $6 > best ? $6 : best; epoch = $1
                      done = 100 * $6 >= percent }
    END { if (done) printf "%.2f s, %d epochs\n", seconds, epoch
          else printf "not in %d epochs (%.2f s): %.2f %%\n", epoch, seconds, 100 * best }'
}
share() { # STEP KIND: what a regularizer adds to a step
  awk -v a="$(hebb_ms bean "$1/none")" -v b="$(hebb_ms bean "$1/$2")" \
    'BEGIN { if (a > 0 && b > 0) printf "%+.1f %%\n", 100 * (b / a - 1); else print "-" }'
}
{
  printf '\nmilliseconds a step\n%-14s %-5s %9s %9s | %9s %9s %9s | %s\n' step "" called recorded \
    "PT eager" replay compiled "PyTorch's best / recorded"
  for precision in "${precisions[@]}"; do
    for step in "${steps[@]}"; do
      name=${step/\//-}-$precision
      times=("$(hebb_ms "hebb-called-$name" "$step/none")" "$(hebb_ms "hebb-$name" "$step/none")")
      for mode in eager replay compiled; do times+=("$(pytorch_ms "pytorch-$name" "$mode")"); done
      ratio=$(awk -v ours="${times[1]}" -v a="${times[2]}" -v b="${times[3]}" -v c="${times[4]}" '
        BEGIN { best = 1e30
                if (a > 0 && a < best) best = a
                if (b > 0 && b < best) best = b
                if (c > 0 && c < best) best = c
                if (ours > 0 && best < 1e30) printf "%.2f\n", best / ours; else print "-" }')
      printf '%-14s %-5s %9s %9s | %9s %9s %9s | %s\n' "$step" "$precision" "${times[@]}" "$ratio"
    done
  done
  printf '\n%-44s %s\n' "LeNet-5 to 99 % of MNIST" "$(reached "$report/runs/mnist" 99)"
  for precision in "${precisions[@]}"; do
    printf '%-44s %s\n' "ResNet-18 to 94 % of CIFAR-10, $precision" \
      "$(reached "$report/runs/cifar10-$precision" 94)"
  done
  for step in lenet5/100 resnet18/512; do
    for kind in bean-1 bean-2; do
      printf '%-44s %s\n' "what $kind adds to a step of $step" "$(share "$step" "$kind")"
    done
  done
  printf '%-44s %s\n' "Table 1, few-shot, draws as replicas" \
    "$(printf '%s\n' "${rows[@]}" | awk '$1 == "fewshot" { print $2 == "passed" ? $3 " s" : $2 }')"
} >"$report/speed.txt"

{
  printf '\n%-30s %-8s %7s  %s\n' part result time "what it said last"
  printf '%s\n' "${rows[@]}"
  cat "$report/speed.txt"
} | tee "$report/table.txt"
echo "output of each part: $report"
exit "$failed"
