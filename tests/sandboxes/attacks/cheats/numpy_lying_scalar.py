"""A subclass of a numpy scalar that is equal and close to everything.

Must fail: scalars cross by their exact type and bytes.
"""

# ends: wrong_answer
# variants: float64 int64 str_ bool_like
import numpy


class Truth:
    def __bool__(self):
        return True

    def __eq__(self, other):
        return True

    __hash__ = None
    dtype = numpy.dtype(bool)
    shape = ()

    def item(self):
        return True


BASE = getattr(numpy, "VARIANT", Truth)


class Lie(BASE):
    def __eq__(self, other):
        return numpy.True_

    def __hash__(self):
        return 0

    def __sub__(self, other):
        return BASE(0)

    __rsub__ = __sub__

    def tobytes(self, *a):
        raise SystemExit(0)


def ENTRY(*a, **k):
    return Lie()
