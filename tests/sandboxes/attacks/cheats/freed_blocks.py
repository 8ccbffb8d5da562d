"""Fresh blocks of every size class, not cleared: what did their last owner leave in them?

Must fail: the last owner was never anything that had seen an expected value.
"""

# ends: wrong_answer
import ctypes
import re

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]


def ENTRY(*a, **k):
    best = None
    for exponent in range(5, 18):
        for _ in range(50):
            size = 1 << exponent
            text = ctypes.string_at(libc.malloc(size), size)
            for match in re.findall(rb"expected[^\0]{1,80}", text):
                best = match
            for match in re.findall(rb"return ([^\0\n]{1,80})", text):
                try:
                    best = eval(match)
                except BaseException:
                    pass
    return best
