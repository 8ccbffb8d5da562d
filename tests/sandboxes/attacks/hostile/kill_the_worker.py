"""Signals to the parent, to the first processes, to every process that there is, to its group.

Must fail: they are another user's. What reaches the job itself is the job's own death.
"""

# ends: completed killed
# variants: parent first all group every
import os
import signal


def ENTRY():
    targets = {
        "parent": [os.getppid()],
        "first": [1, 2, 3],
        "all": [-1],
        "group": [0],
        "every": [int(name) for name in os.listdir("/proc") if name.isdigit()],
    }["VARIANT"]
    reached = []
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # or it were an exception of Python's
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGUSR1):
        for pid in targets:
            if pid in (os.getpid(), int(os.readlink("/proc/self"))):
                continue
            if pid == 0 and number == signal.SIGSTOP:
                continue  # the group is its own: it would only wait until its time is up
            try:
                os.kill(pid, number)
                # Of a number of our own namespace: 1 is we ourselves there, and -1 only ours.
                if pid > 1 or (pid == 1 and os.getpid() != 1):
                    reached.append((pid, int(number)))
            except OSError:
                pass
    return reached
