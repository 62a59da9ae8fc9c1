"""The models, BEAN and the images of the peers in PyTorch."""

import gzip
import pathlib
import sys

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval
except ImportError:
    sys.exit("PyTorch is missing: python3 -m venv .venv && "
             ".venv/bin/pip install -r bench/peers/requirements.txt, "
             "then run .venv/bin/python " + sys.argv[0])


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 500), nn.Linear(500, 10)

    def features(self, x):
        return x.flatten(1)

    def dense(self, x):
        """The logits, and (activations, weight) of each dense layer that activations enter."""
        h = self.fc1(x).relu()
        return self.fc2(h), [(h, self.fc2.weight)]


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def features(self, x):
        x = F.max_pool2d(self.conv1(x).relu(), 2)
        return F.max_pool2d(self.conv2(x).relu(), 2).flatten(1)

    def dense(self, h1):
        h2 = self.fc1(h1).relu()
        h3 = self.fc2(h2).relu()
        return self.fc3(h3), [(h1, self.fc1.weight), (h2, self.fc2.weight), (h3, self.fc3.weight)]


class Block(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        stride = 1 if channels == filters else 2
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.downsample = None if stride == 1 else nn.Sequential(
            nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y + (self.downsample(x) if self.downsample else x), inplace=True)


class ResNet18(nn.Module):
    """For images of 32x32: 3x3 with stride 1 in front, no max-pooling."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        self.blocks = nn.Sequential(*(
            Block(channels, filters) for channels, filters in
            ((64, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512))))
        self.fc = nn.Linear(512, 10)

    def features(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return self.blocks(x).mean((2, 3))

    def dense(self, h):
        return self.fc(h), [(h, self.fc.weight)]


class Logits(nn.Module):
    """A model as TorchScript and DistributedDataParallel want it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.dense(self.model.features(x))[0]


def fold_normalisation(model):
    """For inference: each normalisation becomes part of the convolution before it."""
    pairs = [(model, "conv1", "bn1")]
    for block in model.blocks:
        pairs += [(block, "conv1", "bn1"), (block, "conv2", "bn2")]
        if block.downsample:
            pairs += [(block.downsample, "0", "1")]
    for module, convolution, normalisation in pairs:
        setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution),
                                                       getattr(module, normalisation)))
        setattr(module, normalisation, nn.Identity())


# BEAN with squared divergence and gamma = 1 for h [S, N] and G = |tanh(W)| [M, N], without the
# S x N x N tensor: the penalty and its gradients to h and G, all times `scale`.


def bean_1(h, g, scale):
    p, q, u = h @ g.T, h.square().sum(0), g.sum(1)
    c = u @ g
    penalty = 2 * scale * (q.dot(c) - p.square().sum())
    dh = torch.addmm(h * c, p, g, alpha=-1).mul_(4 * scale)
    dg = torch.addmm(torch.outer(u, q).add_((g @ q)[:, None]), p.T, h, alpha=-2).mul_(2 * scale)
    return penalty, dh, dg


def bean_2_pairs(h, g, scale):
    """Through the N x N matrices K = GᵀG and D = divergences."""
    k, q = g.T @ g, h.square().sum(0)
    k2 = k.square()
    difference = torch.addmm(h * k2.sum(1), h, k2, alpha=-1)
    penalty = 2 * scale * (h * difference).sum()
    distance = torch.addmm(q[:, None] + q, h.T, h, alpha=-2)
    return penalty, difference.mul_(4 * scale), (g @ distance.mul_(k)).mul_(4 * scale)


def bean_2_single(h, g, scale):
    """One sample through M x M matrices: C = GGᵀ, E = G diag(h²) Gᵀ, B = G diag(h) Gᵀ."""
    m, weighted = g.shape[0], g * h
    products = torch.cat([g, weighted * h, weighted]) @ g.T
    c, e, b = products.split(m)
    penalty = 2 * scale * ((c * e).sum() - b.square().sum())
    cg, eg, bg = (products @ g).split(m)
    dh = torch.addcmul(-(bg * g).sum(0), h, (cg * g).sum(0)).mul_(4 * scale)
    dg = (eg + (cg * h - 2 * bg) * h).mul_(4 * scale)
    return penalty, dh, dg


class Bean(torch.autograd.Function):
    """The gradients share their products with the penalty, so the forward pass makes them."""

    @staticmethod
    def forward(ctx, h, weight, kernel, scale):
        t = weight.tanh()
        penalty, dh, dg = kernel(h, t.abs(), scale)
        ctx.save_for_backward(dh, torch.ops.aten.tanh_backward(dg, t).mul_(t.sign()))
        return penalty

    @staticmethod
    def backward(ctx, upstream):
        dh, dweight = ctx.saved_tensors
        return upstream * dh, upstream * dweight, None, None


def bean(h, weight, order, form):
    """The published code's normalisation with alpha = 1, or the paper's with alpha = M^order."""
    kernel = bean_1 if order == 1 else bean_2_single if form == "single" else bean_2_pairs
    samples, neurons = h.shape
    return Bean.apply(h, weight, kernel, 1 / (samples * neurons**2))


def load_images(folder, dataset, part, count):
    """The first images [count, 1, 28, 28] in [0, 1] of a part, train or t10k, and their labels."""
    arrays = []
    for kind, header, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
        name = f"{part}-{kind}-ubyte"
        path = next(iter(sorted(pathlib.Path(folder, dataset).glob(name + "*"))), None)
        if not path:
            sys.exit(f"--data {folder}: no {dataset}/{name}[.gz] in it")
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            content = bytearray(file.read(header + count * size))
        arrays.append(torch.frombuffer(content, dtype=torch.uint8, offset=header).clone())
    images, labels = arrays
    return images.reshape(count, 1, 28, 28) / 255, labels.long()
