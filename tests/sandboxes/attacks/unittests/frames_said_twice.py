# A fork of the test process goes on beside it, so that all is said twice.
import os


def ENTRY(*args, **kwargs):
    os.fork()
    return None
