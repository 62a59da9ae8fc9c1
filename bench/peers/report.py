"""What the peers in PyTorch print for compare.py."""

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
