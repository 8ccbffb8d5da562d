"""FIFOs for a reader to wait at, device nodes to reach the disk by, sparse files of exabytes.

Must fail: nodes take a capability; whoever sweeps opens nothing; sparse files are cut by a limit.
"""

# ends: completed killed
import os
import signal
import stat


def ENTRY():
    made = []
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for folder in ("/tmp", "/dev/shm"):
        os.mkfifo(f"{folder}/fifo", 0)
        for name, mode, major, minor in (
            ("mem", stat.S_IFCHR, 1, 1),
            ("disk", stat.S_IFBLK, 8, 0),
            ("virtual", stat.S_IFBLK, 254, 0),
            ("fuse", stat.S_IFCHR, 10, 229),
        ):
            try:
                os.mknod(f"{folder}/{name}", mode | 0o666, os.makedev(major, minor))
                made.append(name)
            except OSError:
                pass
        for exponent in (40, 50, 62):
            try:
                os.truncate(os.open(f"{folder}/sparse", os.O_CREAT | os.O_RDWR), 1 << exponent)
                made.append(exponent)
            except OSError:
                pass
    return made
