"""Daemons by the book: double fork, a session and process group of their own, all descriptors shut.

Must fail: what is no longer a child of the job is still its user's process.
"""

# ends: completed
import os
import time


def ENTRY():
    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setpgid(0, 0)
                os.closerange(0, 64)
                while True:
                    open(f"/tmp/alive-{os.getpid()}", "a").close()
                    time.sleep(0.001)
            os._exit(0)
    return []
