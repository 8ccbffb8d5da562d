"""An object of a class that is called `int`, in the module `builtins`, with a lying metaclass.

Must fail: types are compared by identity, never by a name that a class gives itself.
"""
# ends: wrong_answer


class Meta(type):
    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(int)


def ENTRY(*a, **k):
    body = {"__module__": "builtins", "__qualname__": "int", "__eq__": lambda self, other: True}
    return Meta("int", (), body | {"__hash__": lambda self: 1})()
