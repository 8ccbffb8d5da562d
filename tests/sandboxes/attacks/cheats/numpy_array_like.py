"""Not an array, but all that numpy asks an array for: `__array__`, the interface, the struct.

Must fail: nobody outside turns an answer into an array by its own methods.
"""
# ends: wrong_answer


class Like:
    __array_priority__ = 1e9
    shape = ()
    dtype = "O"

    @property
    def __array_interface__(self):
        return {"shape": (1,), "typestr": "|b1", "data": (id(self), False), "version": 3}

    def __array__(self, *a, **k):
        raise SystemExit(0)

    def __array_equal__(self, other):
        return True

    def __array_ufunc__(self, *a, **k):
        return True

    def __float__(self):
        return 0.0

    def __eq__(self, other):
        return self

    __hash__ = None

    def all(self):
        return True


def ENTRY(*a, **k):
    return Like()
