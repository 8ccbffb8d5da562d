"""Children that hold the channel and the streams open, and write to them after the job has ended.

Must fail: they are dead before what is still in the pipes is read.
"""

# ends: completed forbidden killed
import os


def ENTRY():
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            while True:
                os.write(1, b"x" * 10_000)
                os.write(2, b"x" * 10_000)
    os._exit(0)
