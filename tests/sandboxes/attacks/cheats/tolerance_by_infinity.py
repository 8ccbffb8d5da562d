"""Numbers for which |a - b| <= tolerance * |b| is true when it is written the careless way.

Must fail: tolerances scale with the expected value, and infinity is near nothing but itself.
"""
# ends: wrong_answer
# variants: float('inf') -float('inf') 1e308 10**400 [float('inf')] complex('inf')


def ENTRY(*a, **k):
    return VARIANT
