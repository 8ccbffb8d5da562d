"""A dict and a set whose keys all have one hash: quadratic for whoever builds them again.

Must fail: whoever reads an answer has bounded time, and no method of a candidate runs there.
"""
# ends: completed
# returns: anything
# variants: dict set floats


def ENTRY():
    keys = [n * ((1 << 61) - 1) for n in range(3000)]
    if "VARIANT" == "set":
        return set(keys)
    if "VARIANT" == "floats":
        return {float(n) * 2.0**61: n for n in range(3000)}
    return dict.fromkeys(keys, 0)
