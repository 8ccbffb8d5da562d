"""Attaches to, reads and writes every other process: ptrace, process_vm, /proc/<pid>/mem, pidfd.

Must fail: they are of another user, not dumpable, and the calls are denied besides.
"""

# ends: completed
import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
IS_X86 = platform.machine() == "x86_64"
READ, WRITE = (310, 311) if IS_X86 else (270, 271)


def ENTRY():
    reached = []
    me = int(os.readlink("/proc/self"))
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        if pid == me:
            continue
        for request in (16, 0x4206):  # PTRACE_ATTACH, PTRACE_SEIZE
            if libc.ptrace(request, pid, 0, 0) == 0:
                reached.append((pid, "ptrace"))
        block = ctypes.create_string_buffer(16)
        vector = (ctypes.c_size_t * 2)(ctypes.addressof(block), 16)
        for call in (READ, WRITE):
            if libc.syscall(call, pid, vector, 1, vector, 1, 0) >= 0:
                reached.append((pid, "process_vm"))
        if libc.syscall(434, pid, 0) >= 0:
            reached.append((pid, "pidfd_open"))
        for name in ("mem", "environ", "maps", "fd/0", "cwd", "root/tmp", "task/x/mem"):
            for mode in (os.O_RDONLY, os.O_WRONLY):
                try:
                    os.open(f"/proc/{pid}/{name}", mode)
                    reached.append((pid, name))
                except OSError:
                    pass
    return reached
