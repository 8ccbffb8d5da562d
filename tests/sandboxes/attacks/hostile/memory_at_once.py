"""Asks for a terabyte, in the ways that Python has.

Must fail: each is refused at once.
"""
# ends: out_of_memory
# limits: memory_mb=128
# variants: [0]*(1<<37) bytes(1<<40) bytearray(1<<40) 'x'*(1<<40) list(range(1<<40))


def ENTRY():
    return VARIANT
