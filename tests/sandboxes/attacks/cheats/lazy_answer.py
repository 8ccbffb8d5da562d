"""Iterators and generators that would answer while they are being compared.

Must fail: a generator is opaque, and nothing outside ever asks it for an element.
"""

# ends: wrong_answer
# variants: generator iterator map range_like
import os


def generator():
    os.write(2, b"asked")
    yield True


class Sequence:
    def __init__(self):
        self.asked = 0

    def __len__(self):
        return 1 << 62

    def __getitem__(self, index):
        self.asked += 1
        return self.asked

    def __iter__(self):
        return self

    def __next__(self):
        return self


def ENTRY(*a, **k):
    return {
        "generator": generator,
        "iterator": lambda: iter(Sequence()),
        "map": lambda: map(lambda x: True, a),
        "range_like": Sequence,
    }["VARIANT"]()
