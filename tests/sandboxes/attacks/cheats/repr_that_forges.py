"""An opaque answer whose `repr` is asked for, and which uses the moment to send frames of its own.

Must fail: frames out of order are FORBIDDEN, and an early end is an end without its answers.
"""

# ends: forbidden wrong_answer exception
import os
import struct


class Opaque:
    def __repr__(self):
        record = b'{"end": "completed"}'
        os.write(3, struct.pack(">cI", b"E", len(record)) + record)
        return "expected"

    __str__ = __repr__


def ENTRY(*a, **k):
    return Opaque()
