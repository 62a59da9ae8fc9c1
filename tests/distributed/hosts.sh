#!/usr/bin/env bash
# Programs on two hosts with a bad network between them: hosts.sh MPIRUN HEBB_TRAIN HEBB_FEWSHOT
# The hosts are network namespaces, with host names of their own; wire.py is the network.
set -euo pipefail
mpirun=$1 train=$2 fewshot=$3
here=$(dirname "$(realpath "$0")")

skip() {
  echo "skipped: $1"
  exit 77
}
fail() {
  echo "failed: $1"
  cat "$folder"/*.log
  exit 1
}

for tool in ip unshare python3; do
  command -v $tool >/dev/null || skip "no $tool here"
done
[ -w /dev/net/tun ] || skip "/dev/net/tun is not to be written"
export HEBB_HOSTS=hebb-test-$$  # their names, but for a number
ip netns add $HEBB_HOSTS-0 2>/dev/null || skip "network namespaces are not allowed"

folder=$(mktemp -d)
export TMPDIR=$folder  # mpirun's files, which it leaves behind when killed
wire=
clean_up() {
  for host in $HEBB_HOSTS-0 $HEBB_HOSTS-1; do
    ip netns pids "$host" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
    ip netns del "$host" 2>/dev/null || true
  done
  [ -z "$wire" ] || kill -TERM "$wire" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM  # at once, since what may take long is waited for in the background
ip netns add $HEBB_HOSTS-1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none

wait_for() {  # PROCESS COMMAND...
  until "${@:2}"; do
    kill -0 "$1" 2>/dev/null || return 1
    sleep 0.02
  done
}

connect() {  # LOSS SECONDS
  local taps=("hebb$$a" "hebb$$b")
  : >"$folder/wire"
  python3 "$here/wire.py" "${taps[@]}" "$1" "$2" >"$folder/wire" 2>"$folder/wire.log" &
  wire=$!
  wait_for $wire grep -qs ready "$folder/wire" || skip "$(tail -n 1 "$folder/wire.log")"
  for i in 0 1; do
    ip link set "${taps[i]}" netns $HEBB_HOSTS-$i
    ip -n $HEBB_HOSTS-$i address add 10.77.0.$((i + 1))/24 dev "${taps[i]}"
    ip -n $HEBB_HOSTS-$i link set "${taps[i]}" up
    ip -n $HEBB_HOSTS-$i link set lo up
  done
}

disconnect() {
  kill -TERM $wire
  wait $wire || fail "$1: the network"
  wire=
  read -r carried lost < <(tail -n 1 "$folder/wire")
  echo "$1: $carried frames carried, $lost lost"
  [ "$carried" -gt 1000 ] || fail "the gradients went another way"
}

on_host() {  # NUMBER COMMAND...
  "$here/on-host.sh" "10.77.0.$(($1 + 1))" "${@:2}"
}

# Noise of MNIST's form, since `digits` draws 60,000 images first.
mkdir "$folder/mnist"
python3 - "$folder/mnist" <<'END'
import pathlib, random, struct, sys
random.seed(1)
for part, count in ("train", 150), ("t10k", 50):
    images, labels = random.randbytes(784 * count), bytes(i % 10 for i in range(count))
    folder = pathlib.Path(sys.argv[1])
    (folder / f"{part}-images-idx3-ubyte").write_bytes(
        struct.pack(">4I", 2051, count, 28, 28) + images)
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, count) + labels)
END
# Both hosts have the same cores: none is to wait for long without letting go of one.
export OMPI_MCA_mpi_yield_when_idle=1
small=(--model lenet5 --dataset mnist --data "$folder" --batch-size 50 --threads 1 --dropout 0.2
       --regularizer bean:order=1 --seed 3)
start_on_two_hosts() {
  on_host 0 "$mpirun" --mca plm_rsh_agent "$here/on-host.sh" --mca btl tcp,self --bind-to none \
    --host 10.77.0.1,10.77.0.2 -n 2 "$@"
}
on_two_hosts() {
  start_on_two_hosts "$train" "${small[@]}" "$@"
}

milliseconds_since() { echo $((($(date +%s%N) - $1) / 1000000)); }

"$mpirun" --oversubscribe -n 2 "$train" "${small[@]}" --epochs 1 --output "$folder/one" \
  >"$folder/one.log" 2>&1 &
wait $! || fail "two ranks on one host"

compare() {  # NAME LOSS SECONDS
  connect "$2" "$3"
  local start
  start=$(date +%s%N)
  on_two_hosts --epochs 1 --output "$folder/$1" >"$folder/$1.log" 2>&1 &
  wait $! || fail "$1"
  echo "$1: trained in $(milliseconds_since "$start") ms"
  for file in model.safetensors config.json; do
    cmp "$folder/one/$file" "$folder/$1/$file" || fail "$1: $file is not that of one host"
  done
  disconnect "$1"
}
compare loss 0.01 0
[ "$lost" -gt 0 ] || fail "loss: no frame was lost"
compare delay 0 0.05

kill_rank_1() {
  local victim=
  for process in $(ip netns pids $HEBB_HOSTS-1); do
    ! grep -qz '^OMPI_COMM_WORLD_RANK=1$' "/proc/$process/environ" || victim=$process
  done
  [ -n "$victim" ] || fail "no rank 1 on the second host"
  kill -KILL "$victim"
}

# A rank that is killed ends the other, on the other host.
connect 0.01 0
on_two_hosts --epochs 100000 --output "$folder/killed" >"$folder/killed.log" 2>&1 &
run=$!
wait_for $run test -s "$folder/killed/metrics.jsonl" || fail "killed: it ended before that"
start=$(date +%s%N)
kill_rank_1
code=0
wait $run || code=$?
took=$(milliseconds_since "$start")
echo "killed: the run ended with code $code after $took ms"
[ $code -ne 0 ] || fail "a run without rank 1 is a success"
[ "$took" -lt 10000 ] || fail "that took too long"
[ -z "$(ip netns pids $HEBB_HOSTS-0)" ] || fail "processes are left on the first host"
disconnect killed

# A rank of hebb-fewshot that is killed gives its runs to the other, where mpirun keeps that one.
runs=(--dataset mnist --data "$folder" --shots 1 --draws 8 --methods vanilla,bean-1 --epochs 30
      --threads 1 --validation-set none --quiet)
"$fewshot" "${runs[@]}" --output "$folder/alone" >"$folder/alone.log" 2>&1 &
wait $! || fail "few-shot runs of one process"
connect 0.01 0
start_on_two_hosts --enable-recovery "$fewshot" "${runs[@]}" --output "$folder/lost" \
  >"$folder/lost.log" 2>&1 &
run=$!
wait_for $run grep -qs '"run"' "$folder/lost/runs.jsonl" || fail "lost: it ended before that"
kill_rank_1
wait $run || fail "lost: without rank 1 the other does not go on"
grep "rank 1 has died" "$folder/lost.log" || fail "lost: it says nothing"
cmp "$folder/alone/runs.csv" "$folder/lost/runs.csv" || fail "lost: other results"
[ -z "$(ip netns pids $HEBB_HOSTS-0)" ] || fail "processes are left on the first host"
kill -TERM $wire
wait $wire || fail "lost: the network"
wire=
