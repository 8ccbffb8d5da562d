"""Asks the kernel to send signals to the worker whenever the channel is ready: F_SETOWN, O_ASYNC.

Must fail: the kernel checks, when it sends, whether the one who asked may.
"""

# ends: completed killed
import fcntl
import os


def ENTRY():
    for descriptor in (1, 3):
        for pid in (1, 2, os.getppid()):
            if pid == os.getpid():
                continue
            try:
                fcntl.fcntl(descriptor, fcntl.F_SETOWN, pid)
                fcntl.fcntl(descriptor, 10, 9)  # F_SETSIG: SIGKILL
                flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
                fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
            except OSError:
                pass
    os.write(1, b"x" * 1000)
    return []
