"""Reads the answer from standard input, where a careless runner could leave it.

Must fail: standard input is empty.
"""

# ends: wrong_answer exception
import os
import sys


def ENTRY(*a, **k):
    try:
        return eval(input())
    except EOFError:
        pass
    return os.read(0, 1 << 16) or sys.stdin.read() or None
