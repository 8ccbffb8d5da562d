"""The tagger: a program and its prompt → tags. Deterministic, and the same for all benchmarks.

Which type wins, of those that there is evidence of:

1. shown by the program: one decisive fact, or a supporting fact and a word of the prompt;
2. said by the prompt: one decisive word;
3. neither: a supporting fact alone; then a supporting word alone; then `other`.

In 1 and 2 together, and within 3, the earlier in the order of `TYPES` wins.

Not here: the frozen tables, which win over this for published benchmarks (tables.py).
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import cast

from harness.problem_types import shapes
from harness.problem_types.constructs import constructs, difficulty
from harness.problem_types.evidence import Seen, shown
from harness.problem_types.keywords import spoken
from harness.problem_types.prose import num_words, prose_of
from harness.problem_types.syntax import Program
from harness.problem_types.taxonomy import OTHER, TYPES, Evidence, Tags
from harness.records import Value


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

    >>> tags = tag_program(
    ...     prompt="Write a function to find the greatest common divisor.",
    ...     entry_point="f",
    ...     solution="def f(a, b):\\n    while b:\\n        a, b = b, a % b\\n    return a",
    ...     tests=[(12, 18)],
    ... )
    >>> tags.type, tags.io
    ('number_theory', '(int, int) -> ?')

    Raises:
        ValueError: the solution is not Python.
    """
    program = Program.parse(solution)
    entry = program.entry(entry_point)
    prose = prose_of(prompt, entry_point)
    calls, answers = shapes.asserted(prompt)
    taken = shapes.parameters(entry, program, tests or calls)
    by_program = list(shown(Seen(program, entry, taken)))
    by_prompt = list(spoken(prose))
    built_of = constructs(program)
    of_domains = list(_domains(program))
    return Tags(
        type=choose(by_program, by_prompt),
        constructs=tuple(built_of),
        io=f"({', '.join(taken)}) -> {shapes.answer(entry, program, answers)}",
        difficulty=difficulty(program, entry, num_words(prose)),
        domains=tuple(sorted({evidence.tag for evidence in of_domains})),
        evidence=(
            *by_program,
            *by_prompt,
            *(
                Evidence(axis="construct", tag=name, what=f"line {line}")
                for name, line in built_of.items()
            ),
            *of_domains,
        ),
    )


def choose(by_program: Sequence[Evidence], by_prompt: Sequence[Evidence]) -> str:
    """The type that wins; see the top of this file."""
    seen = {evidence.tag for evidence in by_program}
    said = {evidence.tag for evidence in by_prompt}
    decided = {evidence.tag for evidence in (*by_program, *by_prompt) if evidence.decisive}
    for tier in (decided | (seen & said), seen, said):
        for type_ in TYPES:
            if type_ in tier:
                return type_
    return OTHER


def _domains(program: Program) -> Iterator[Evidence]:
    for module in program.modules:
        if domain := library_domains().get(module):
            yield Evidence(axis="domain", tag=domain, what=f"import {module}")


@cache
def library_domains() -> dict[str, str]:
    """Module → domain, as BigCodeBench's authors sort the libraries of its tasks."""
    text = resources.files("harness.problem_types").joinpath("library_domains.json").read_text()
    return cast(dict[str, str], json.loads(text))
