"""How the peers in PyTorch time what is called again and again."""

import time


def milliseconds(call, calls, warm_up):
    """The times of calls, after some that are not timed."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return times
