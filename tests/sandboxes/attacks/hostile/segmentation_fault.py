"""Crashes the interpreter: a bad address read, written or called, an illegal instruction, an abort.

Must fail: the job is killed by a signal of its own making.
"""

# ends: killed
# variants: read write call illegal abort fpe bus
import ctypes
import mmap
import os
import platform
import signal


def ENTRY():
    if "VARIANT" == "read":
        ctypes.string_at(1)
    elif "VARIANT" == "write":
        ctypes.memset(1, 0, 1)
    elif "VARIANT" == "call":
        ctypes.CFUNCTYPE(None)(1)()
    elif "VARIANT" == "illegal":
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(b"\x0f\x0b" if platform.machine() == "x86_64" else bytes(4))
        ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    elif "VARIANT" == "bus":
        with open("/tmp/short", "w+b") as short:
            short.truncate(4096)
            page = mmap.mmap(short.fileno(), 4096)
            short.truncate(0)
            page[0] = 1
    elif "VARIANT" == "fpe":
        signal.raise_signal(signal.SIGFPE)
    os.abort()
