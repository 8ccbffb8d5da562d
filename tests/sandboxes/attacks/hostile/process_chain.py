"""A process that only forks its successor and ends, so that its number is never the same for long.

Must fail: a kill of all the user's processes needs no number.
"""

# ends: completed timeout
# limits: wall_s=2 cpu_s=2
import os
import time


def ENTRY():
    if os.fork() == 0:
        while True:
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                time.sleep(0.001)
    time.sleep(0.05)
    return []
