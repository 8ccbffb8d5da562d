"""Every hook for what nobody caught, made to say that all is well.

Must fail: an exception in the call is recorded by the caller, which asks no hook.
"""

# ends: exception
import os
import sys
import threading

sys.excepthook = threading.excepthook = sys.unraisablehook = lambda *a: os._exit(0)
sys.displayhook = lambda *a: print("PASSED")


def ENTRY(*a, **k):
    raise AssertionError
