"""Opens the descriptors of parent and supervisor by /proc and writes the report of a success there.

Must fail: with another user and not dumpable, none of them can be opened.
"""

# ends: wrong_answer
import json
import os
import struct

REPORT = json.dumps({"status": 0, "reason": "", "clean": True, "passed": True}).encode()
FRAME = struct.pack(">cI", b"D", len(REPORT)) + REPORT


def ENTRY(*a, **k):
    written = 0
    for pid in {1, 2, 3, os.getppid()} - {os.getpid()}:
        for descriptor in range(10):
            for way in (os.O_WRONLY, os.O_RDWR):
                try:
                    opened = os.open(f"/proc/{pid}/fd/{descriptor}", way | os.O_NONBLOCK)
                    written += os.write(opened, FRAME)
                except OSError:
                    pass
    return written or None
