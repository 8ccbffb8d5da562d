"""A gigabyte into the channel of answers, announced as a frame of that length, or as many.

Must fail: what nobody asked for is FORBIDDEN long before it fills the harness's memory.
"""

# ends: forbidden
# variants: one many
import os
import struct


def ENTRY():
    if "VARIANT" == "one":
        os.write(3, struct.pack(">cI", b"V", 1 << 30))
    for _ in range(16_000):
        os.write(3, struct.pack(">cI", b"Z", 65_531) + bytes(65_531))
    return []
