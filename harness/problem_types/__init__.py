"""Problem types: which kinds of problem there are, and which kind a problem is of.

    tags = tags_of(problem)                        # frozen for published benchmarks
    tags = tag_program(prompt=…, entry_point=…, solution=…)   # made on the spot for any other
    benchmark = labelled(benchmark)                # each problem with its type and its split

A type is a property of the problem: it is fixed before any model runs and depends on no verdict.
Published benchmarks have frozen tables (task id and content → tags), so a better tagger moves no
slice of a board that is already out. docs/problem-types.md has the axes and how to audit them.

Not here: rates by type (weakness.py), and what is done about them (generators/).
"""

from collections.abc import Mapping, Sequence

from harness.problem_types.taxonomy import (
    DOMAINS,
    OTHER,
    TAXONOMY_VERSION,
    TYPES,
    Axis,
    Difficulty,
    Evidence,
    Tags,
)
from harness.records import Benchmark, Problem, Split, Value

__all__ = [
    "DOMAINS",
    "OTHER",
    "TAXONOMY_VERSION",
    "TYPES",
    "Axis",
    "Difficulty",
    "Evidence",
    "Tags",
    "labelled",
    "steering_split",
    "tag_program",
    "tags_of",
    "type_of",
]


def tag_program(
    *,
    prompt: str,
    entry_point: str,
    solution: str,
    tests: Sequence[tuple[Value, ...]] = (),
) -> Tags:
    """The tags of any problem: what the syntax tree shows, then what the prompt says.

    `solution` is a whole program that defines `entry_point`; `tests` are argument tuples, of
    which the first few say what the parameters are where annotations don't. Pure, and blind to
    the names in the program: renaming variables, functions and the entry point changes nothing.

    Raises:
        ValueError: the solution is not Python.
    """
    raise NotImplementedError


def tags_of(problem: Problem) -> Tags:
    """The tags of a problem of any benchmark.

    Its own types win where its row names them (`Problem.types`, the first is its type); then
    the frozen table where it has this task with this content; then `tag_program`.
    """
    raise NotImplementedError


def type_of(problem: Problem) -> str:
    """The type of a problem: `problem.types[0]` if it has any, else that of its tags."""
    raise NotImplementedError


def steering_split(benchmark: Benchmark) -> Mapping[str, Split]:
    """Problem id → `steer` or `holdout`: half and half within each type, to one problem.

    Empty for the yardsticks, HumanEval and BigCodeBench-Hard in all their forms: they never
    steer and are reported whole. BigCodeBench's full set is split without its Hard problems,
    which are absent here. Depends on task ids and types alone, so that `mbpp` and `mbpp+` agree,
    and neither order nor seed matters. A problem that names its split itself keeps it.
    """
    raise NotImplementedError


def labelled(benchmark: Benchmark) -> Benchmark:
    """The same benchmark, each problem with `types` (its type first) and `split` filled in.

    Content and hash are the same. A problem of a yardstick has split None.
    """
    raise NotImplementedError
