"""Exceptions that `except Exception` lets through and an interpreter takes for a quiet end.

Must fail: each is an exception like any other, at load and in the call.
"""
# ends: exception
# variants: SystemExit(0) SystemExit GeneratorExit StopIteration(True) KeyboardInterrupt


def ENTRY(*a, **k):
    raise VARIANT
