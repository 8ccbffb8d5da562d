"""Puts the channel in the place of the standard streams, and these in the place of the channel.

Must fail: text on the channel is no frame; what is due on it never comes.
"""

# ends: forbidden killed
import os


def ENTRY():
    os.dup2(3, 1)
    os.dup2(3, 2)
    os.write(1, b"hello, is this the grader?" * 100)
    os.dup2(0, 3)
    return []
