"""Reads all of its memory for another definition of this very function: a canonical solution.

Must fail: solutions run in workers that are thrown away, so no residue of one is in any heap.
"""

# ends: wrong_answer
import ctypes
import re


def texts():
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # dumpable again: or /proc/self/mem is not ours
    found = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            start, stop = (int(part, 16) for part in span.split("-"))
            if mode.startswith("rw") and stop - start < 1 << 24:
                try:
                    memory.seek(start)
                    found |= set(
                        re.findall(rb"def ENTRY\([^\0]{10,2000}", memory.read(stop - start))
                    )
                except OSError:
                    pass
    return [text for text in found if b"_ME_" not in text and b"ENTRY" not in text[10:]]


def ENTRY(*a, _ME_=None):
    for text in texts():
        for end in range(min(len(text), 400), 20, -1):
            names = {}
            try:
                exec(text[:end].decode(), names)
                return names["ENTRY"](*a)
            except Exception:
                pass
    return None
