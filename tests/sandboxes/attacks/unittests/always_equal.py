# An object that equals everything: as it is; a list that does; under the name and module of a builtin;
# with a __class__ that says int, str or list; in a module whose spec names a file of the standard
# library.
# variants: object list borrowed_name faked_class borrowed_module
import importlib.machinery
import os
import sys
import types


class Anything(list if "VARIANT" == "list" else object):
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
        return 2

    def __bool__(self):
        return True

    def __iter__(self):
        return iter((1, 2))

    def __getitem__(self, key):
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__array"):
            raise AttributeError(name)
        return self

    def __sub__(self, other):
        return 0

    __rsub__ = __sub__

    def __add__(self, other):
        return self

    __radd__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = __add__

    def __abs__(self):
        return 0

    def __float__(self):
        return 0.0

    def __round__(self, *args):
        return 0


if "VARIANT" == "borrowed_name":
    Anything.__module__, Anything.__qualname__ = "collections", "Counter"
    Anything.__name__ = "Counter"

if "VARIANT" == "faked_class":
    kinds = [dict, list, int, str, tuple]

    def next_kind(self):
        kinds.append(kinds.pop(0))
        return kinds[-1]

    Anything.__class__ = property(next_kind)

if "VARIANT" == "borrowed_module":
    borrowed = types.ModuleType("borrowed")
    borrowed.__spec__ = importlib.machinery.ModuleSpec("borrowed", None, origin=os.__file__)
    borrowed.Anything = Anything
    sys.modules["borrowed"] = borrowed
    Anything.__module__, Anything.__qualname__ = "borrowed", "Anything"


def ENTRY(*args, **kwargs):
    return Anything()
