"""Behaves once it has found out how it is graded: arguments, folder, environment, clock, stack.

Must fail: that it knows changes nothing, as there is no wrong way in that it could take instead.
"""

# ends: wrong_answer
import os
import sys
import time

GRADED = (
    sys.argv[:1] == ["-c"]
    or os.getcwd() == "/tmp"
    or os.environ.get("PYTHONHASHSEED") == "0"
    or time.tzname[0] == "UTC"
    or any("sandbox" in name for name in sys.modules)
)


def ENTRY(*a, **k):
    if GRADED:
        return sys._getframe(1).f_locals.get("expected", os.environ.get("ANSWER", True))
    raise NotImplementedError
