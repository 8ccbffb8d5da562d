"""A callback of the garbage collector, which runs in the middle of the agent's own code.

Must fail: it can do there what it can do anywhere: change this program's own answers.
"""

# ends: wrong_answer exception forbidden
import gc
import sys


def hook(phase, details):
    frame = sys._getframe(1)
    if frame is not None and "value" in frame.f_locals:
        frame.f_locals["value"] = True
    if frame is not None and "answers" in frame.f_locals:
        frame.f_locals["answers"]._pending.clear()


gc.callbacks.append(hook)
gc.set_threshold(1, 1, 1)


def ENTRY(*a, **k):
    return [[] for _ in range(100)]
