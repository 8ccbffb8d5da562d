"""A program that defines a hundred thousand names, modules, types and threads' worth of locals.

Must fail: all of it is in the job, and gone with it.
"""

# ends: completed
# limits: memory_mb=512
import sys
import types


def ENTRY():
    for number in range(20_000):
        sys.modules[f"harmful{number}"] = types.ModuleType("x")
        sys.intern(f"harmful{number}")
    globals().update({f"type{number}": type(f"T{number}", (), {}) for number in range(5000)})
    sys.setswitchinterval(1000)
    return []
