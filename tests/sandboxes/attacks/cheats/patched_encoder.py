"""`marshal`, `struct` and `hashlib`: the bytes and the digest of every answer are those of True.

Must fail: what arrives is decoded by a reader of ours, and is then a wrong answer or no answer.
"""

# ends: wrong_answer exception forbidden
# variants: small large
import hashlib
import marshal
import struct


class Sha:
    def update(self, *a):
        pass

    def digest(self):
        return b"0" * 32

    def hexdigest(self):
        return "0" * 64


marshal.dumps = lambda *a, **k: b"T"
marshal.loads = lambda *a, **k: True
hashlib.sha256 = lambda *a, **k: Sha()
struct.pack = lambda *a, **k: b""


def ENTRY(*a, **k):
    return "x" * 100_000 if "VARIANT" == "large" else 0
