"""Sets the machine's clock, its rate, its time zone, its name and its domain.

Must fail: all of them are denied.
"""

# ends: completed
import ctypes
import os
import socket
import time


def ENTRY():
    libc = ctypes.CDLL(None)
    changed = []
    try:
        time.clock_settime(time.CLOCK_REALTIME, 0)
        changed.append("clock_settime")
    except OSError:
        pass
    moment = (ctypes.c_long * 2)(1, 0)
    if libc.settimeofday(moment, None) == 0:
        changed.append("settimeofday")
    block = (ctypes.c_uint * 64)(1)
    if libc.adjtimex(block) >= 0:
        changed.append("adjtimex")
    try:
        socket.sethostname("cheat")
        changed.append("sethostname")
    except OSError:
        pass
    if libc.setdomainname(b"cheat", 5) == 0:
        changed.append("setdomainname")
    for path in ("/dev/rtc", "/dev/rtc0", "/etc/localtime", "/proc/sys/kernel/hostname"):
        try:
            os.open(path, os.O_WRONLY)
            changed.append(path)
        except OSError:
            pass
    return changed
