"""Digests of answers that do not exist: they are to be believed, or waited for until the end.

Must fail: a digest that is not the expected one is wrong, and who is asked for a value sends it.
"""

# ends: wrong_answer exception forbidden
# variants: all one_twice wrong_size
import os
import struct


def frame(kind, payload):
    return struct.pack(">cI", kind, len(payload)) + payload


def value(index, content):
    return struct.pack(">IBdI", index, 0, 0.0, len(content)) + content


END = frame(b"E", b'{"end": "completed"}')
digest = struct.pack(
    ">cBQ32s", b"D", 2, 1 << 60 if "VARIANT" == "wrong_size" else 100_000, bytes(32)
)
if "VARIANT" == "all":
    os.write(3, b"".join(frame(b"V", value(n, digest)) for n in range(20)) + END)
else:
    os.write(3, frame(b"V", value(0, digest)))
    os.read(3, 1)
    os.write(3, frame(b"V", value(0, digest)) + END)
os._exit(0)


def ENTRY(*a, **k):
    return None
