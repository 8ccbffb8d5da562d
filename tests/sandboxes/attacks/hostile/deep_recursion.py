"""Recursion without end, at Python's limit and far above it.

Must fail: an exception or the death of the job, nothing more.
"""

# ends: completed killed out_of_memory
# limits: memory_mb=48
# variants: limited unlimited
import sys


def ENTRY():
    if "VARIANT" == "unlimited":
        sys.setrecursionlimit(1 << 30)

    def down(n):
        return down(n + 1) + 1

    try:
        return [down(0)]
    except (RecursionError, SystemError, MemoryError):
        return []
