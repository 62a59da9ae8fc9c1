#!/usr/bin/env python3
"""Times training steps in PyTorch, as fast as it can be made, for comparison with hebb-bench.

For each step the variants in AXES are tried one axis after the other until no change helps, and
the best is timed at length. Prints JSON: "steps" has each step's median in milliseconds over all
rounds, "rounds" the median of each, "variants" which variant won.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import sys
import warnings

from data_sets import add_data_flag
from report import print_report
from timing import milliseconds

STEPS = [f"{model}/{batch}/{regularizer}" for model, batch in (("mlp", 100), ("lenet5", 100),
                                                              ("lenet5", 1))
         for regularizer in ("none", "bean-1", "bean-2")] + [
             "resnet18/100/none", "resnet18/100/inference",
             "mlp/1/inference", "lenet5/1/inference", "resnet18/1/inference"]
SLOW = 20  # how many times fewer steps ResNet-18 makes with batches
AXES = {
    "adam": ("fused", "foreach", "plain"),
    "layout": ("contiguous", "channels-last"),  # networks with convolutions only
    "convolution": ("onednn", "native"),  # LeNet-5 only
    "normalisation": ("folded", "plain"),  # inference only
    "bean": ("pairs", "single"),  # BEAN-2 at batch 1 only
    "mode": ("eager", "compiled", "dense-compiled"),  # the latter: all but the convolutions; for
                                                      # inference "traced" (TorchScript) in its place
    "wrapper": ("python", "cpp"),  # of what is compiled
}
POOL = 6000  # images


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    add_data_flag(parser)
    parser.add_argument("--only", action="append", choices=STEPS, metavar="STEP",
                        help="repeatable; one of " + ", ".join(STEPS))
    parser.add_argument("--steps", type=int, default=200, help="timed steps a round (200)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all steps (3)")
    parser.add_argument("--warm-up", type=int, default=20, help="untimed steps a round (20)")
    parser.add_argument("--variants", type=json.loads, default={}, metavar="JSON",
                        help="take these variants, an earlier run's, instead of trying all")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--memory", action="store_true",
                        help="tell the peak of the process's memory over the one --only, too")
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    return parser.parse_args()


arguments = parse_arguments()
if arguments.memory and not (len(arguments.only or []) == 1 and arguments.variants):
    sys.exit("--memory: expected one --only and its --variants, since a process keeps what its "
             "earlier steps took")
if arguments.list:
    print("\n".join(STEPS))
    sys.exit()
# No threads but those asked for, and no pool of compilers beside us: set before PyTorch loads.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(arguments.threads)
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

from pytorch_models import (F, LeNet5, Logits, Mlp, ResNet18, bean,  # noqa: E402
                            fold_normalisation, load_images, torch)


class Step:
    """A model and its optimiser in one variant; a call trains on the next batch, or infers."""

    def __init__(self, name, variant, images, labels):
        model, batch, kind = name.split("/")
        self.order = {"bean-1": 1, "bean-2": 2}.get(kind, 0)
        self.trains = kind != "inference"
        self.variant = variant
        self.slow = SLOW if model == "resnet18" and batch != "1" else 1
        if model == "resnet18":  # noise: what photographs show does not change the time
            images = torch.rand(5 * int(batch), 3, 32, 32)
            labels = labels[:len(images)]
        layout = (torch.channels_last if variant.get("layout") == "channels-last"
                  else torch.contiguous_format)
        torch.manual_seed(1)
        network = {"mlp": Mlp, "lenet5": LeNet5, "resnet18": ResNet18}[model]
        self.model = network()
        if not self.trains:
            self.model.eval()
        if variant.get("normalisation") == "folded":
            fold_normalisation(self.model)
        self.model.to(memory_format=layout)
        self.batches = itertools.cycle(
            [(x.contiguous(memory_format=layout), y)
             for x, y in zip(images.split(int(batch)), labels.split(int(batch)))])
        if not self.trains:
            self.infer = self.inference()
            return
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-4,
                                          fused=variant["adam"] == "fused",
                                          foreach=variant["adam"] == "foreach")
        if variant["mode"] != "eager":
            part = "loss" if variant["mode"] == "compiled" else "dense_loss"
            setattr(self, part, torch.compile(
                getattr(self, part), dynamic=False, fullgraph=True,
                options={"cpp_wrapper": variant.get("wrapper") == "cpp"}))

    def inference(self):
        mode, logits = self.variant["mode"], Logits(self.model).eval()
        if mode == "eager":
            return logits.forward
        with torch.inference_mode():
            if mode == "traced":
                return torch.jit.freeze(torch.jit.trace(logits, next(self.batches)[0]))
            return torch.compile(logits, dynamic=False, fullgraph=True,
                                 options={"cpp_wrapper": self.variant.get("wrapper") == "cpp"})

    def dense_loss(self, features, labels):
        logits, taps = self.model.dense(features)
        loss = F.cross_entropy(logits, labels)
        if self.order:
            for h, weight in taps:
                loss = loss + bean(h, weight, self.order, self.variant.get("bean"))
        return loss

    def loss(self, x, labels):
        return self.dense_loss(self.model.features(x), labels)

    def __call__(self):
        x, labels = next(self.batches)
        if not self.trains:
            with torch.inference_mode():
                self.infer(x)
            return
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(x, labels).backward()
        self.optimizer.step()

    def milliseconds(self, steps, warm_up):
        torch.backends.mkldnn.enabled = self.variant.get("convolution") != "native"
        return milliseconds(self, -(-steps // self.slow), -(-warm_up // self.slow))


def axes_of(name, can_compile):
    axes = dict(AXES)
    infers = name.endswith("inference")
    if name.startswith("resnet18"):  # whose trials take long
        part = "normalisation" if infers else "adam"
        return {part: AXES[part] if infers else ("fused",), "layout": AXES["layout"],
                "convolution": ("onednn",), "mode": ("eager", "traced") if infers else ("eager",)}
    del axes["normalisation"]
    if infers:
        del axes["adam"]
        axes["mode"] = ("eager", "traced", "compiled")
    elif name.startswith("mlp"):
        axes["mode"] = ("eager", "compiled")
    if name.startswith("mlp"):
        del axes["layout"], axes["convolution"]
    if name != "lenet5/1/bean-2":
        del axes["bean"]
    if not can_compile:
        del axes["wrapper"]
        axes["mode"] = tuple(mode for mode in axes["mode"] if "compiled" not in mode)
    return axes


def best_variant(name, can_compile, pool):
    """The contenders on an axis run in turn, in short bursts, and the lower quartile of the times
    decides: both keep what else the machine does from choosing."""
    steps = {}

    def fastest(contenders):
        times = {tuple(variant.items()): [] for variant in contenders}
        for key in times:
            if key not in steps:
                print(f"{name}: trying {' '.join(dict(key).values())}", file=sys.stderr)
                steps[key] = Step(name, dict(key), *pool)
                steps[key].milliseconds(0, warm_up=15)
        for _ in range(8):
            for key, measured in times.items():
                measured += steps[key].milliseconds(10, warm_up=2)
        return dict(min(times, key=lambda key: statistics.quantiles(times[key])[0]))

    axes = axes_of(name, can_compile)
    best = {axis: choices[0] for axis, choices in axes.items()}
    for _ in range(2):  # a second pass, since the axes are not independent
        previous = best
        for axis, choices in axes.items():
            if axis != "wrapper" or "compiled" in best["mode"]:
                best = fastest([{**best, axis: choice} for choice in choices])
        if best == previous:
            break
    if "compiled" not in best["mode"]:
        best.pop("wrapper", None)
    return best


def resident_mib():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def compile_error():
    """Why torch.compile does not work here (no C++ compiler, for one), or nothing."""
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.zeros(8))
    except Exception as error:
        return str(error).strip().splitlines()[0]
    return None


def main():
    warnings.simplefilter("ignore", FutureWarning)  # TorchScript says that its days are counted
    torch.set_flush_denormal(True)  # before there are threads, which inherit it
    torch.set_num_threads(arguments.threads)
    torch.set_num_interop_threads(1)
    torch._dynamo.config.recompile_limit = 1000  # one entry for each variant of Step
    pool = load_images(arguments.data, "mnist", "train", POOL)
    names = arguments.only or STEPS
    compiler = "left out by --no-compile" if arguments.no_compile else compile_error()
    variants = {name: arguments.variants.get(name) or best_variant(name, compiler is None, pool)
                for name in names}
    before = resident_mib()
    steps = {name: Step(name, variant, *pool) for name, variant in variants.items()}
    times = {name: [] for name in names}
    for _ in range(arguments.rounds):
        for name, step in steps.items():
            times[name].append(step.milliseconds(arguments.steps, arguments.warm_up))
    more = {"torch.compile": compiler or "available"}
    if arguments.memory:  # model and batches included, as hebb-bench does
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        more["peak_mib"] = peak - before
    print_report(torch, times, variants, **more)


if __name__ == "__main__":
    main()
