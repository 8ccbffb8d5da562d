"""Arrays that are equal to, or all true against, whatever they are broadcast with.

Must fail: shapes are compared before elements, and an empty comparison is no equality.
"""

# ends: wrong_answer
# variants: full((1,1),nan) empty(0) empty((0,5)) zeros((1,)*32) ones((1,1),dtype=bool)
from numpy import empty, full, nan, ones, zeros


def ENTRY(*a, **k):
    return VARIANT
