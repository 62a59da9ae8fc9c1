#!/usr/bin/env python3
"""Times training steps in PyTorch on the first GPU, in strict float32, for comparison with
hebb-bench --device cuda: eager, compiled, and compiled with CUDA graphs, the same models and Adam.

Prints a line for each: STEP MODE MILLISECONDS, or what went wrong.
"""

import argparse
import sys
import time

from pytorch_models import LeNet5, Mlp, ResNet18

import torch
import torch.nn.functional as F

MODELS = {"mlp": (Mlp, (1, 28, 28)), "lenet5": (LeNet5, (1, 28, 28)),
          "resnet18": (ResNet18, (3, 32, 32))}
MODES = {"eager": None, "compiled": "default", "graphs": "reduce-overhead"}
AT_ONCE = 20  # steps between two looks at the clock, as in hebb-bench


def milliseconds(model, batch, mode, seconds):
    torch.manual_seed(1)
    make, image = MODELS[model]
    network = make().cuda()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4, fused=True, capturable=True)
    batches = [(torch.rand(batch, *image, device="cuda"),
                torch.randint(10, (batch,), device="cuda")) for _ in range(5)]

    def loss_of(x, labels):
        return F.cross_entropy(network.dense(network.features(x))[0], labels)

    if MODES[mode]:
        loss_of = torch.compile(loss_of, mode=MODES[mode], dynamic=False)

    def steps():
        for i in range(AT_ONCE):
            optimizer.zero_grad(set_to_none=True)
            loss_of(*batches[i % len(batches)]).backward()
            optimizer.step()
        torch.cuda.synchronize()

    steps()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 10 or time.perf_counter() < end:
        start = time.perf_counter()
        steps()
        times.append(1e3 * (time.perf_counter() - start) / AT_ONCE)
    return sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="MODEL/BATCH",
                        help="repeatable; mlp/100, lenet5/100 and resnet18/100")
    parser.add_argument("--seconds", type=float, default=2, help="for each (2)")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("PyTorch finds no GPU")
    # Its convolutions are TF32 unless told otherwise.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    print(f"# PyTorch {torch.__version__}, {torch.cuda.get_device_name()}, strict float32")
    for name in arguments.only or ["mlp/100", "lenet5/100", "resnet18/100"]:
        model, batch = name.split("/")
        for mode in MODES:
            try:
                result = f"{milliseconds(model, int(batch), mode, arguments.seconds):.4f}"
            except Exception as error:  # a mode that does not work here hides none that does
                result = f"failed: {str(error).splitlines()[0] if str(error) else type(error)}"
            print(name, mode, result, flush=True)


if __name__ == "__main__":
    main()
