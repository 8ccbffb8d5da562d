"""`__del__` of the answer leaves with 0 as soon as the answer is let go of.

Must fail: if it was not sent it does not count, if it was it is compared.
"""

# ends: exception wrong_answer
import os


class Last:
    def __del__(self, leave=os._exit):
        leave(0)


def ENTRY(*a, **k):
    return [Last(), Last()]
