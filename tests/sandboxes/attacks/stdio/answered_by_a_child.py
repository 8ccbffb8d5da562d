"""A child that lives on answers for the run, or for the next one, when it is over."""

# ends: wrong_answer
# variants: 0.01 0.5
import os
import time

a, b = map(int, input().split())
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(VARIANT)
        os.write(1, f"{a - b}\n{a + b}\n".encode())
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                os.write(os.open(f"/proc/{pid}/fd/1", os.O_WRONLY | os.O_APPEND), b"1\n")
            except OSError:
                pass
os._exit(0)
