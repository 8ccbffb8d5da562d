"""A numpy subclass that answers for every ufunc and array function, `array_equal` included.

Must fail: arrays cross as dtype and bytes, and a subclass of them is opaque.
"""

# ends: wrong_answer
import numpy


class Lie(numpy.ndarray):
    def __eq__(self, other):
        return numpy.bool_(True)

    def __array_ufunc__(self, *a, **k):
        return numpy.bool_(True)

    def __array_function__(self, *a, **k):
        return True

    def __array_equal__(self, other):
        return True

    def tobytes(self, *a):
        raise SystemExit(0)


def ENTRY(*a, **k):
    return numpy.zeros(1).view(Lie)
