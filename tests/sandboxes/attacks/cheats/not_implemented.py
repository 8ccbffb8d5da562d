"""`NotImplemented` as the answer: in `==` it means `ask the other side`.

Must fail: it is a singleton of its own that equals no expected value.
"""
# ends: wrong_answer
# variants: NotImplemented Ellipsis type(None)


def ENTRY(*a, **k):
    return VARIANT
