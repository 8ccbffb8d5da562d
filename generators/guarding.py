"""The index of all evaluation problems that this machine knows: published, the user's, our own.

    known = open_guard(places, workers=workers)
    known.guard.check(row)

Published are the benchmarks of GUARDED, whole, whatever part of them steers. The user's are the
`jsonl:` benchmarks of recorded runs, and those that are named. Our own are the synthetic benchmarks
of the home, which rows must not repeat in meaning.

Not here: how rows are held against the index (decontaminate.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generators import synthetic
from generators.decontaminate import Behaviour, Guard
from generators.probing import behaviours_of
from harness import benchmarks
from harness.benchmarks import DataFolders
from harness.errors import DataError, UnknownName
from harness.records import Benchmark, Problem
from harness.store import Store, config_or_none
from sandboxes.protocol import Workers

GUARDED = ("humaneval+", "mbpp+", "bigcodebench", "sanity", "sanity-unittest")
"""Each family once, in its largest form."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where evaluation problems are, and what can be made again."""

    home: Path
    data: DataFolders
    cache: Path


@dataclass(frozen=True, slots=True)
class Known:
    """The index, and which benchmarks are in it with how many problems."""

    guard: Guard
    num_problems: dict[str, int]


def open_guard(
    places: Places,
    *,
    workers: Workers,
    also: Sequence[str] = (),
    without: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Known:
    """The index. `also` are further benchmarks by name, `without` are published ones left out.

    Raises:
        UnknownName: a name in `without` is none of GUARDED.
        DataError: the file of a benchmark is missing or wrong: the message says what to type.
        SandboxError: the sandbox broke down while solutions ran on the probes.
    """
    problems: list[Problem] = []
    behaviours: list[Behaviour] = []
    num_problems: dict[str, int] = {}
    for benchmark in _benchmarks(places, also, without, say):
        num_problems[benchmark.name] = len(benchmark)
        problems += benchmark.problems
        behaviours += behaviours_of(
            benchmark.problems, workers=workers, cache=places.cache, on_progress=on_progress
        )
    signatures: dict[str, str] = {}
    for found in synthetic.known(places.home):
        num_problems[found.name] = len(found.signatures)
        signatures |= found.signatures
    return Known(Guard(problems, behaviours, signatures), num_problems)


def _benchmarks(
    places: Places, also: Sequence[str], without: Sequence[str], say: Callable[[str], None]
) -> list[Benchmark]:
    names = [name for name in GUARDED if name in benchmarks.BUILT_IN and name not in without]
    for name in without:
        if name not in GUARDED:
            raise UnknownName("guarded benchmark", name, GUARDED)
        say(f"rows are not held against {name}; the manifest says so")
    found: list[Benchmark] = []
    for name in dict.fromkeys((*names, *also)):
        try:
            found.append(benchmarks.load(name, data=places.data))
        except DataError as error:
            hint = f" (or --without {name}: rows are not held against it)" if name in names else ""
            raise DataError(f"{error}{hint}") from None
    return found + _users(places, {*names, *also}, say)


def _users(places: Places, known: set[str], say: Callable[[str], None]) -> list[Benchmark]:
    """The benchmarks of the user's own that recorded runs are on."""
    found: list[Benchmark] = []
    configs = (config_or_none(run.path) for run in Store(places.home).runs())
    names = {config.benchmark for config in configs if config is not None}
    for name in sorted(names - known):
        if not name.startswith("jsonl:"):
            continue
        try:
            found.append(benchmarks.load(name, data=places.data))
        except DataError as error:
            say(f"rows are not held against {name}, which a run is on: {error}")
    return found
