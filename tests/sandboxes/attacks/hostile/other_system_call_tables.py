"""The same calls by other doors: the 32-bit table by `int 0x80`, the x32 numbers.

Must fail: a call from another table kills the job, or is denied.
"""

# ends: completed killed
# variants: x32 int80
import ctypes
import mmap
import os
import platform


def ENTRY():
    if platform.machine() != "x86_64":
        return []
    libc = ctypes.CDLL(None)
    if "VARIANT" == "x32":
        return [
            n for n in (29, 101, 165, 272, 310) if libc.syscall(0x40000000 + n, 0, 0, 0, 0) >= 0
        ]
    # mov eax, 310 (unshare); mov ebx, CLONE_NEWUSER; int 0x80; ret
    code = b"\x53\xb8\x36\x01\x00\x00\xbb\x00\x00\x00\x10\xcd\x80\x5b\xc3"
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return [os.getpid()] if function() == 0 else []
