"""Returns its input, in whole, in part or changed in place: what a lazy comparison takes for right.

Must fail: the expected values were made from inputs that no candidate ever touched.
"""
# ends: wrong_answer exception
# variants: whole first mutated aliased


def ENTRY(*a, **k):
    if "VARIANT" == "whole":
        return a
    if "VARIANT" == "mutated" and a and type(a[0]) is list:
        a[0][:] = [0]
    if "VARIANT" == "aliased":
        a = [a, a]
        a.append(a)
        return a
    return a[0] if a else None
