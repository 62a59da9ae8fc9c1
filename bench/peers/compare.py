#!/usr/bin/env python3
"""Compares hebb-bench with PyTorch on the same steps of training and inference, or on the
convolutions of ResNet-18 and LeNet-5 alone, on this machine, now.

Runs both in turn for several rounds, with as many threads each, and prints the medians over the
rounds and their ratio (PyTorch's time / Hebb's, so more is better for Hebb) with its lowest and
highest round. PyTorch's fastest variant of each row is looked for once, before the rounds. For a
training step of ResNet-18 the peak memory of both is printed, of processes that do nothing else: the
highest resident set less the one before the model was made.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from data_sets import add_data_flag
from report import as_markdown, as_text

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MEMORY = ("resnet18/100/none",)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", nargs="?", choices=("steps", "conv"), default="steps",
                        help="steps of training and inference (default), or convolutions in each "
                             "direction")
    parser.add_argument("--hebb-bench", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build" / "bin" / "hebb-bench")
    parser.add_argument("--python", default=sys.executable, help="one that has PyTorch")
    add_data_flag(parser)  # both programs train on MNIST's images
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200, help="PyTorch's timed steps a round")
    parser.add_argument("--only", action="append", metavar="ROW",
                        help="repeatable, e.g. lenet5/100/none or '64-64 3x3 32x32 forward'")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    return parser.parse_args()


def run(command, **options):
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True,
                            **options)
    if result.returncode:
        sys.exit(f"{command[0]} ended with code {result.returncode}"
                 + (f": {result.stderr.strip()}" if result.stderr else ""))
    return result.stdout


def require_tools(arguments):
    if arguments.family == "steps" and not (arguments.data / "mnist").is_dir():
        sys.exit(f"--data {arguments.data}: no folder mnist in it")
    if not arguments.hebb_bench.is_file():
        sys.exit(f"hebb-bench is not at {arguments.hebb_bench}: build it (scripts/test does), or "
                 "give its path with --hebb-bench")
    try:
        torch = subprocess.run([arguments.python, "-c", "import torch"], capture_output=True)
    except OSError as error:
        sys.exit(f"--python {arguments.python}: {error.strerror}")
    if torch.returncode:
        sys.exit(f"{arguments.python} has no PyTorch: python3 -m venv .venv && .venv/bin/pip "
                 "install -r bench/peers/requirements.txt, then run this with .venv/bin/python")


def run_hebb(arguments, threads, only):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "bench.json")
        command = [arguments.hebb_bench, "--threads", threads, "--json", path]
        if arguments.family == "conv":
            command += ["conv"]
            shapes = {name.rsplit(maxsplit=1 if name.endswith("forward") else 2)[0]: None
                      for name in only or []}  # hebb-bench times all directions of a shape
            names = list(shapes)
        else:
            command += ["--data", arguments.data]
            names = only or []
        for name in names:
            command += ["--only", name]
        run(command, stderr=subprocess.PIPE)
        result = json.loads(path.read_text())
        steps = result["convolutions" if arguments.family == "conv" else "steps"]
    medians = {name: step["median_ms"] for name, step in steps.items()}
    missing = sorted(set(only or []) - set(medians))
    if missing:
        sys.exit(f"hebb-bench has no {', '.join(missing)}; it has {', '.join(medians)}")
    return medians


def run_pytorch(arguments, threads, names, variants=None, steps=None, rounds=1):
    command = [arguments.python, HERE / f"pytorch_{arguments.family}.py", "--threads", threads,
               "--rounds", rounds]
    if arguments.family == "steps":
        command += ["--data", arguments.data, "--steps", steps or arguments.steps]
        if arguments.no_compile:
            command += ["--no-compile"]
    for name in names:
        command += ["--only", name]
    if variants:
        command += ["--variants", json.dumps(variants)]
    return json.loads(run(command))


def peak_memory(arguments, threads, name, variant):
    """The peaks of both in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "bench.json")
        run([arguments.hebb_bench, "--threads", threads, "--only", name, "--memory", "--json", path])
        hebb = json.loads(path.read_text())["steps"][name]["peak_mib"]
    command = [arguments.python, HERE / "pytorch_steps.py", "--threads", threads, "--data",
               arguments.data, "--only", name, "--variants", json.dumps({name: variant}),
               "--memory", "--no-compile"]
    return hebb, json.loads(run(command))["peak_mib"]


def compare(arguments, threads):
    known = run([arguments.python, HERE / f"pytorch_{arguments.family}.py",
                 "--list"]).splitlines()
    ours = run_hebb(arguments, threads, arguments.only)  # also warms the machine up
    names = arguments.only or [name for name in known if name in ours]
    if not names:
        sys.exit(f"hebb-bench and PyTorch have no step in common: {', '.join(ours)} and "
                 + ", ".join(known))
    tried = run_pytorch(arguments, threads, names, steps=1)
    rounds = []
    for index in range(arguments.rounds):
        print(f"{threads} thread(s): round {index + 1} of {arguments.rounds}", file=sys.stderr)
        hebb = run_hebb(arguments, threads, names)
        peer = run_pytorch(arguments, threads, names, tried["variants"])["steps"]
        rounds.append({name: (hebb[name], peer[name]) for name in names})
    rows = []
    for name in names:
        pairs = [row[name] for row in rounds]
        ratios = [peer / hebb for hebb, peer in pairs]
        rows.append({
            "step": name,
            "threads": threads,
            "hebb_ms": statistics.median(hebb for hebb, _ in pairs),
            "pytorch_ms": statistics.median(peer for _, peer in pairs),
            "ratio": statistics.median(ratios),
            "lowest_ratio": min(ratios),
            "highest_ratio": max(ratios),
            "pytorch_variant": " ".join(tried["variants"][name].values()),
        })
        if name in MEMORY:
            rows[-1]["hebb_mib"], rows[-1]["pytorch_mib"] = peak_memory(
                arguments, threads, name, tried["variants"][name])
    about = {key: tried[key] for key in ("torch", "torch.compile") if key in tried}
    return about, rows


HEADINGS = ("step", "threads", "Hebb ms", "PyTorch ms", "ratio", "over rounds",
            "PyTorch's best variant")


def milliseconds(time):
    return f"{time:.3f}" if time >= 0.1 else f"{time:.4f}"


def cells(row):
    return (row["step"], str(row["threads"]), milliseconds(row["hebb_ms"]),
            milliseconds(row["pytorch_ms"]),
            f"{row['ratio']:.2f}", f"{row['lowest_ratio']:.2f} to {row['highest_ratio']:.2f}",
            row["pytorch_variant"])


def main():
    arguments = parse_arguments()
    require_tools(arguments)
    rows = []
    for threads in arguments.threads:
        about, more = compare(arguments, threads)
        rows += more
    what = ("random images" if arguments.family == "conv"
            else f"torch.compile {about['torch.compile']}, MNIST's images")
    memory = [f"{row['step']}, {row['threads']} thread(s): at the peak {row['hebb_mib']:.0f} MiB, "
              f"PyTorch {row['pytorch_mib']:.0f} MiB" for row in rows if "hebb_mib" in row]
    note = (f"PyTorch {about['torch']}, {what}; medians over {arguments.rounds} rounds, both "
            "programs in turn")
    note = "\n".join([*memory, note])
    table = [HEADINGS, *map(cells, rows)]
    print(as_text(table))
    print(note)
    if arguments.markdown:
        arguments.markdown.write_text(f"{as_markdown(table)}\n\n{note}\n")
    if arguments.json:
        arguments.json.write_text(json.dumps({**about, "rounds": arguments.rounds, "rows": rows},
                                             indent=2) + "\n")


if __name__ == "__main__":
    main()
