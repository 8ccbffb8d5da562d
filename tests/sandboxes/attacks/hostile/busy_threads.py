"""Spins in many processes at once, so that the machine seems loaded and time seems not its own.

Must fail: time spent waiting for a core that its own processes keep busy counts.
"""

# ends: timeout
# limits: wall_s=0.8 processes=16
import os


def ENTRY():
    for _ in range(8):
        if os.fork() == 0:
            break
    while True:
        pass
