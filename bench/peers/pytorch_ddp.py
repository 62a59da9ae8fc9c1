#!/usr/bin/env python3
"""Times training steps of PyTorch's DistributedDataParallel over gloo, as fast as it can be made, on
ranks of this machine, for comparison with `hebb-bench --distributed`.

A step's batch is shared by the ranks, as Hebb's is. All variants are tried shortly, and the best is
timed at length. Prints JSON: "steps" has each step's median in milliseconds, "variants" which
variant won.
"""

import argparse
import itertools
import os
import pathlib
import tempfile
import warnings

from data_sets import add_data_flag
from report import print_report
from timing import milliseconds

STEPS = ("lenet5/100/none", "resnet18/100/none")
SLOW = 20  # how many times fewer steps ResNet-18 makes
LAYOUTS = ("contiguous", "channels-last")
BUCKETS = ("views", "copies")  # whether gradients lie in DDP's buckets
POOL = 6000  # images


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each rank (1)")
    add_data_flag(parser)
    parser.add_argument("--only", action="append", choices=STEPS, metavar="STEP",
                        help="repeatable; one of " + ", ".join(STEPS))
    parser.add_argument("--steps", type=int, default=200, help="timed steps (200)")
    parser.add_argument("--warm-up", type=int, default=20, help="untimed steps (20)")
    return parser.parse_args()


class Step:
    """A call trains the ranks' copies of a model on the next batch."""

    def __init__(self, name, layout, buckets, rank, arguments):
        from pytorch_models import F, LeNet5, Logits, ResNet18, load_images, nn, torch
        model, batch, _ = name.split("/")
        self.slow = SLOW if model == "resnet18" else 1
        images, labels = load_images(arguments.data, "mnist", "train", POOL)
        if model == "resnet18":  # noise: what photographs show does not change the time
            images = torch.rand(5 * int(batch), 3, 32, 32)
            labels = labels[:len(images)]
        layout = {"contiguous": torch.contiguous_format,
                  "channels-last": torch.channels_last}[layout]
        torch.manual_seed(1)
        network = Logits({"lenet5": LeNet5, "resnet18": ResNet18}[model]()).to(memory_format=layout)
        # Statistics of batches are each rank's own in Hebb, too.
        self.model = nn.parallel.DistributedDataParallel(
            network, broadcast_buffers=False, gradient_as_bucket_view=buckets == "views")
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-4, fused=True)
        self.loss = F.cross_entropy
        self.batches = itertools.cycle(
            [(x.tensor_split(arguments.ranks)[rank].contiguous(memory_format=layout),
              y.tensor_split(arguments.ranks)[rank])
             for x, y in zip(images.split(int(batch)), labels.split(int(batch)))])

    def __call__(self):
        x, labels = next(self.batches)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model(x), labels).backward()
        self.optimizer.step()

    def milliseconds(self, steps, warm_up):
        return milliseconds(self, -(-steps // self.slow), -(-warm_up // self.slow))


def best_variant(name, rank, arguments):
    """The same on all ranks: that with the least time of rank 0."""
    from torch import distributed
    times = {}
    for layout, buckets in itertools.product(LAYOUTS, BUCKETS):
        step = Step(name, layout, buckets, rank, arguments)
        times[layout, buckets] = sorted(step.milliseconds(60, warm_up=20))
    best = [min(times, key=lambda variant: times[variant][len(times[variant]) // 4])]
    distributed.broadcast_object_list(best)
    return dict(zip(("layout", "buckets"), best[0]))


def work(rank, arguments, meeting):
    from pytorch_models import torch
    warnings.simplefilter("ignore", FutureWarning)  # broadcast_buffers has another name to come
    torch.set_flush_denormal(True)
    torch.set_num_threads(arguments.threads)
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank,
                                         world_size=arguments.ranks)
    times, variants = {}, {}
    for name in arguments.only or STEPS:
        variants[name] = best_variant(name, rank, arguments)
        step = Step(name, **variants[name], rank=rank, arguments=arguments)
        times[name] = [step.milliseconds(arguments.steps, arguments.warm_up)]
    if rank == 0:
        print_report(torch, times, variants, ranks=arguments.ranks)
    torch.distributed.destroy_process_group()


def main():
    arguments = parse_arguments()
    # No threads but those asked for; set before PyTorch loads, which ranks do anew.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(arguments.threads)
    from pytorch_models import torch
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(
            work, (arguments, pathlib.Path(folder, "meeting").as_uri()), arguments.ranks)


if __name__ == "__main__":
    main()
