"""Becomes another user: root, the worker's, the neighbour's, by every call that there is.

Must fail: all capabilities are gone, and nothing that is executed brings them back.
"""

# ends: completed
import ctypes
import os


def ENTRY():
    became = []
    libc = ctypes.CDLL(None)
    me = os.getuid()
    for user in {0, 1, 65534, me + 1, me - 1} - {me}:
        for call in (
            lambda user=user: os.setuid(user),
            lambda user=user: os.setresuid(user, user, user),
            lambda user=user: os.seteuid(user),
            lambda user=user: os.setgid(user),
            lambda user=user: os.setresgid(user, user, user),
            lambda user=user: os.setgroups([user]),
        ):
            try:
                call()
                became.append(user)
            except OSError:
                pass
        libc.setfsuid(user)
        if libc.setfsuid(-1) == user:
            became.append(("fsuid", user))
    for capability in range(41):
        if libc.prctl(47, 2, capability, 0, 0) == 0:  # PR_CAP_AMBIENT_RAISE
            became.append(("capability", capability))
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(("CapInh", "CapPrm", "CapEff", "CapAmb")) and int(
                line.split()[1], 16
            ):
                became.append(line)
    return became
