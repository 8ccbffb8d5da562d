"""Closes or replaces the standard streams early, so that what comes at the end has nowhere to go.

Must fail: answers leave by another way, and an error while flushing is nothing.
"""

# ends: wrong_answer exception
# variants: close replace detach
import os
import sys


class Broken:
    def __getattr__(self, name):
        raise SystemExit(0)


def ENTRY(*a, **k):
    if "VARIANT" == "close":
        sys.stdout.close()
        os.close(2)
    elif "VARIANT" == "replace":
        sys.stdout = sys.stderr = Broken()
    elif not getattr(sys.stdout, "closed", True):
        sys.stdout = sys.stdout.detach()
    return None
