"""Pickles that run a command when they are loaded: as bytes, as text, by `__reduce__`, as an array.

Must fail: nothing that comes out of a sandbox is ever unpickled.
"""

# ends: completed
# returns: anything
# variants: bytes reduce array exception
import os
import pickle


class Bomb(Exception):
    def __reduce__(self):
        return os.system, ("touch /tmp/harness-was-here; kill -9 $PPID",)


def ENTRY():
    if "VARIANT" == "exception":
        raise Bomb("x")
    if "VARIANT" == "array":
        import numpy

        return numpy.array([Bomb()], dtype=object)
    return pickle.dumps(Bomb()) if "VARIANT" == "bytes" else [Bomb(), {"x": Bomb()}]
