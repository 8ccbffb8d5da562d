"""A subclass of a library type that the codec has a tag for, with methods that lie.

Must fail: only the exact types are sent as themselves; their subclasses are opaque.
"""

# ends: wrong_answer exception
# variants: Counter OrderedDict deque defaultdict Decimal Fraction date
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date
from decimal import Decimal
from fractions import Fraction


class Lie(VARIANT):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0

    def __iter__(self):
        raise SystemExit(0)

    def items(self):
        raise SystemExit(0)

    def as_tuple(self):
        return True

    default_factory = numerator = denominator = year = property(lambda self: True)


def ENTRY(*a, **k):
    return Lie(2000, 1, 1) if VARIANT is date else Lie()
