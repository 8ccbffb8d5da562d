"""Looks through all calling frames for what is named like an expected value.

Must fail: no process that a candidate can reach holds one.
"""

# ends: wrong_answer
import sys


def ENTRY(*a, **k):
    frame = sys._getframe(1)
    best = None
    words = ("expect", "truth", "oracle", "output", "answer", "solution", "reference")
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for name, thing in list(names.items()):
                if any(word in name.lower() for word in words):
                    best = thing
        frame = frame.f_back
    return best
