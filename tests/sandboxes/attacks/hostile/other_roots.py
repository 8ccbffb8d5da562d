"""`chroot`, `pivot_root`, and the old ways out of them: descriptors, `..`, handles.

Must fail: both are denied; above / there is nothing but /.
"""

# ends: completed
import ctypes
import os
import platform

libc = ctypes.CDLL(None)
PIVOT, HANDLE = (155, 304) if platform.machine() == "x86_64" else (41, 265)


def ENTRY():
    out = []
    os.makedirs("/tmp/root/old")
    for path in (b"/tmp/root", b"/", b"/proc/1/root"):
        if libc.chroot(path) == 0:
            out.append(path)
    if libc.syscall(PIVOT, b"/tmp/root", b"/tmp/root/old") == 0:
        out.append("pivot_root")
    top = os.stat("/")
    above = os.stat("/" + "../" * 100)
    if (top.st_dev, top.st_ino) != (above.st_dev, above.st_ino):
        out.append("above")
    root = os.open("/", os.O_RDONLY)
    handle = (ctypes.c_uint32 * 4)(8, 1, 2, 0)  # the root of an ext4
    if libc.syscall(HANDLE, root, handle, 0) >= 0:
        out.append("open_by_handle_at")
    return out
