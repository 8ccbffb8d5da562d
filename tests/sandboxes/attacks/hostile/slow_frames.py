"""Sends its answer byte by byte, so slowly that it never ends, or in a million frames of nothing.

Must fail: the clock goes on while somebody listens.
"""

# ends: timeout completed
# limits: wall_s=0.6
# returns: anything
# variants: byte_by_byte empty_frames
import os
import struct
import time


def ENTRY():
    if "VARIANT" == "empty_frames":
        for _ in range(20_000):
            os.write(3, struct.pack(">cI", b"V", 0))
        return []
    for byte in struct.pack(">cI", b"V", 1000) + bytes(1000):
        os.write(3, bytes([byte]))
        time.sleep(0.05)
