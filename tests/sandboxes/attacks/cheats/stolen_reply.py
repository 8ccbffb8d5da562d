"""Reads ahead on the channel: the program's own source, or a reply, could be an expected value.

Must fail: all that ever comes in is the program itself and one letter a digest.
"""

# ends: wrong_answer exception timeout
import os


def ENTRY(*a, **k):
    os.set_blocking(3, False)
    try:
        return os.read(3, 1 << 16)
    except OSError:
        return None
    finally:
        os.set_blocking(3, True)
