"""A network cable between two hosts that loses and delays frames: wire.py TAP TAP LOSS SECONDS

Makes two TAP devices and carries what is sent into one to the other, but for a share LOSS, after
SECONDS. A pair of veth devices with netem does the same where the kernel has netem, which many
virtual machines' do not. Ends with SIGTERM, and prints how many frames it has carried and lost.
"""

import collections
import fcntl
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF, TAP_WITHOUT_HEADER = 0x400454CA, 0x1002


def open_tap(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), TAP_WITHOUT_HEADER))
    return device


def main():
    loss, delay = float(sys.argv[3]), float(sys.argv[4])
    ends = [open_tap(name) for name in sys.argv[1:3]]
    other = dict(zip(ends, reversed(ends)))
    on_its_way = collections.deque()  # (when it arrives, where, frame)
    draw = random.Random(1).random
    carried = lost = 0
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    print("ready", flush=True)
    while not ending:
        wait = on_its_way[0][0] - time.monotonic() if on_its_way else 0.1
        for end in select.select(ends, [], [], max(0, wait))[0]:
            frame = os.read(end, 65536)
            if draw() < loss:
                lost += 1
            else:
                on_its_way.append((time.monotonic() + delay, other[end], frame))
        while on_its_way and on_its_way[0][0] <= time.monotonic():
            _, end, frame = on_its_way.popleft()
            try:
                os.write(end, frame)
                carried += 1
            except OSError:  # the other end is down
                lost += 1
    print(carried, lost, flush=True)


if __name__ == "__main__":
    main()
