"""The wide surface: keys, bpf, perf, userfaultfd, io_uring, modules, kexec, memory files, IPC.

Must fail: all of it is denied by the filter.
"""

# ends: completed
import ctypes
import platform

libc = ctypes.CDLL(None)
COLUMN = 0 if platform.machine() == "x86_64" else 1
CALLS = {
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "syslog": (103, 116),
    "swapon": (167, 224),
    "reboot": (169, 142),
    "acct": (163, 89),
    "fanotify_init": (300, 262),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
}


def ENTRY():
    block = ctypes.create_string_buffer(b"harmful", 256)
    return [
        name
        for name, numbers in CALLS.items()
        for arguments in ((0, 0, 0, 0, 0), (block, 1, 0o1000, 0, 0), (1, block, block, 8, -3))
        if libc.syscall(numbers[COLUMN], *arguments) >= 0
    ]
