"""Recursion in C: nested containers, `repr`, comparison, the compiler, the parser.

Must fail: at most the job dies, by its own signal.
"""

# ends: completed killed out_of_memory timeout
# limits: memory_mb=128 wall_s=1
# variants: compare parse compile partial destructor
import ast
import functools
import sys


def ENTRY():
    sys.setrecursionlimit(1 << 30)
    deep = []
    other = []
    try:
        if "VARIANT" == "compare":
            for _ in range(300_000):
                deep, other = [deep], [other]
            deep == other  # noqa: B015
        elif "VARIANT" == "parse":
            ast.literal_eval("-" * 300_000 + "1")
        elif "VARIANT" == "compile":
            compile("(" * 100_000 + ")" * 100_000, "x", "eval")
        elif "VARIANT" == "partial":
            for _ in range(300_000):
                deep = functools.partial(int, deep)
            repr(deep)
        else:
            for _ in range(300_000):
                deep = (deep, None)
            del deep
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        pass
    return []
