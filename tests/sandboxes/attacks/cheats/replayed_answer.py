"""Gives the call before's input as this call's answer, in the hope that answers are off by one.

Must fail: an answer belongs to the number of its input.
"""

# ends: wrong_answer
last = None


def ENTRY(*a, **k):
    global last
    last, now = a, last
    return now
