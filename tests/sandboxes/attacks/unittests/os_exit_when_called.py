# os._exit(0) when the function is called.
import os


def ENTRY(*args, **kwargs):
    os._exit(0)
