"""Benchmarks by name: problems in the publisher's order, each with its tests.

    benchmark = load("humaneval+", data=DataFolders.from_env())

A benchmark is a function that returns a `Benchmark`; the built-in ones are the table below,
`jsonl:PATH` is a file of the user's own (jsonl.py), `synthetic-dev` or `synthetic-test@K` is one that
the harness wrote (generators/synthetic.py), and `livecodebench@VERSION` and
`livecodebench:PATH` are files of LiveCodeBench (livecodebench.py). The spellings that the peers taught
people (`humaneval_plus`, `HumanEvalPlus`, `HumanEval+`) are understood.

Not here: which types a problem exercises (problem_types.py), how answers are compared (grading/).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from harness.benchmarks import bigcodebench, evalplus, jsonl, livecodebench, sanity
from harness.benchmarks.data import DataFolders, spelled
from harness.benchmarks.window import Window
from harness.config import BenchmarkSettings
from harness.errors import ConfigError, UnknownName
from harness.records import Benchmark, ProblemNote

__all__ = ["BUILT_IN", "DataFolders", "Loader", "guess", "load", "notes"]

Loader: TypeAlias = Callable[[DataFolders], Benchmark]
_AS_IT_IS = BenchmarkSettings()


def _evalplus(name: str, data: DataFolders) -> Benchmark:
    return evalplus.load(name, data=data)


def _bigcodebench(variant: bigcodebench.Variant, data: DataFolders) -> Benchmark:
    return bigcodebench.load(variant, data=data)


def _sanity(data: DataFolders) -> Benchmark:
    del data  # it travels inside the package
    return sanity.load()


def _sanity_unittest(data: DataFolders) -> Benchmark:
    del data
    return sanity.load_unittest()


def _livecodebench(data: DataFolders) -> Benchmark:
    return livecodebench.load(livecodebench.NAME, data=data)


BUILT_IN: Mapping[str, Loader] = {
    **{name: partial(_evalplus, name) for name in sorted(evalplus.NAMES)},
    **{
        name: partial(_bigcodebench, variant)
        for name, variant in bigcodebench.NAMES.items()
        if variant.is_calibrated  # else a name for those who know what they want
    },
    "sanity": _sanity,
    "sanity-unittest": _sanity_unittest,
    livecodebench.NAME: _livecodebench,
}

FAMILIES: Mapping[str, str] = {
    "HumanEval": "humaneval+",
    "Mbpp": "mbpp+",
    "BigCodeBench": "bigcodebench",
    "sanity": "sanity",
    "sanity-unittest": "sanity-unittest",
}
"""What stands before the slash of a task id, and the benchmark that is meant by it."""

SYNTHETIC = "synthetic-"
"""How the names of benchmarks begin that `generators` writes into the home."""


def load(name: str, *, data: DataFolders, options: BenchmarkSettings = _AS_IT_IS) -> Benchmark:
    """The benchmark of that name. What `options` choose, its full name has too.

    Raises:
        ConfigError: `options` choose what this benchmark has no choice of.
        UnknownName: there is none; the message has the nearest name, or all of them.
        DataError: its file is missing, torn or wrong.
    """
    scheme, colon, path = name.partition(":")
    if spelled(scheme.partition("@")[0], [livecodebench.NAME]):
        stem = livecodebench.NAME + name[len(scheme.partition("@")[0]) :]
        window = Window(options.after, options.before)
        return livecodebench.load(stem, data=data, window=window)
    if options.after or options.before:
        raise ConfigError(
            f"benchmark.{'after' if options.after else 'before'}: the problems of {name} have no dates"
        )
    if colon and scheme == "jsonl":
        return jsonl.load(Path(path).expanduser(), name=name)
    bare, _, version = name.partition("@")
    variant = bigcodebench.NAMES.get(spelled(bare, bigcodebench.NAMES) or "")
    if variant is not None:
        return bigcodebench.load(variant.chosen(version, options), data=data)
    if options.form or options.calibrated is not None:
        field = "form" if options.form else "calibrated"
        raise ConfigError(f"benchmark.{field}: {name} has one form alone")
    if name.startswith(SYNTHETIC):
        return jsonl.load(data.synthetic(name), name=name)
    known = spelled(name, BUILT_IN)
    if known is None:
        is_file = name.endswith((".jsonl", ".jsonl.gz"))
        paths = ["jsonl:PATH", f"{livecodebench.NAME}:PATH"]
        names = [f"jsonl:{name}"] if is_file else [*BUILT_IN, *paths]
        raise UnknownName("benchmark", name, names)
    return BUILT_IN[known](data)


def guess(task_ids: Iterable[str]) -> str | None:
    """The benchmark that most of these ids are of; None where no benchmark here has such ids.

    >>> guess(["HumanEval/0", "HumanEval/1"]), guess(["BigCodeBench/0"]), guess([])
    ('humaneval+', 'bigcodebench', None)
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
