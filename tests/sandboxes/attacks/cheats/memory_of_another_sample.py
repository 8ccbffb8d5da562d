"""The same by what outlives files: shared memory, queues, semaphores, keys, abstract sockets.

Must fail: they are denied, or die with the job's namespace or the sweep.
"""

# ends: wrong_answer
import ctypes
import platform
import socket

libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
KEYCTL = 250 if platform.machine() == "x86_64" else 219


def ENTRY(*a, **k):
    segment = libc.shmget(0x7777, 4096, 0o666)
    if segment >= 0:
        return ctypes.string_at(libc.shmat(segment, 0, 0), 64)
    if libc.shmget(0x7777, 4096, 0o1666) >= 0 or libc.msgget(0x7777, 0o1666) >= 0:
        return True
    if libc.syscall(KEYCTL, 0, -3, 1, 0, 0) >= 0:
        return True
    sample = socket.socket(socket.AF_UNIX)
    try:
        sample.connect("\0answers")
        return sample.recv(99)
    except OSError:
        return None
