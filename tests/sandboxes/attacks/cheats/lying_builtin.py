"""An instance of a builtin's subclass that claims to be equal to everything.

Must fail: the answer is encoded by its exact type and compared outside, where no method of it runs.
"""
# ends: wrong_answer
# variants: object int float str bytes list tuple set frozenset dict


class Lie(VARIANT):
    def __new__(cls, *a, **k):
        return VARIANT.__new__(cls)

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __contains__ = __lt__

    def __hash__(self):
        return 0

    def __len__(self):
        return 1

    def __bool__(self):
        return True

    def __iter__(self):
        return iter(())

    def __float__(self):
        return 0.0

    __int__ = __index__ = __hash__

    def __sub__(self, other):
        return 0

    def __rsub__(self, *a):
        return 0

    __add__ = __radd__ = __mul__ = __rmul__ = __abs__ = __rsub__

    def __repr__(self):
        return "expected"

    __str__ = __repr__

    def __array__(self, *a, **k):
        raise SystemExit(0)

    def __getattr__(self, name):
        return lambda *a, **k: True

    def __reduce__(self):
        return (bool, (1,))

    @property
    def __class__(self):
        return VARIANT


def ENTRY(*a, **k):
    return Lie()
