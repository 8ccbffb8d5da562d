"""Children that are stopped, traced or frozen: they take no signal but SIGKILL and SIGCONT.

Must fail: SIGKILL reaches a stopped process too.
"""

# ends: completed
import os
import signal
import time


def ENTRY():
    for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN):
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            os.kill(os.getpid(), number)
            time.sleep(600)
            os._exit(0)
    time.sleep(0.02)
    return []
