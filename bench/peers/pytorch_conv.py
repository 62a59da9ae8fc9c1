#!/usr/bin/env python3
"""Times convolutions in PyTorch, as fast as it can be made, for comparison with hebb-bench conv.

Each shape of ResNet-18 (for images of 32x32) and LeNet-5 is timed in three directions, and each of
these in every variant of AXES; the fastest is timed at length. Prints JSON as pytorch_steps.py does.
"""

import argparse
import itertools
import json
import os
import sys
import time

from report import print_report

DIRECTIONS = ("forward", "input gradient", "weight gradient")
AXES = {"layout": ("contiguous", "channels-last"), "convolution": ("onednn", "native")}


def shapes():
    """(in, out, kernel, stride, extent, pad) of each, in hebb-bench's order."""
    yield 3, 64, 3, 1, 32, 1
    for channels, extent in ((64, 32), (128, 16), (256, 8)):
        yield channels, channels, 3, 1, extent, 1
        yield channels, 2 * channels, 3, 2, extent, 1
        yield channels, 2 * channels, 1, 2, extent, 0
    yield 512, 512, 3, 1, 4, 1
    yield 1, 6, 5, 1, 28, 2
    yield 6, 16, 5, 1, 14, 0


def shape_name(shape):
    channels, filters, kernel, stride, extent, _ = shape
    return (f"{channels}-{filters} {kernel}x{kernel}{f'/{stride}' if stride > 1 else ''} "
            f"{extent}x{extent}")


CASES = {f"{shape_name(shape)} {direction}": (shape, direction)
         for shape in shapes() for direction in DIRECTIONS}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--only", action="append", choices=CASES, metavar="CONVOLUTION",
                        help="repeatable, e.g. '64-64 3x3 32x32 forward'")
    parser.add_argument("--seconds", type=float, default=0.25,
                        help="time for each convolution a round (0.25)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds over all convolutions (1)")
    parser.add_argument("--variants", type=json.loads, default={}, metavar="JSON",
                        help="take these variants, an earlier run's, instead of trying all")
    parser.add_argument("--list", action="store_true", help="print the convolutions' names")
    return parser.parse_args()


arguments = parse_arguments()
if arguments.list:
    print("\n".join(CASES))
    sys.exit()
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(arguments.threads)

from pytorch_models import F, torch  # noqa: E402


class Convolution:
    """One direction of a convolution without bias, in one variant."""

    def __init__(self, name, variant):
        (channels, filters, kernel, stride, extent, pad), direction = CASES[name]
        self.variant = variant
        layout = (torch.channels_last if variant["layout"] == "channels-last"
                  else torch.contiguous_format)
        torch.manual_seed(1)
        x = torch.rand(arguments.batch, channels, extent, extent).to(memory_format=layout)
        weight = torch.rand(filters, channels, kernel, kernel).to(memory_format=layout)
        y = F.conv2d(x, weight, None, stride, pad)
        dy = torch.rand_like(y)
        mask = [direction == "input gradient", direction == "weight gradient", False]
        if direction == "forward":
            self.run = lambda: F.conv2d(x, weight, None, stride, pad)
        else:
            self.run = lambda: torch.ops.aten.convolution_backward(
                dy, x, weight, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, mask)

    def milliseconds(self, seconds):
        """The times of at least 5 calls after 2 that are not timed."""
        torch.backends.mkldnn.enabled = self.variant["convolution"] == "onednn"
        times = []
        for call in itertools.count():
            start = time.perf_counter()
            self.run()
            if call >= 2:
                times.append(1e3 * (time.perf_counter() - start))
            if len(times) >= 5 and sum(times) >= 1e3 * seconds:
                return times


def best_variant(name):
    variants = [dict(zip(AXES, choice)) for choice in itertools.product(*AXES.values())]
    return min(variants,
               key=lambda variant: min(Convolution(name, variant).milliseconds(arguments.seconds)))


def main():
    torch.set_flush_denormal(True)  # before there are threads, which inherit it
    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)
    names = arguments.only or list(CASES)
    variants = {name: arguments.variants.get(name) or best_variant(name) for name in names}
    times = {name: [] for name in names}
    for _ in range(arguments.rounds):
        for name in names:
            times[name].append(Convolution(name, variants[name]).milliseconds(arguments.seconds))
    print_report(torch, times, variants)


if __name__ == "__main__":
    main()
