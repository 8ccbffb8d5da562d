# The parent is stopped: whoever waits for it would wait for minutes.
import os
import signal


def ENTRY(*args, **kwargs):
    os.kill(os.getppid(), signal.SIGSTOP)
    return None
