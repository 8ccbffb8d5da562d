"""`atexit` and `threading._register_atexit`: code that runs when all seems over, and exits with 0.

Must fail: nothing is decided by how the process ends.
"""

# ends: wrong_answer exception
import atexit
import os
import sys
import threading

atexit.register(os._exit, 0)
threading._register_atexit(os._exit, 0)


def ENTRY(*a, **k):
    sys.exit(0) if a and a[0] == "never" else None
