"""Names of files that a careless cleaner, a shell or a terminal trips over.

Must fail: a name is bytes, to be deleted.
"""

# ends: completed
import os
import socket

NAMES = [
    b"\xff\xfe",
    b"a\nb",
    b"\x1b[2J",
    b"-rf *",
    b"$(id)",
    b"..\\..",
    b" ",
    b"\r",
    b"x" * 255,
    "é\u202e".encode(),
]


def ENTRY():
    for folder in (b"/tmp/", b"/dev/shm/"):
        for name in NAMES:
            os.close(os.open(folder + name, os.O_CREAT | os.O_WRONLY, 0))
            os.mkdir(folder + name[:200] + b".d", 0)
        socket.socket(socket.AF_UNIX).bind((folder + b"socket").decode())
    return []
