"""The system calls that Python 3.10 lacks: prctl, capabilities, namespaces, mounts, seccomp.

Thin wrappers over libc that raise OSError. What is granted to the supervisor is
`SUPERVISOR_CAPABILITIES`; what is denied to a job, and why, stands in seccomp.py.
"""

import ctypes
import errno
import os
import platform
import struct

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_NEWCGROUP, CLONE_NEWTIME = 0x02000000, 0x00000080
CLONE_PARENT = 0x00008000
ALL_NAMESPACES = (
    CLONE_NEWNS
    | CLONE_NEWUTS
    | CLONE_NEWIPC
    | CLONE_NEWUSER
    | CLONE_NEWPID
    | CLONE_NEWNET
    | CLONE_NEWCGROUP
    | CLONE_NEWTIME
)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETFCAP = 5, 6, 7, 31
SUPERVISOR_CAPABILITIES = (CAP_KILL, CAP_SETGID, CAP_SETUID)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38

IS_X86 = platform.machine() in ("x86_64", "AMD64")
_SYS_CAPSET, _SYS_PIVOT_ROOT = (126, 155) if IS_X86 else (91, 41)
_SYS_MOUNT_SETATTR = 442


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int = 0, pointer: object = 0) -> None:
    _checked(_libc.prctl(option, value, pointer, 0, 0), f"prctl({option})")


def die_with_parent() -> None:
    prctl(_PR_SET_PDEATHSIG, 9)


def hide_memory(hidden: bool = True) -> None:
    """Not dumpable: no process of another identity may read memory, descriptors or environ.

    Nor may a process without privilege write its own uid_map meanwhile.
    """
    prctl(_PR_SET_DUMPABLE, int(not hidden))


def adopt_orphans() -> None:
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def no_new_privileges() -> None:
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def keep_capabilities(capabilities: "tuple[int, ...]") -> None:
    """Drop every capability but these, from the bounding set too."""
    for capability in range(64):
        if capability not in capabilities:
            try:
                prctl(_PR_CAPBSET_DROP, capability)
            except OSError as error:
                if error.errno == errno.EINVAL:  # beyond the kernel's last capability
                    break
                if error.errno != errno.EPERM:  # without SETPCAP capset below still holds
                    raise
    mask = sum(1 << capability for capability in capabilities)
    header = struct.pack("=Ii", 0x20080522, 0)
    low = struct.pack("=III", mask, mask, 0)
    sets = low + struct.pack("=III", 0, 0, 0)
    _checked(_libc.syscall(_SYS_CAPSET, header, sets), "capset")


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), "unshare")


def map_user(inside: int, user: int, group: int) -> None:
    """In a fresh user namespace: `inside` is the one user and group, outside `user` and `group`."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {user} 1"),
        ("gid_map", f"{inside} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as handle:
            handle.write(text)


def mount(source: str, target: str, kind: "str | None", flags: int, options: str = "") -> None:
    result = _libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _checked(result, f"mount {target}")


def make_read_only(target: str) -> None:
    """Read-only, no setuid, no devices, for a mount and all below it."""
    attributes = struct.pack("=QQQQ", MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
    at_fdcwd, recursive = -100, 0x8000
    if (
        _libc.syscall(
            _SYS_MOUNT_SETATTR, at_fdcwd, target.encode(), recursive, attributes, len(attributes)
        )
        == 0
    ):
        return
    # Kernels before 5.12: one mount at a time, keeping the flags that are locked.
    locked = os.statvfs(target).f_flag & 0xFFF
    mount("", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | locked)


def pivot_into(new_root: str) -> None:
    """Make `new_root` the root directory and let go of the old one."""
    os.chdir(new_root)
    _checked(_libc.syscall(_SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    _checked(_libc.umount2(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")


def bring_up_loopback() -> None:
    """127.0.0.1 works inside a fresh network namespace, as under Docker's `none` network."""
    import fcntl
    import socket

    siocsifflags, iff_up = 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", iff_up)
        fcntl.ioctl(any_socket.fileno(), siocsifflags, request)
