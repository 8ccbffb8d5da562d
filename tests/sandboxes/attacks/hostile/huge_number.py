"""Numbers that are quick to make and slow to write, read or print in decimal.

Must fail: they cross in binary, and nobody prints them unasked.
"""
# ends: completed timeout
# limits: wall_s=2
# returns: anything
# variants: 1<<8_000_000 10**1_000_000 -(7**300_000) [10**5000]*5000 Decimal(10)**999999


def ENTRY():
    from decimal import Decimal  # noqa: F401

    return VARIANT
