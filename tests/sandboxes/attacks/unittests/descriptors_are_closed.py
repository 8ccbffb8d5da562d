# All descriptors are closed before the first answer.
import os


def ENTRY(*args, **kwargs):
    os.closerange(0, 256)
    return None
