"""An honest array of dtype object whose one element is equal to everything.

Must fail: an array of objects is opaque, elements and all.
"""

# ends: wrong_answer
import numpy


class Any:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def ENTRY(*a, **k):
    return numpy.array([Any()], dtype=object)
