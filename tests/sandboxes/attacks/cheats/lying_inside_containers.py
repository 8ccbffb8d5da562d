"""Always-equal objects as elements, keys and values of honest containers.

Must fail: containers are walked, and what is opaque inside stays opaque.
"""
# ends: wrong_answer


class Any:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def ENTRY(*a, **k):
    return [Any(), {Any(): Any()}, (Any(),)]
