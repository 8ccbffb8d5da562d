"""Every process forks for ever, ignores every signal that can be ignored, and never ends.

Must fail: the limit of processes counts for this worker's user alone, and the sweep kills all of
them in one step, faster than they fork.
"""

# ends: timeout completed
# limits: wall_s=0.7 processes=32
import os
import signal


def ENTRY():
    for number in range(1, 32):
        if number not in (9, 14, 17, 19):
            signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            os.fork()
        except OSError:
            pass
