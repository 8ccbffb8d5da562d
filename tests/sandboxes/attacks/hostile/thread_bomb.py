"""Starts threads until it is refused, each of which spins or sleeps for ever.

Must fail: threads count as processes do.
"""

# ends: completed timeout
# limits: processes=32 wall_s=8
import threading
import time


def ENTRY():
    started = 0
    for number in range(2000):
        try:
            threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            started += 1
        except RuntimeError:
            break
    return [started] if started > 32 else []
