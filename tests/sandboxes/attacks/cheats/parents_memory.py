"""Everything under /proc of the parent, the first process and the zygote that could hold an answer.

Must fail: they are of another user and not dumpable, and hold no expected value.
"""

# ends: wrong_answer
import os


def ENTRY(*a, **k):
    best = os.environ.get("EXPECTED")
    for pid in (os.getppid(), 1, 2, 3):
        for name in (
            "mem",
            "environ",
            "maps",
            "stack",
            "fd/0",
            "fd/3",
            "cwd/x",
            "root/x",
            "fdinfo/3",
        ):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as handle:
                    best = handle.read(1 << 16)
            except OSError:
                pass
    return best
