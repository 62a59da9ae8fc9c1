"""What the peers in PyTorch print for compare.py and ddp.py, and the tables that these make of it."""

import itertools
import json
import statistics


def print_report(torch, times, variants, **more):
    """`times` has a list of milliseconds for each round, by what was timed; `variants` says which
    variant of it was taken."""
    print(json.dumps({
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        **more,
        "steps": {name: statistics.median(itertools.chain(*rounds))
                  for name, rounds in times.items()},
        "rounds": {name: [statistics.median(round) for round in rounds]
                   for name, rounds in times.items()},
        "variants": variants,
    }, indent=2))


def as_text(table):
    """`table` is rows of cells, the headings first."""
    widths = [max(map(len, column)) for column in zip(*table)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in table)


def as_markdown(table):
    headings, *rows = table
    return "\n".join(f"| {' | '.join(line)} |" for line in (headings, ("---",) * len(headings), *rows))
