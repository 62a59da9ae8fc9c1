#!/usr/bin/env bash
# Runs a command on one of hosts.sh's hosts, as ssh would: on-host.sh 10.77.0.N COMMAND...
number=$((${1##*.} - 1))
shift
# mpirun hands its command over as one text for a shell.
exec ip netns exec "$HEBB_HOSTS-$number" unshare --uts bash -c \
  "echo host$number >/proc/sys/kernel/hostname; $*"
