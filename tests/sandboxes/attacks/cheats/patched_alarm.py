"""Swallows its time limit: the timer of an input is disarmed, its signal blocked and ignored.

Must fail: the supervisor's clock needs no signal that a program can block.
"""

# ends: wrong_answer timeout
import signal
import time

signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_REAL, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
signal.setitimer = signal.signal = lambda *a: (0.0, 0.0)


def ENTRY(*a, **k):
    time.sleep(0.01)
    return None
