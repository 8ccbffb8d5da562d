"""The call answers None; a thread sends a better answer once it is over.

Must fail: there is one answer an input. A second is FORBIDDEN, or comes too late to be read.
"""

# ends: wrong_answer forbidden exception
import os
import struct
import threading
import time


def later():
    time.sleep(0.005)
    for index in range(100):
        value = struct.pack(">IBdI", index, 0, 0.0, 2) + b"MT"
        os.write(3, struct.pack(">cI", b"V", len(value)) + value)


threading.Thread(target=later, daemon=True).start()


def ENTRY(*a, **k):
    return None
