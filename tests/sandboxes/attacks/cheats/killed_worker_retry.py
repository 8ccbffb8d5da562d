"""Ends its worker, if it can, for the sake of being lost: a lost job is run again, or not counted.

Must fail: none of these reaches a worker, so the job ends as its own doing.
"""

# ends: wrong_answer exception
import os

for number in (9, 2, 15, 19):
    for pid in (1, 2, os.getppid()):
        try:
            if pid != os.getpid():
                os.kill(pid, number)
        except OSError:
            pass


def ENTRY(*a, **k):
    return True
