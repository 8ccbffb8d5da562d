"""As many open files, watches, timers, epolls and locks as there can be.

Must fail: descriptors are few; what the kernel counts by user is counted for this job's user.
"""

# ends: completed
import ctypes
import fcntl
import os
import select

libc = ctypes.CDLL(None)


def ENTRY():
    held = []
    for make in (
        lambda: os.open("/dev/null", os.O_RDONLY),
        libc.inotify_init,
        lambda: select.epoll(),
        lambda: libc.timerfd_create(1, 0),
        lambda: libc.eventfd(0, 0),
    ):
        try:
            for _ in range(1000):
                made = make()
                if made == -1:
                    break
                held.append(made)
        except OSError:
            pass
        if len(held) > 512:
            return [len(held)]
        for descriptor in held:
            os.close(descriptor) if isinstance(descriptor, int) else descriptor.close()
        held.clear()
    for path in ("/etc/passwd", "/dev/null", os.__file__):
        try:
            fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
    return []
