#!/usr/bin/env python3
"""Times training steps in PyTorch on the first GPU, for comparison with hebb-bench --device cuda: the
same models, batches and Adam.

fp32 is strict, without TF32; tf32 allows it in products and convolutions; bf16 is autocast's. Modes:
eager; replay, a CUDA graph of the whole eager step; compiled, by torch.compile with CUDA graphs, for
networks of convolutions in channels-last.

Prints a line for each: STEP PRECISION MODE MILLISECONDS, or what went wrong.
"""

import argparse
import contextlib
import sys
import time

from pytorch_models import LeNet5, Mlp, ResNet18

import torch
import torch.nn.functional as F

MODELS = {"mlp": (Mlp, (1, 28, 28)), "lenet5": (LeNet5, (1, 28, 28)),
          "resnet18": (ResNet18, (3, 32, 32))}
MODES = ("eager", "replay", "compiled")
PRECISIONS = ("fp32", "tf32", "bf16")
STEPS = ["mlp/100", "lenet5/100", "resnet18/512"]
AT_ONCE = 20  # steps between two looks at the clock, as in hebb-bench


class Training:
    """A model, its optimiser and five batches; a call makes a step on one of them."""

    def __init__(self, model, batch, precision, mode):
        torch.manual_seed(1)
        make, image = MODELS[model]
        layout = torch.contiguous_format
        if mode == "compiled" and model != "mlp":
            layout = torch.channels_last
        self.network = make().cuda().to(memory_format=layout)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=5e-4, fused=True,
                                          capturable=True)
        self.batches = [(torch.rand(batch, *image, device="cuda").to(memory_format=layout),
                         torch.randint(10, (batch,), device="cuda")) for _ in range(5)]
        self.bf16 = precision == "bf16"
        self.loss_of = self.loss
        if mode == "compiled":
            self.loss_of = torch.compile(self.loss, mode="reduce-overhead", dynamic=False)
        self.step = self.record() if mode == "replay" else self.eager

    def loss(self, x, labels):
        # Graphs cannot do with autocast's cache, and no weight is cast twice in a step.
        half = torch.autocast("cuda", torch.bfloat16, cache_enabled=False)
        with half if self.bf16 else contextlib.nullcontext():
            return F.cross_entropy(self.network.dense(self.network.features(x))[0], labels)

    def eager(self, x, labels):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss_of(x, labels).backward()
        self.optimizer.step()

    def record(self):
        """The whole step as one graph, whose batch is copied to where the graph finds it."""
        images, targets = (tensor.clone() for tensor in self.batches[0])
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.eager(images, targets)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            self.loss_of(images, targets).backward()
            self.optimizer.step()

        def replay(x, labels):
            images.copy_(x)
            targets.copy_(labels)
            graph.replay()

        return replay

    def some_steps(self):
        for i in range(AT_ONCE):
            self.step(*self.batches[i % len(self.batches)])
        torch.cuda.synchronize()


def milliseconds(model, batch, precision, mode, seconds):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.compiler.reset()
    training = Training(model, batch, precision, mode)
    for _ in range(2):
        training.some_steps()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 10 or time.perf_counter() < end:
        start = time.perf_counter()
        training.some_steps()
        times.append(1e3 * (time.perf_counter() - start) / AT_ONCE)
    return sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="MODEL/BATCH",
                        help="repeatable; any batch (" + ", ".join(STEPS) + ")")
    parser.add_argument("--precision", action="append", choices=PRECISIONS,
                        help="repeatable (fp32)")
    parser.add_argument("--mode", action="append", choices=MODES, help="repeatable (all)")
    parser.add_argument("--seconds", type=float, default=2, help="for each (2)")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("PyTorch finds no GPU")
    print(f"# PyTorch {torch.__version__}, {torch.cuda.get_device_name()}")
    for name in arguments.only or STEPS:
        model, batch = name.split("/")
        for precision in arguments.precision or ["fp32"]:
            for mode in arguments.mode or MODES:
                try:
                    took = milliseconds(model, int(batch), precision, mode, arguments.seconds)
                    result = f"{took:.4f}"
                except Exception as error:  # a mode that does not work here hides none that does
                    result = f"failed: {str(error).splitlines()[0] if str(error) else type(error)}"
                print(name, precision, mode, result, flush=True)


if __name__ == "__main__":
    main()
