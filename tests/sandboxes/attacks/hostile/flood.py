"""A gigabyte of output, in lines and without a single newline, to either stream.

Must fail: head and tail are kept, the rest is counted, and nobody's memory grows.
"""

# ends: completed timeout
# limits: wall_s=0.6
# variants: stdout stderr stdout_without_newline descriptor
import os
import sys


def ENTRY():
    name, _, kind = "VARIANT".partition("_")
    text = ("x" * 99 + ("" if kind else "\n")) * 1000
    for _ in range(10_000):
        if name == "descriptor":
            os.write(1, text.encode())
        else:
            getattr(sys, name).write(text)
    return []
