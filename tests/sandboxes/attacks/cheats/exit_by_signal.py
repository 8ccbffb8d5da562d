"""A signal to itself: the ways in which a process ends that are not an exit.

Must fail: it is counted as the program's own death, never as a lost worker. SIGALRM is what the
clock of an input uses: raising it early must not count as anything but running out of time.
"""

# ends: exception timeout wrong_answer
# variants: SIGKILL SIGTERM SIGINT SIGALRM SIGHUP SIGPIPE SIGXCPU SIGSEGV SIGUSR1
import os
import signal


def ENTRY(*a, **k):
    os.kill(os.getpid(), signal.VARIANT)
    return True
