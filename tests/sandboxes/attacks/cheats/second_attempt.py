"""Stalls at first, to be run again alone, and takes the second run for a chance: it left a note.

Must fail: the note is swept away, the second run has the same rules, and both are timeouts.
"""

# ends: timeout wrong_answer
import os
import time

FIRST = True
for note in ("/tmp/note", "/dev/shm/note", os.path.expanduser("~/note")):
    FIRST = FIRST and not os.path.exists(note)
    open(note, "w").close()


def ENTRY(*a, **k):
    if FIRST:
        time.sleep(30)
    return True
