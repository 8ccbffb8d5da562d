"""Answers nested 100,000 deep, shared a billion times, or with themselves inside.

Must fail: depth and size are limited where they are written, and again where they are read.
"""
# ends: completed out_of_memory killed timeout
# limits: wall_s=1 memory_mb=256
# returns: anything
# variants: list dict tuple shared cycle


def ENTRY():
    deep = ()
    if "VARIANT" == "shared":  # two to the power of 40, by 40 lists
        for _ in range(40):
            deep = [deep, deep]
        return deep
    if "VARIANT" == "cycle":
        deep = []
        deep += [deep, {"x": deep}]
        return deep
    for _ in range(100_000):
        deep = {"list": lambda x: [x], "dict": lambda x: {0: x}, "tuple": lambda x: (x,)}[
            "VARIANT"
        ](deep)
    return deep
