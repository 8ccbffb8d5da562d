"""NaN, alone and inside: it is unequal to itself, which loose comparisons get wrong both ways.

Must fail: no problem here expects a NaN, and a NaN is near no number.
"""
# ends: wrong_answer
# variants: float('nan') [float('nan')] complex('nan') {float('nan')} -float('nan')


def ENTRY(*a, **k):
    return VARIANT
