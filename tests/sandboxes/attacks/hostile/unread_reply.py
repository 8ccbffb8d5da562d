"""Asks for reply after reply, and reads none of them.

Must fail: nobody waits for a job that does not listen, and a second question too many is FORBIDDEN.
"""

# ends: forbidden killed
import os
import struct


def ENTRY():
    digest = struct.pack(">cBQ32s", b"D", 2, 100_000, bytes(32))
    for _ in range(100_000):
        value = struct.pack(">IBdI", 0, 0, 0.0, len(digest)) + digest
        os.write(3, struct.pack(">cI", b"V", len(value)) + value)
    return []
