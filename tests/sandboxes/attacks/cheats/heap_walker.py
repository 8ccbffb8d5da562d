"""Looks among all objects for a list as long as the inputs, beside the list that holds these.

Must fail: the process was forked from one that never saw an output.
"""

# ends: wrong_answer
import gc


def ENTRY(*a, **k):
    for thing in gc.get_objects():
        try:
            if type(thing) in (list, tuple) and 1 < len(thing) < 200 and a in thing:
                index = thing.index(a)
                for other in gc.get_referrers(thing):
                    for pair in other.values() if type(other) is dict else other:
                        if type(pair) is list and pair is not thing and len(pair) == len(thing):
                            return pair[index]
        except Exception:
            pass
    return None
