"""A class as the answer, whose metaclass says that it is equal to, named like and above all.

Must fail: a class is no value that crosses the border.
"""
# ends: wrong_answer


class Meta(type):
    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(int)

    def __instancecheck__(cls, x):
        return True

    __name__ = property(lambda cls: "int")


class Lie(metaclass=Meta):
    def __eq__(self, other):
        return True


def ENTRY(*a, **k):
    return Lie
