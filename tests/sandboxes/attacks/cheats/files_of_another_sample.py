"""Leaves its inputs and guesses for a later sample, and answers from what an earlier one left.

Must fail: the writable folders are empty when a job starts.
"""

# ends: wrong_answer
import os


def ENTRY(*a, **k):
    found = None
    for folder in ("/tmp", "/dev/shm", "/var/tmp", os.getcwd(), "/run", "/dev/mqueue"):
        try:
            for name in os.listdir(folder):
                with open(os.path.join(folder, name)) as left:
                    found = left.read()
            with open(os.path.join(folder, f"answer-{os.getpid()}"), "w") as mine:
                mine.write(repr(a))
        except OSError:
            pass
    return None if found and str(os.getpid()) in found else found
