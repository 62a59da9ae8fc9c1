#!/usr/bin/env python3
"""Compares `hebb-bench --distributed` under mpirun with PyTorch's DistributedDataParallel over gloo:
steps of training whose batch is shared by ranks of this machine, now.

Runs both in turn for several rounds, with as many ranks and threads each, and prints the images per
second of both, medians over the rounds, and their ratio (Hebb's / PyTorch's) with its lowest and
highest round; also which share of its step Hebb waits for sums, and which of the sums' time backward
hides. PyTorch looks for its fastest variant in each round.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile

from compare import ROOT, require_tools, run
from data_sets import add_data_flag
from report import as_markdown, as_text

HERE = pathlib.Path(__file__).resolve().parent
STEPS = ("resnet18/100/none", "lenet5/100/none")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hebb-bench", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build" / "bin" / "hebb-bench")
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--python", default=sys.executable, help="one that has PyTorch")
    add_data_flag(parser)  # both programs train on MNIST's images
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each rank (1)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200, help="PyTorch's timed steps a round")
    parser.add_argument("--seconds", type=float, default=10, help="Hebb's time for a step a round")
    parser.add_argument("--only", action="append", choices=STEPS, metavar="STEP",
                        help="repeatable; one of " + ", ".join(STEPS))
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    return parser.parse_args()


def environment():
    """A container's only user is root, who mostly may not look into other processes' memory."""
    if os.geteuid():
        return None
    return {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_btl_vader_single_copy_mechanism": "none"} | os.environ


def run_hebb(arguments, name):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "bench.json")
        # Neither program's ranks are bound to cores.
        run([arguments.mpirun, "-n", arguments.ranks, "--bind-to", "none", arguments.hebb_bench,
             "--distributed", "--threads", arguments.threads, "--data", arguments.data,
             "--seconds", arguments.seconds, "--only", name, "--json", path], env=environment())
        return json.loads(path.read_text())["steps"][name]


def run_pytorch(arguments, name):
    result = json.loads(run([arguments.python, HERE / "pytorch_ddp.py", "--ranks", arguments.ranks,
                             "--threads", arguments.threads, "--data", arguments.data,
                             "--steps", arguments.steps, "--only", name]))
    return {"median_ms": result["steps"][name], "torch": result["torch"],
            "variant": " ".join(result["variants"][name].values())}


def compare(arguments, name):
    rounds = []
    for index in range(arguments.rounds):
        print(f"{name}: round {index + 1} of {arguments.rounds}", file=sys.stderr)
        rounds.append((run_hebb(arguments, name), run_pytorch(arguments, name)))
    images = 1e3 * int(name.split("/")[1])
    ratios = [peer["median_ms"] / ours["median_ms"] for ours, peer in rounds]
    return {
        "step": name,
        "ranks": arguments.ranks,
        "threads": arguments.threads,
        "hebb_images_per_second": images / statistics.median(ours["median_ms"] for ours, _ in rounds),
        "ddp_images_per_second": images / statistics.median(peer["median_ms"] for _, peer in rounds),
        "ratio": statistics.median(ratios),
        "lowest_ratio": min(ratios),
        "highest_ratio": max(ratios),
        "waited": statistics.median(ours["waited_ms"] / ours["median_ms"] for ours, _ in rounds),
        "hidden": statistics.median(ours["hidden"] for ours, _ in rounds),
        "pytorch_variants": sorted({peer["variant"] for _, peer in rounds}),
        "torch": rounds[0][1]["torch"],
    }


HEADINGS = ("step", "ranks x threads", "Hebb images/s", "DDP images/s", "ratio", "over rounds",
            "Hebb waits", "hidden", "PyTorch's best variants")


def cells(row):
    return (row["step"], f"{row['ranks']} x {row['threads']}",
            f"{row['hebb_images_per_second']:.0f}", f"{row['ddp_images_per_second']:.0f}",
            f"{row['ratio']:.2f}", f"{row['lowest_ratio']:.2f} to {row['highest_ratio']:.2f}",
            f"{100 * row['waited']:.1f} %", f"{100 * row['hidden']:.0f} %",
            ", ".join(row["pytorch_variants"]))


def main():
    arguments = parse_arguments()
    arguments.family = "steps"
    require_tools(arguments)
    rows = [compare(arguments, name) for name in arguments.only or STEPS]
    table = [HEADINGS, *map(cells, rows)]
    note = (f"PyTorch {rows[0]['torch']}; medians over {arguments.rounds} rounds, both programs in "
            "turn")
    print(as_text(table))
    print(note)
    if arguments.markdown:
        arguments.markdown.write_text(f"{as_markdown(table)}\n\n{note}\n")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rounds": arguments.rounds, "rows": rows}, indent=2)
                                  + "\n")


if __name__ == "__main__":
    main()
