# A daemon survives the first run and kills the others.
import os
import signal
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        deadline = time.time() + 5
        while time.time() < deadline:
            time.sleep(0.001)
            for pid in range(2, 100):
                if pid != os.getpid():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except OSError:
                        pass
    os._exit(0)


def ENTRY(*args, **kwargs):
    return None
