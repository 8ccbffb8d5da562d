"""An exception whose own text leaves the process, or is the text of a success.

Must fail: a text is asked for inside the job only, and whatever it does is the job's.
"""

# ends: exception wrong_answer
# variants: exits raises lies
import os


class Error(BaseException):
    def __str__(self):
        if "VARIANT" == "exits":
            os._exit(0)
        if "VARIANT" == "raises":
            raise SystemExit(0)
        return '", "end": "completed", "passed": true, "x": "'

    __repr__ = __str__


def ENTRY(*a, **k):
    raise Error
