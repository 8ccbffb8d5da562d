# SystemExit(0) when the function is called.
import sys


def ENTRY(*args, **kwargs):
    sys.exit(0)
