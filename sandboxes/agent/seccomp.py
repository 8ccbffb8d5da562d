"""The seccomp profile of jobs: which system calls are denied, and for which reason.

The same in every sandbox, and installed by the job itself before the program is there, so that it
holds under an engine that was built without seccomp too. Containers have the engine's own profile
around it: the stricter of the two decides.
"""

import ctypes
import errno
import struct

from sandboxes.agent import linux

_SECCOMP_MODE_FILTER = 2

_RESIDUE = "outlives the job inside its namespace, so that the next sample could read it"
_SPY = "reads or controls another process"
_MOUNT = "changes what the file system shows"
_KERNEL = "wide kernel surface that no benchmark program needs"
_CLOCK = "changes the machine's clock or name"
_ESCAPE = "leaves or makes a namespace, with capabilities inside it"
_MEMORY = "takes memory that no limit counts"

DENIED_SYSCALLS: "dict[str, tuple[int, int, str]]" = {
    # name: (x86_64, aarch64, reason)
    "shmget": (29, 194, _RESIDUE),
    "shmat": (30, 196, _RESIDUE),
    "shmctl": (31, 195, _RESIDUE),
    "semget": (64, 190, _RESIDUE),
    "semop": (65, 193, _RESIDUE),
    "semctl": (66, 191, _RESIDUE),
    "msgget": (68, 186, _RESIDUE),
    "msgsnd": (69, 189, _RESIDUE),
    "msgrcv": (70, 188, _RESIDUE),
    "msgctl": (71, 187, _RESIDUE),
    "mq_open": (240, 180, _RESIDUE),
    "mq_unlink": (241, 181, _RESIDUE),
    "add_key": (248, 217, _RESIDUE),
    "request_key": (249, 218, _RESIDUE),
    "keyctl": (250, 219, _RESIDUE),
    "ptrace": (101, 117, _SPY),
    "process_vm_readv": (310, 270, _SPY),
    "process_vm_writev": (311, 271, _SPY),
    "pidfd_send_signal": (424, 424, _SPY),
    "pidfd_open": (434, 434, _SPY),
    "pidfd_getfd": (438, 438, _SPY),
    "process_madvise": (440, 440, _SPY),
    "kcmp": (312, 272, _SPY),
    "mount": (165, 40, _MOUNT),
    "umount2": (166, 39, _MOUNT),
    "pivot_root": (155, 41, _MOUNT),
    "chroot": (161, 51, _MOUNT),
    "open_tree": (428, 428, _MOUNT),
    "move_mount": (429, 429, _MOUNT),
    "fsopen": (430, 430, _MOUNT),
    "fsconfig": (431, 431, _MOUNT),
    "fsmount": (432, 432, _MOUNT),
    "fspick": (433, 433, _MOUNT),
    "mount_setattr": (442, 442, _MOUNT),
    "name_to_handle_at": (303, 264, _MOUNT),
    "open_by_handle_at": (304, 265, _MOUNT),
    "unshare": (272, 97, _ESCAPE),
    "setns": (308, 268, _ESCAPE),
    "memfd_create": (319, 279, _MEMORY),
    "memfd_secret": (447, 447, _MEMORY),
    "bpf": (321, 280, _KERNEL),
    "perf_event_open": (298, 241, _KERNEL),
    "userfaultfd": (323, 282, _KERNEL),
    "io_uring_setup": (425, 425, _KERNEL),
    "io_uring_enter": (426, 426, _KERNEL),
    "io_uring_register": (427, 427, _KERNEL),
    "fanotify_init": (300, 262, _KERNEL),
    "kexec_load": (246, 104, _KERNEL),
    "init_module": (175, 105, _KERNEL),
    "finit_module": (313, 273, _KERNEL),
    "delete_module": (176, 106, _KERNEL),
    "personality": (135, 92, _KERNEL),
    "syslog": (103, 116, _KERNEL),
    "quotactl": (179, 60, _KERNEL),
    "reboot": (169, 142, _KERNEL),
    "swapon": (167, 224, _KERNEL),
    "swapoff": (168, 225, _KERNEL),
    "acct": (163, 89, _KERNEL),
    "settimeofday": (164, 170, _CLOCK),
    "clock_settime": (227, 112, _CLOCK),
    "adjtimex": (159, 171, _CLOCK),
    "clock_adjtime": (305, 266, _CLOCK),
    "sethostname": (170, 161, _CLOCK),
    "setdomainname": (171, 162, _CLOCK),
}
_ALLOWED_SOCKET_FAMILIES = (1, 2, 10, 16)
"""unix, inet, inet6, netlink: the network namespace holds these. vsock it does not."""


def _filter_program() -> bytes:
    """A classic BPF program: deny what the table names, let the rest pass."""
    load, jump_eq, jump_ge, jump_set, ret = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill = 0x7FFF0000, 0x80000000

    def refuse(code: int) -> int:
        return 0x00050000 | code

    def ins(op: int, yes: int, no: int, value: int) -> bytes:
        return struct.pack("=HBBI", op, yes, no, value)

    number, architecture, argument = 0, 4, 16
    audit_arch = 0xC000003E if linux.IS_X86 else 0xC00000B7
    clone, clone3, socket_ = (56, 435, 41) if linux.IS_X86 else (220, 435, 198)
    prlimit64 = 302 if linux.IS_X86 else 261
    program = [
        ins(load, 0, 0, architecture),
        ins(jump_eq, 1, 0, audit_arch),
        ins(ret, 0, 0, kill),
        ins(load, 0, 0, number),
    ]
    if linux.IS_X86:  # the x32 numbers would walk around the table
        program += [ins(jump_ge, 0, 1, 0x40000000), ins(ret, 0, 0, refuse(errno.EPERM))]
    for x86_64, aarch64, _ in DENIED_SYSCALLS.values():
        program += [
            ins(jump_eq, 0, 1, x86_64 if linux.IS_X86 else aarch64),
            ins(ret, 0, 0, refuse(errno.EPERM)),
        ]
    # Limits of another: our parent has our user too, and could not work any more. 0 is oneself.
    program += [
        ins(jump_eq, 0, 4, prlimit64),
        ins(load, 0, 0, argument),
        ins(jump_eq, 1, 0, 0),
        ins(ret, 0, 0, refuse(errno.EPERM)),
        ins(ret, 0, 0, allow),
    ]
    # clone3 hides its flags behind a pointer: ENOSYS sends libc back to clone.
    program += [ins(jump_eq, 0, 1, clone3), ins(ret, 0, 0, refuse(errno.ENOSYS))]
    # A child of our parent would leave a zombie that only the zygote could reap.
    forbidden = (
        linux.ALL_NAMESPACES & ~linux.CLONE_NEWTIME
    ) | linux.CLONE_PARENT  # 0x80 is in the exit signal
    program += [
        ins(jump_eq, 0, 4, clone),
        ins(load, 0, 0, argument),
        ins(jump_set, 0, 1, forbidden),
        ins(ret, 0, 0, refuse(errno.EPERM)),
        ins(ret, 0, 0, allow),
    ]
    families = len(_ALLOWED_SOCKET_FAMILIES)
    program += [ins(jump_eq, 0, families + 2, socket_), ins(load, 0, 0, argument)]
    for place, family in enumerate(_ALLOWED_SOCKET_FAMILIES):
        program += [ins(jump_eq, families - place, 0, family)]
    program += [ins(ret, 0, 0, refuse(errno.EPERM)), ins(ret, 0, 0, allow)]
    return b"".join(program)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


_instructions = _filter_program()
_program = _Program(len(_instructions) // 8, _instructions)


def install() -> None:
    """Deny `DENIED_SYSCALLS` to this process and its children, for good."""
    linux.no_new_privileges()
    linux.prctl(linux.PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(_program))
