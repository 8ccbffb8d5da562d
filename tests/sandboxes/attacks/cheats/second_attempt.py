"""Stalls at first, to be run again alone, and takes the second run for a chance: it left a note.

Must fail: the note is swept away, the second run has the same rules, and both are timeouts.
"""

# ends: timeout
import os
import time

NOTES = ("/tmp/note", "/dev/shm/note")
FIRST = not any(map(os.path.exists, NOTES))
for note in NOTES:
    open(note, "w").close()


def ENTRY(*a, **k):
    if FIRST:
        time.sleep(30)
    return True
