"""An alarm for the referee ends nobody but the run that it is in."""

# ends: timeout exception
import os
import signal

os.kill(os.getppid(), signal.SIGALRM)
signal.pause()
