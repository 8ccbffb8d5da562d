"""Puts easier inputs in the place of all later ones, and of those that the next sample would get.

Must fail: expected values belong to the inputs that were sent; the next job is forked from a
process that this one can't reach.
"""

# ends: wrong_answer exception
import gc

easy = ("",)


def ENTRY(*a, **k):
    for thing in gc.get_objects():
        if type(thing) is list and any(x is a for x in thing):
            thing[:] = [a] * len(thing)
    for argument in a:
        if type(argument) is list:
            argument[:] = argument[:1]
    return None
