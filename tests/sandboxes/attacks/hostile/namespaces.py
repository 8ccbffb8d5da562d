"""Makes or enters namespaces: with a user namespace comes every capability inside of it.

Must fail: `unshare`, `setns` and the flags of `clone` are denied; `clone3` is not there.
"""

# ends: completed
import ctypes
import os
import platform

libc = ctypes.CDLL(None)
FLAGS = (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000, 0x80)
CLONE = 56 if platform.machine() == "x86_64" else 220


def ENTRY():
    made = []
    for flag in FLAGS:
        if libc.unshare(flag) == 0:
            made.append(("unshare", flag))
        # 0x80 is part of the exit signal there, and no namespace.
        pid = libc.syscall(CLONE, flag | 17, 0, 0, 0, 0) if flag != 0x80 else -1
        if pid == 0:
            os._exit(0)
        if pid > 0:
            made.append(("clone", flag))
    block = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
    pid = libc.syscall(435, block, 88)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        made.append("clone3")
    for name in ("user", "mnt", "pid", "net"):
        for pid in ("self", "1", str(os.getppid())):
            try:
                handle = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
                if libc.setns(handle, 0) == 0:
                    made.append((pid, name))
            except OSError:
                pass
    return made
