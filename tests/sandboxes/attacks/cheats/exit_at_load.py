"""The same while the program is loaded: before the entry point exists.

Must fail: a program that ended before it had its entry point has answered nothing.
"""

# ends: exception
# variants: SystemExit(0) SystemExit GeneratorExit StopIteration(True) KeyboardInterrupt
raise VARIANT


def ENTRY(*a, **k):
    return True
