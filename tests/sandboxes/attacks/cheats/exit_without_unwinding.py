"""`os._exit(0)`: gone before anything could be compared, with the exit code of a success.

Must fail: an exit code proves nothing; a pass needs an answer for every input.
"""

# ends: exception
# variants: load call
import os


def ENTRY(*a, **k):
    os._exit(0)


if "VARIANT" == "load":
    os._exit(0)
