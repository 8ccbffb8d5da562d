"""The taxonomy: the axes, their names, and the record of one program's tags.

type         exclusive, by priority: what the loop steers by, and what tables are grouped by
constructs   what the reference solution is built of
io           the shapes of arguments and answer, as in `(list[int], int) -> int`
difficulty   counts: how deep, how branched, how long
domains      what the imported libraries are for: BigCodeBench's seven

Not here: how tags are found (evidence.py, choice.py) and the frozen tables (tables.py).
"""

from typing import Literal, get_args

from pydantic import Field

from harness.records import Record

TAXONOMY_VERSION = 1
"""Grows when any published problem's tags change: a slice never moves under one version."""

ProblemType = Literal[
    "regex",
    "date_time",
    "bits_bases",
    "matrix_grid",
    "dp",
    "stack_queue",
    "combinatorics",
    "recursion",
    "number_theory",
    "math_geometry",
    "dict_count",
    "set_unique",
    "sort_order",
    "tuple",
    "string",
    "list_array",
    "arith_expr",
    "other",
]

TYPES: tuple[str, ...] = get_args(ProblemType)
"""The steering axis, in the order of priority: of two types that a problem shows evidence of, the
earlier one is its type. `other` is what shows none."""

OTHER = "other"

MEANING: dict[str, str] = {
    "regex": "regular expressions",
    "date_time": "dates, times, calendars",
    "bits_bases": "bits, binary and other bases",
    "matrix_grid": "matrices and grids",
    "dp": "dynamic programming, recurrences with a table or a rolling state",
    "stack_queue": "stacks, queues, heaps, brackets",
    "combinatorics": "permutations, combinations, pairs, numbers of ways",
    "recursion": "functions that call themselves",
    "number_theory": "primes, divisors, digits, remainders, integer sequences",
    "math_geometry": "geometry, roots, trigonometry, means, rounding",
    "dict_count": "dictionaries, frequencies",
    "set_unique": "sets, duplicates, what is common or different",
    "sort_order": "sorting, ranking, medians",
    "tuple": "tuples",
    "string": "text, words, characters",
    "list_array": "lists: picking, scanning, changing elements",
    "arith_expr": "arithmetic on a few numbers",
    "other": "none of these is to be seen",
}
"""One line a type, for lists."""

DOMAINS: tuple[str, ...] = (
    "Computation",
    "Cryptography",
    "General",
    "Network",
    "System",
    "Time",
    "Visualization",
)
"""What libraries are for, as BigCodeBench's authors sort them."""

Axis = Literal["type", "construct", "domain"]


class Evidence(Record):
    """One thing that was seen, and the tag that it speaks for."""

    axis: Axis
    tag: str
    what: str
    """As a person would say it: `re.sub`, `self-call`, `prompt: "matrix"`."""
    decisive: bool = True
    """Enough alone; else it wants a second one, from the other side (program and prompt)."""


class Difficulty(Record):
    """Counts of the reference solution and of the prompt; none is a rating."""

    loop_depth: int = Field(ge=0)
    """Loops and comprehensions inside one another, at the deepest place."""
    cyclomatic: int = Field(ge=1)
    """1 + decisions (McCabe): `if`, loops, `except`, `and`/`or`, comprehension conditions."""
    ast_size: int = Field(ge=0)
    """Nodes of the syntax tree, docstrings left out."""
    num_params: int = Field(ge=0)
    """Parameters of the entry point."""
    num_conditions: int = Field(ge=0)
    """`if` statements, conditional expressions and comprehension conditions."""
    num_prompt_words: int = Field(ge=0)
    """Words of the prompt's prose: no code, no examples."""


class Tags(Record):
    """What one problem exercises, on each axis, and on what evidence."""

    taxonomy_version: int = TAXONOMY_VERSION
    type: str
    """One of `TYPES`, or a name of a benchmark's own."""
    constructs: tuple[str, ...]
    """Sorted."""
    io: str
    """`?` stands for what neither annotations nor values say."""
    difficulty: Difficulty
    domains: tuple[str, ...] = ()
    """Of the libraries that the solution imports, sorted."""
    evidence: tuple[Evidence, ...]
    """All that was seen, also for types that an earlier one won against."""
