"""Each child takes a little less than its limit; together they take many times of it.

Must fail: what all processes of a job hold together is limited too.
"""

# ends: out_of_memory
# limits: memory_mb=64 processes=32
import os
import time


def ENTRY():
    for _ in range(20):
        if os.fork() == 0:
            held = b"x" * (50 << 20)
            time.sleep(600)
            return [len(held)]
    time.sleep(600)
