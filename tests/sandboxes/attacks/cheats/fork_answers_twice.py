"""Two processes of one program, each with the channel, each with another answer.

Must fail: the second set of answers is out of order, or after the end.
"""

# ends: wrong_answer forbidden exception
import os

child = os.fork()


def ENTRY(*a, **k):
    return child == 0
