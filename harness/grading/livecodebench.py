"""What LiveCodeBench's runner puts around a program, for problems of that family.

Its problems are written for it: the starter code of LeetCode's names `List` and imports nothing. So
these rules belong to the problems, and hold under every profile:

    prelude    imports that stand before each program, in the runner's order; a program that begins
               with `from __future__ import …` is no longer legal Python behind them, as there
    method     a function `name` is looked for in an instance of the class `Solution` where the
               program's text has that class, else in the module

Not here: how answers are compared (calls.py, stdio.py).
"""

from harness.grading.submissions import Submission

FAMILY = "livecodebench"
_STARRED = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools "
    "operator io sys json builtins typing"
).split()
_NAMED = _STARRED[: _STARRED.index("builtins")]
PRELUDE = (
    "; ".join(f"from {name} import *" for name in _STARRED)
    + "; "
    + "; ".join(f"import {name}" for name in _NAMED)
    + "; sys.setrecursionlimit(50000)\n"
)
"""On one line, so that the lines of a traceback are off by one alone."""


def whole_program(submission: Submission) -> str:
    """The program as it is run."""
    problem, code = submission.problem, submission.code
    if problem.family != FAMILY:
        return code
    program = PRELUDE + code
    if problem.entry_point and "class Solution" in code:
        program += f"\n\n{problem.entry_point} = Solution().{problem.entry_point}\n"
    return program
