"""Time stands still, or runs backwards, for whoever measures it in this process.

Must fail: clocks that decide are the supervisor's; the answer is wrong besides.
"""

# ends: wrong_answer timeout exception
# variants: still backwards not_a_number
import itertools
import time

count = itertools.count()
moments = {
    "still": lambda: 0.0,
    "backwards": lambda: -1e9 * next(count),
    "not_a_number": lambda: float("nan"),
}
time.time = time.monotonic = time.perf_counter = time.process_time = moments["VARIANT"]
time.sleep = lambda seconds: None


def ENTRY(*a, **k):
    return None
