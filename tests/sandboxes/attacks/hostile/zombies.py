"""Children that are dead and never waited for, as many as may be.

Must fail: they are inherited, and reaped, by the supervisor.
"""

# ends: completed
# limits: processes=32
import os


def ENTRY():
    for _ in range(300):
        try:
            if os.fork() == 0:
                os._exit(0)
        except OSError:
            break
    return []
