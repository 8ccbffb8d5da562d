"""The process becomes /bin/true, which succeeds at everything.

Must fail: the descriptor of the channel may survive, an answer on it does not come.
"""

# ends: exception
# variants: load call
import os


def ENTRY(*a, **k):
    os.set_inheritable(3, True)
    os.execv("/bin/true", ["true"])


if "VARIANT" == "load":
    ENTRY()
