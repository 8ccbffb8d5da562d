"""Takes the inputs away while the first is answered, so that there is nothing left to be wrong on.

Must fail: how many answers are due is known outside.
"""

# ends: wrong_answer forbidden exception
import gc


def ENTRY(*a, **k):
    for thing in gc.get_objects():
        if type(thing) is list and a in thing:
            thing.clear()
    for argument in a:
        try:
            argument.clear()
        except Exception:
            pass
    return a[0] if a else None
