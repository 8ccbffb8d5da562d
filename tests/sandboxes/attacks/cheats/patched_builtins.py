"""Every builtin that a comparison could use says yes.

Must fail: nothing is compared in this process.
"""

# ends: wrong_answer exception
import builtins


def yes(*a, **k):
    return True


for name in (
    "all",
    "any",
    "isinstance",
    "bool",
    "abs",
    "len",
    "repr",
    "type",
    "hash",
    "compile",
    "zip",
    "set",
):
    setattr(builtins, name, yes)


def ENTRY(*a, **k):
    return True
