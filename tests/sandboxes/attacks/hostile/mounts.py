"""Mounts, unmounts, remounts and moves, by the old calls and the new ones.

Must fail: it takes a capability, and the calls are denied besides.
"""

# ends: completed
import ctypes

libc = ctypes.CDLL(None)


def ENTRY():
    done = []
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, b"") == 0:
        done.append("tmpfs")
    if libc.mount(b"proc", b"/tmp", b"proc", 0, b"") == 0:
        done.append("proc")
    for flags in (32, 32 | 4096, 4096, 8192, 1 << 18):
        if libc.mount(b"/", b"/", None, flags, None) == 0:
            done.append(flags)
    for path in (b"/tmp", b"/proc", b"/usr", b"/dev/shm"):
        if libc.umount2(path, 2) == 0:
            done.append(path)
    for number in (428, 429, 430, 431, 432, 433, 442):
        if libc.syscall(number, 0, b"tmpfs", 0, 0, 0) >= 0:
            done.append(number)
    return done
