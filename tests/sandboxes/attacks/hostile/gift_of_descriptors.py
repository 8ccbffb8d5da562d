"""Sends descriptors over the channel, hundreds at a time, to be kept open by whoever receives them.

Must fail: the supervisor reads bytes; what comes beside them is closed by the kernel.
"""

# ends: forbidden killed
import array
import os
import socket


def ENTRY():
    channel = socket.socket(fileno=3)
    null = os.open("/dev/null", os.O_RDONLY)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null] * 200))]
    for _ in range(100):
        channel.sendmsg([b"Z"], rights)
    return []
