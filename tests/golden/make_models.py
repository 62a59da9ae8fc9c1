#!/usr/bin/env python3
"""Makes the golden files of this folder with PyTorch; see README.md.

    make_models.py            writes the files beside this script
    make_models.py --check    compares what it would write with what is there, byte for byte

Starting values and inputs are not stored: they come from an integer hash that C++ repeats exactly,

    mix(x):  x ^= x >> 16;  x *= 0x85ebca6b;  x ^= x >> 13;  x *= 0xc2b2ae35;  x ^= x >> 16
    hash(stream, i) = mix(stream * 2^20 + i)                          all in 32-bit unsigned
    signed(stream, i) = (hash(stream, i) >> 8) * 2^-23 - 1            in [-1, 1), exact in float

with i the element's row-major index. Parameter k of a model (in the model's order, from 0) holds
float(signed(k + 1, i) / sqrt(fan_in)), divided in double; a bias has the fan_in of its weight.
Other streams and their maps are named where they are used; `positive` is max(0, signed).
"""

import argparse
import json
import math
import os
import pathlib
import struct
import sys

# Code paths that do not depend on the processor; to be set before PyTorch is loaded.
os.environ.update(MKL_CBWR="COMPATIBLE", ATEN_CPU_CAPABILITY="default")

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler

INPUT, LABELS, UPSTREAM = 1000, 2000, 3000  # streams
STRIDE, WHOLE = 97, 512  # tensors of more than WHOLE elements keep every STRIDE-th one
DTYPES = {"float64": torch.float64, "float32": torch.float32}


def hashes(stream, count):
    x = np.arange(count, dtype=np.uint32) + np.uint32(stream << 20)
    x ^= x >> 16
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> 13
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> 16
    return x


def signed(stream, *shape):
    values = (hashes(stream, math.prod(shape)) >> 8) * 2.0**-23 - 1
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def positive(stream, *shape):
    return signed(stream, *shape).clamp(min=0)


def labels(count):
    return torch.tensor((hashes(LABELS, count) >> 8) % 10, dtype=torch.int64)


class Golden:
    """A safetensors file in the making."""

    def __init__(self, stride=STRIDE, whole=WHOLE, **metadata):
        self.stride, self.whole = stride, whole
        self.metadata = {
            "made_by": "tests/golden/make_models.py",
            "torch": torch.__version__.split("+")[0],
            "stride": str(stride),
            "whole": str(whole),
            **{key: value if isinstance(value, str) else json.dumps(value)
               for key, value in metadata.items()},
        }
        self.tensors = {}

    def put(self, name, tensor):
        """The elements of a small tensor; of a large one a strided sample and, as name.moments,
        its sum and its sum of squares."""
        values = tensor.detach().reshape(-1).numpy().copy()
        if values.size > self.whole:
            wide = values.astype(np.float64)
            self.tensors[name + ".moments"] = np.array([math.fsum(wide), math.fsum(wide * wide)])
            values = values[::self.stride].copy()
        self.tensors[name] = values

    def to_bytes(self):
        codes = {"float64": "F64", "float32": "F32", "int64": "I64"}
        order = sorted(self.tensors, key=lambda name: (-self.tensors[name].itemsize, name))
        header, end = {"__metadata__": self.metadata}, 0
        for name in order:
            array = self.tensors[name]
            begin, end = end, end + array.nbytes
            header[name] = {"dtype": codes[array.dtype.name], "shape": list(array.shape),
                            "data_offsets": [begin, end]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return (struct.pack("<Q", len(text)) + text
                + b"".join(self.tensors[name].tobytes() for name in order))


class Mlp(nn.Sequential):
    def __init__(self, *widths):
        layers = []
        for fan_in, fan_out in zip(widths, widths[1:]):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        super().__init__(*layers[:-1])
        self.input_shape = widths[:1]


class LeNet5(nn.Module):
    input_shape = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.dense = [self.fc1, self.fc2, self.fc3]

    def activations(self, x):
        """The inputs of the three dense layers, and the logits."""
        x = F.max_pool2d(self.conv1(x).relu(), 2)
        x = F.max_pool2d(self.conv2(x).relu(), 2)
        h1 = x.flatten(1)
        h2 = self.fc1(h1).relu()
        h3 = self.fc2(h2).relu()
        return h1, h2, h3, self.fc3(h3)

    def forward(self, x):
        return self.activations(x)[-1]


class BasicBlock(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = nn.Sequential()
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False),
                                            nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(y)) + self.downsample(x)).relu()


class ResNet18(nn.Module):
    """torchvision's, in its order and with its names, with the stem for small images."""
    input_shape = (3, 16, 16)

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for i in range(4):
            width = 64 << i
            self.add_module(f"layer{i + 1}", nn.Sequential(
                BasicBlock(before, width, 2 if i else 1), BasicBlock(width, width, 1)))
            before = width
        self.fc = nn.Linear(512, 10)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(x.mean((2, 3)))


def initialized(model, dtype):
    """Parameters as the head of this file says; the weights of normalisations
    float(1 + signed(k + 1, i) / 2), for signals to come through."""
    norms = {id(module.weight) for module in model.modules()
             if isinstance(module, nn.BatchNorm2d)}
    fan_in = None
    with torch.no_grad():
        for k, parameter in enumerate(model.parameters()):
            if parameter.dim() > 1:
                fan_in = parameter[0].numel()
            values = signed(k + 1, *parameter.shape)
            values = 1 + values / 2 if id(parameter) in norms else values / math.sqrt(fan_in)
            parameter.copy_(values.float())
    return model.to(dtype)


def batch(model, count, dtype):
    """Half of the elements are 0: x = positive(INPUT, i); labels (hash(LABELS, i) >> 8) mod 10."""
    return positive(INPUT, count, *model.input_shape).to(dtype), labels(count)


def train(model, x, y, make_optimizer, steps=10):
    """The loss before the first and after each of the steps, all on the same batch."""
    optimizer = make_optimizer(model.parameters())
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        losses.append(loss.detach())
        optimizer.step()
    with torch.no_grad():
        losses.append(F.cross_entropy(model(x), y))
    return torch.stack(losses)


def model_file(make_model, count):
    """Logits, the gradient of the mean cross-entropy, and ten steps of Adam."""
    golden = Golden(batch=count, parameters=[name for name, _ in make_model().named_parameters()],
                    optimizer={"name": "Adam", "lr": 5e-4})
    for prefix, dtype in DTYPES.items():
        model = initialized(make_model(), dtype)
        x, y = batch(model, count, dtype)
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        losses = train(model, x, y, lambda parameters: torch.optim.Adam(parameters, lr=5e-4))
        golden.put(f"{prefix}.input", x)
        golden.put(f"{prefix}.logits", logits)
        golden.put(f"{prefix}.losses", losses)
        for k, (gradient, parameter) in enumerate(zip(gradients, model.parameters())):
            golden.put(f"{prefix}.grad.{k}", gradient)
            golden.put(f"{prefix}.trained.{k}", parameter)
    golden.put("labels", y)
    return golden


def resnet18_file():
    """Five steps of Adam in float64: logits, gradients and running statistics of the first, all
    losses, the parameters and running statistics after the last, and then the logits of
    inference. Few elements are kept, for there are 11 million."""
    lr = 2e-5
    model = initialized(ResNet18(), torch.float64)
    golden = Golden(stride=9973, whole=64, batch=4, optimizer={"name": "Adam", "lr": lr},
                    parameters=[name for name, _ in model.named_parameters()])
    x, y = batch(model, 4, torch.float64)
    statistics = {name: buffer for name, buffer in model.named_buffers() if "running" in name}
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for step in range(5):
        optimizer.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            golden.put("logits", logits)
            for name, parameter in model.named_parameters():
                golden.put(f"grad.{name}", parameter.grad)
            for name, buffer in statistics.items():
                golden.put(f"first.{name}", buffer)
        optimizer.step()
    golden.put("losses", torch.stack(losses))
    for name, tensor in [*model.named_parameters(), *statistics.items()]:
        golden.put(f"trained.{name}", tensor)
    golden.put("inference", model.eval()(x))
    return golden


class Muon(torch.optim.SGD):
    """Jordan's Muon with what torch.optim.Muon leaves to the caller: vectors and the last matrix
    move along the direction of SGD itself. torch's own iterates in bfloat16, this in the
    parameters' type."""

    def __init__(self, parameters, lr, momentum=0.95, nesterov=True, weight_decay=0, steps=5,
                 sgd_lr_scale=1):
        # A step of SGD from zero at a rate of 1 gives the negative directions.
        self.moved = list(parameters)
        self.directions = [torch.zeros_like(p) for p in self.moved]
        self.last = max(k for k, p in enumerate(self.moved) if p.ndim >= 2)
        self.options = lr, weight_decay, steps, sgd_lr_scale
        super().__init__(self.directions, lr=1, momentum=momentum, nesterov=nesterov)

    @torch.no_grad()
    def step(self):
        lr, weight_decay, steps, sgd_lr_scale = self.options
        for direction, p in zip(self.directions, self.moved):
            direction.zero_()
            direction.grad = p.grad
        super().step()
        for k, (direction, p) in enumerate(zip(self.directions, self.moved)):
            move, rate = -direction, lr * sgd_lr_scale
            if p.ndim >= 2 and k != self.last:
                move, rate = self.orthogonal(move.flatten(1), steps).view_as(p), lr
            p.sub_(rate * (move + weight_decay * p))

    @staticmethod
    def orthogonal(x, steps):
        rows, columns = x.shape
        y = x.T if rows > columns else x
        y = y / (y.norm() + 1e-7)
        for _ in range(steps):
            gram = y @ y.T
            y = 3.4445 * y + (-4.7750 * gram + 2.0315 * gram @ gram) @ y
        return (y.T if rows > columns else y) * max(1, rows / columns) ** 0.5

    def zero_grad(self):
        for p in self.moved:
            p.grad = None


def optimizer_cases():
    """Every combination of what Hebb's optimisers offer, by name."""
    cases = {}
    for decay in (0, 0.01):
        suffix = "-decay" if decay else ""
        sgd = {"lr": 0.1, "weight_decay": decay}
        cases["sgd" + suffix] = ("SGD", sgd)
        cases["sgd-momentum" + suffix] = ("SGD", {**sgd, "momentum": 0.9})
        cases["sgd-dampening" + suffix] = ("SGD", {**sgd, "momentum": 0.9, "dampening": 0.2})
        cases["sgd-nesterov" + suffix] = ("SGD", {**sgd, "momentum": 0.9, "nesterov": True})
        for name in ("Adam", "AdamW", "NAdam"):
            cases[name.lower() + suffix] = (name, {"lr": 0.01, "weight_decay": decay})
            cases[name.lower() + "-betas" + suffix] = (
                name, {"lr": 0.01, "betas": [0.8, 0.95], "eps": 1e-4, "weight_decay": decay})
    cases["nadam-decoupled"] = (
        "NAdam", {"lr": 0.01, "weight_decay": 0.01, "decoupled_weight_decay": True})
    cases["muon"] = ("Muon", {"lr": 0.02})
    cases["muon-decay"] = ("Muon", {"lr": 0.02, "weight_decay": 0.1, "sgd_lr_scale": 3})
    cases["muon-plain"] = ("Muon", {"lr": 0.02, "momentum": 0.8, "nesterov": False, "steps": 3})
    cases["nadam-momentum-decay"] = ("NAdam", {"lr": 0.01, "momentum_decay": 0.05})
    return cases


def optimizers_file():
    """Ten steps of the MLP 20-12-10 on a batch of 8 with each optimiser."""
    cases = optimizer_cases()
    golden = Golden(batch=8, cases={name: {"name": optimizer, **options}
                                    for name, (optimizer, options) in cases.items()})
    for name, (optimizer, options) in cases.items():
        for prefix, dtype in DTYPES.items():
            model = initialized(Mlp(20, 12, 10), dtype)
            x, y = batch(model, 8, dtype)
            make_optimizer = Muon if optimizer == "Muon" else getattr(torch.optim, optimizer)
            losses = train(model, x, y, lambda parameters: make_optimizer(parameters, **options))
            golden.put(f"{prefix}.{name}.losses", losses)
            for k, parameter in enumerate(model.parameters()):
                golden.put(f"{prefix}.{name}.trained.{k}", parameter)
    return golden


def schedules_file():
    """The learning rate of steps 0 to 19 from a base (for one-cycle: a highest) rate of 0.1."""
    steps, base = 20, 0.1
    cases = {
        "step": ("StepLR", {"step_size": 6, "gamma": 0.5}),
        "cosine": ("CosineAnnealingLR", {"T_max": steps}),
        "cosine-floor": ("CosineAnnealingLR", {"T_max": steps, "eta_min": 0.001}),
        "one-cycle": ("OneCycleLR", {"max_lr": base, "total_steps": steps,
                                     "cycle_momentum": False}),
        "warm-up": ("LinearLR", {"start_factor": 0.1, "total_iters": 5}),
        "warm-up-third": ("LinearLR", {"start_factor": 1 / 3, "total_iters": 8}),
    }
    golden = Golden(base_lr=base, cases={name: {"name": schedule, **options}
                                         for name, (schedule, options) in cases.items()})
    for name, (schedule, options) in cases.items():
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=base)
        scheduler = getattr(lr_scheduler, schedule)(optimizer, **options)
        rates = []
        for _ in range(steps):
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            if len(rates) < steps:
                scheduler.step()
        golden.put(name, torch.tensor(rates, dtype=torch.float64))
    return golden


def batch_norm_file():
    """Three training batches through one layer, then the last batch by the running statistics.

    Batch b is 2 signed(INPUT + b, i) + 0.5 of shape [4, 3, 5, 7], the weight
    float(1 + signed(1, c) / 2), the bias signed(2, c); the gradients are those of
    sum(y * signed(UPSTREAM, i)), for each batch anew.
    """
    golden = Golden(shape=[4, 3, 5, 7], epsilon=1e-5, momentum=0.1)
    shape = (4, 3, 5, 7)
    for prefix, dtype in DTYPES.items():
        layer = nn.BatchNorm2d(shape[1])
        with torch.no_grad():
            layer.weight.copy_(1 + signed(1, shape[1]) / 2)
            layer.bias.copy_(signed(2, shape[1]))
        layer.to(dtype)
        upstream = signed(UPSTREAM, *shape).to(dtype)

        def put(name, x):
            y = layer(x.requires_grad_())
            gradients = torch.autograd.grad((y * upstream).sum(), [x, layer.weight, layer.bias])
            for key, value in zip(("y", "dx", "dweight", "dbias"), (y, *gradients)):
                golden.put(f"{prefix}.{name}.{key}", value)

        for b in range(3):
            x = (2 * signed(INPUT + b, *shape) + 0.5).to(dtype)
            put(f"batch{b}", x)
            golden.put(f"{prefix}.batch{b}.running_mean", layer.running_mean)
            golden.put(f"{prefix}.batch{b}.running_var", layer.running_var)
        layer.eval()
        put("inference", x)
    return golden


def bean(h, weight, order, divergence="squared", gamma=1, width=None):
    """Eq. 1, 3, 5 and 7 of Gao, Ascoli and Zhao, as they stand: h [S, N], weight [M, N]. With
    width = 1 instead of M it is what their published code computes."""
    samples, neurons = h.shape
    f = torch.tanh(gamma * weight.T).abs()
    correlation = (f @ f.T / (width or weight.shape[0])) ** order
    difference = h[:, :, None] - h[:, None, :]
    distance = difference.abs() if divergence == "absolute" else difference**2
    return (correlation * distance).sum() / (samples * neurons**2)


def bean_file():
    """BEAN on the three dense layers of LeNet-5 at its starting values, in float64.

    By layer: h = positive(INPUT + k, i) of shape [S, N] for k = 0, 1, 2 (half of it silent), with
    the gradients to h and to the weight, normalised as in the paper. Through the model
    (`model.*`), normalised as in the published code: cross-entropy on a batch of 3 plus alpha
    times the sum of the three penalties, with the gradient of every parameter.
    """
    alpha = {1: 3, 2: 100}
    golden = Golden(batch=3, alpha=alpha)
    model = initialized(LeNet5(), torch.float64)
    for order in (1, 2):
        for divergence in ("squared", "absolute"):
            for gamma in (1, 2):
                for samples in (1, 3):
                    for k, layer in enumerate(model.dense):
                        h = positive(INPUT + k, samples, layer.in_features).requires_grad_()
                        penalty = bean(h, layer.weight, order, divergence, gamma)
                        dh, dweight = torch.autograd.grad(penalty, [h, layer.weight])
                        name = f"order{order}.{divergence}.gamma{gamma}.samples{samples}.layer{k}"
                        golden.put(f"{name}.penalty", penalty)
                        golden.put(f"{name}.dh", dh)
                        golden.put(f"{name}.dweight", dweight)
        x, y = batch(model, 3, torch.float64)
        *taps, logits = model.activations(x)
        penalty = alpha[order] * sum(bean(h, layer.weight, order, width=1)
                                     for h, layer in zip(taps, model.dense))
        loss = F.cross_entropy(logits, y) + penalty
        golden.put(f"model.order{order}.penalty", penalty)
        golden.put(f"model.order{order}.loss", loss)
        for k, gradient in enumerate(torch.autograd.grad(loss, list(model.parameters()))):
            golden.put(f"model.order{order}.grad.{k}", gradient)
    return golden


FILES = {
    "mlp_20_12_10": lambda: model_file(lambda: Mlp(20, 12, 10), 8),
    "mlp_784_32_10": lambda: model_file(lambda: Mlp(784, 32, 10), 8),
    "lenet5": lambda: model_file(LeNet5, 6),
    "resnet18": resnet18_file,
    "optimizers": optimizers_file,
    "schedules": schedules_file,
    "batch_norm": batch_norm_file,
    "bean_lenet5": bean_file,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write none")
    check = parser.parse_args().check

    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False
    torch.use_deterministic_algorithms(True)
    folder, differing = pathlib.Path(__file__).resolve().parent, 0
    for name, make in FILES.items():
        path, data = folder / f"{name}.safetensors", make().to_bytes()
        if check:
            equal = path.exists() and path.read_bytes() == data
            differing += not equal
            print(f"{path.name}: {'equal' if equal else 'DIFFERS'}")
        else:
            path.write_bytes(data)
            print(f"{path.name}: {len(data):,} bytes")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
