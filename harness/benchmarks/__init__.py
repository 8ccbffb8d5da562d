"""Benchmarks by name: problems in the publisher's order, each with its tests.

    benchmark = load("humaneval+", data=DataFolders.from_env())

A benchmark is a function that returns a `Benchmark`; the built-in ones are the table below,
and `jsonl:PATH` is a file of the user's own (jsonl.py). The spellings that the peers taught
people (`humaneval_plus`, `HumanEvalPlus`, `HumanEval+`) are understood.

Not here: which types a problem exercises (problem_types.py), how answers are compared (grading/).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from harness.benchmarks import evalplus, jsonl, sanity
from harness.benchmarks.data import DataFolders, spelled
from harness.errors import UnknownName
from harness.records import Benchmark, ProblemNote

__all__ = ["BUILT_IN", "DataFolders", "Loader", "guess", "load", "notes"]

Loader: TypeAlias = Callable[[DataFolders], Benchmark]


def _evalplus(name: str, data: DataFolders) -> Benchmark:
    return evalplus.load(name, data=data)


def _sanity(data: DataFolders) -> Benchmark:
    del data  # it travels inside the package
    return sanity.load()


def _sanity_unittest(data: DataFolders) -> Benchmark:
    del data
    return sanity.load_unittest()


BUILT_IN: Mapping[str, Loader] = {
    **{name: partial(_evalplus, name) for name in sorted(evalplus.NAMES)},
    "sanity": _sanity,
    "sanity-unittest": _sanity_unittest,
}

FAMILIES: Mapping[str, str] = {
    "HumanEval": "humaneval+",
    "Mbpp": "mbpp+",
    "sanity": "sanity",
    "sanity-unittest": "sanity-unittest",
}
"""What stands before the slash of a task id, and the benchmark that is meant by it."""


def load(name: str, *, data: DataFolders) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UnknownName: there is none; the message has the nearest name, or all of them.
        DataError: its file is missing, torn or wrong.
    """
    scheme, colon, path = name.partition(":")
    if colon and scheme == "jsonl":
        return jsonl.load(Path(path).expanduser(), name=name)
    known = spelled(name, BUILT_IN)
    if known is None:
        is_file = name.endswith((".jsonl", ".jsonl.gz"))
        names = [f"jsonl:{name}"] if is_file else [*BUILT_IN, "jsonl:PATH"]
        raise UnknownName("benchmark", name, names)
    return BUILT_IN[known](data)


def guess(task_ids: Iterable[str]) -> str | None:
    """The benchmark that most of these ids are of; None where no benchmark here has such ids.

    >>> guess(["HumanEval/0", "HumanEval/1"]), guess(["BigCodeBench/0"]), guess([])
    ('humaneval+', None, None)
    """
    families = Counter(task_id.partition("/")[0] for task_id in task_ids if "/" in task_id)
    most_common = families.most_common(1)
    return FAMILIES.get(most_common[0][0]) if most_common else None


def notes(problems: Benchmark) -> dict[str, ProblemNote]:
    """What a run notes of its problems, so that it can be compared without their file."""
    return {
        problem.id: ProblemNote(
            sha256=problem.sha256, type=problem.types[0] if problem.types else None
        )
        for problem in problems
    }
