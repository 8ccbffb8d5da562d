"""The referee stands still, and its clock with it; whoever waits for it would wait for ever."""

# ends: forbidden
import os
import signal

os.kill(os.getppid(), signal.SIGSTOP)
print("still here")
