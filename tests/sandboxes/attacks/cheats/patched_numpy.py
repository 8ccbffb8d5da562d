"""`numpy.allclose` and its like say yes, and so do the ufuncs of the very modules.

Must fail: the comparison with tolerance happens outside, with another numpy.
"""

# ends: wrong_answer
import numpy
import numpy.testing


def yes(*a, **k):
    return True


numpy.allclose = numpy.isclose = numpy.array_equal = numpy.equal = numpy.all = yes
numpy.testing.assert_allclose = numpy.testing.assert_equal = yes


def ENTRY(*a, **k):
    return numpy.float64(0)
