"""Exceptions that are huge, nested, grouped, or raise, loop and lie when they are looked at.

Must fail: of an exception a type and 500 characters are kept, whatever it does meanwhile.
"""
# ends: completed timeout killed
# limits: wall_s=0.6
# returns: anything
# variants: huge chain group endless raising nameless


class Endless(Exception):
    def __str__(self):
        while True:
            pass


class Raising(Exception):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__


def ENTRY():
    if "VARIANT" == "huge":
        raise ValueError("x" * 50_000_000)
    if "VARIANT" == "group":
        error = ValueError("x")
        for _ in range(10_000):
            error = ExceptionGroup("x", [error])
        raise error
    if "VARIANT" == "endless":
        raise Endless
    if "VARIANT" == "raising":
        raise Raising
    if "VARIANT" == "nameless":
        raise type("\n" * 10_000, (BaseException,), {"__module__": None, "__qualname__": ""})
    error = None
    for _ in range(10_000):
        later = ValueError("x")
        later.__cause__ = error
        error = later
    raise error
