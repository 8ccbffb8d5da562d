"""Answers that no codec can carry: cycles, depth, locks, modules, frames, live files.

Must fail: what can't be sent equals nothing.
"""

# ends: wrong_answer exception out_of_memory
# variants: cycle deep module lock file frame code memoryview
import sys
import threading


def ENTRY(*a, **k):
    cycle = {}
    cycle["me"] = [cycle]
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return {
        "cycle": cycle,
        "deep": deep,
        "module": sys,
        "lock": threading.Lock(),
        "file": sys.stdin,
        "frame": sys._getframe(),
        "code": ENTRY.__code__,
        "memoryview": memoryview(b"expected"),
    }["VARIANT"]
