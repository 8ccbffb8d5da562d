"""The referee stands still, so that its clock does; whoever waits for it would wait for ever."""

# ends: forbidden
import os
import signal

os.kill(os.getppid(), signal.SIGSTOP)
a, b = map(int, input().split())
print(f"{a - b}\n{a + b}")
