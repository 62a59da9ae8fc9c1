#!/usr/bin/env python3
"""Trains PyTorch's LeNet-5 on the very images that hebb-fewshot drew, and compares the accuracies.

FOLDER is the --output of a hebb-fewshot run of the fair protocol, no switch of it changed. Initial
weights and the order of the images are PyTorch's own, so that single draws differ and means must
not: each cell shows both means and the paired difference (Hebb - PyTorch) with its 95 % interval.
"""

import argparse
import csv
import pathlib
import statistics
import sys

from data_sets import add_data_flag
from pytorch_models import F, LeNet5, bean, load_images, torch

METHODS = ("vanilla", "bean-1", "bean-2")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    add_data_flag(parser)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["vanilla"])
    parser.add_argument("--draws", type=int, default=10**9, help="the first ones (all)")
    return parser.parse_args()


def read_rows(path):
    try:
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")


def train(method, value, images, labels, epochs, seed):
    torch.manual_seed(seed)
    model = LeNet5()
    lr = value if method == "vanilla" else 5e-4
    adam = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    for _ in range(epochs):
        for i in torch.randperm(len(labels)).tolist():
            logits, layers = model.dense(model.features(images[i:i + 1]))
            loss = F.cross_entropy(logits, labels[i:i + 1])
            if method != "vanilla":
                order = int(method[-1])
                for h, weight in layers:  # the paper's normalisation
                    loss = loss + value / weight.shape[0]**order * bean(h, weight, order, "pairs")
            adam.zero_grad()
            loss.backward()
            adam.step()
    return model


def accuracy(model, images, labels):
    with torch.no_grad():
        logits, _ = model.dense(model.features(images))
    return 100 * (logits.argmax(1) == labels).float().mean().item()


def main():
    arguments = parse_arguments()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    drawn = {(row["dataset"], row["shots"], row["draw"]): [int(i) for i in row["images"].split()]
             for row in read_rows(arguments.folder / "images.csv")}
    cells = {}
    for row in read_rows(arguments.folder / "runs.csv"):
        if row["method"] in arguments.methods and int(row["draw"]) < arguments.draws:
            if int(row["validation_total"]):
                sys.exit("the runs chose their epoch by validation; this takes the last one")
            cells.setdefault((row["dataset"], row["shots"], row["method"]), []).append(row)
    data = {name: (load_images(arguments.data, name, "train", 60000),
                   load_images(arguments.data, name, "t10k", 10000))
            for name in {dataset for dataset, _, _ in cells}}
    for (dataset, shots, method), rows in cells.items():
        (images, labels), test = data[dataset]
        hebb, torchs = [], []
        for row in rows:
            chosen = drawn[dataset, shots, row["draw"]]
            model = train(method, float(row["value"]), images[chosen], labels[chosen],
                          int(row["epoch"]), int(row["draw"]))
            hebb.append(float(row["accuracy_percent"]))
            torchs.append(accuracy(model, *test))
        gaps = [a - b for a, b in zip(hebb, torchs)]
        half = 1.96 * statistics.stdev(gaps) / len(gaps)**0.5 if len(gaps) > 1 else float("nan")
        print(f"{dataset} {shots}-shot {method}, {len(gaps)} draws: "
              f"Hebb {statistics.mean(hebb):.2f}, PyTorch {statistics.mean(torchs):.2f}, "
              f"difference {statistics.mean(gaps):+.2f} ± {half:.2f}", flush=True)


if __name__ == "__main__":
    main()
