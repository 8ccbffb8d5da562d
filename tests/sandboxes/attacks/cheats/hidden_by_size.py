"""An answer so long that a grader might compare its beginning, its length or its print only.

Must fail: a digest covers all of it.
"""
# ends: wrong_answer out_of_memory
# variants: string list bytes nested


def ENTRY(*a, **k):
    return {
        "string": lambda: str(a[:1]) + " " * 3_000_000,
        "list": lambda: list(a) + [None] * 300_000,
        "bytes": lambda: bytes(3_000_000),
        "nested": lambda: [[list(a)] * 1000] * 100,
    }["VARIANT"]()
