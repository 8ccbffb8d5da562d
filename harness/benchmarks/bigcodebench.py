"""BigCodeBench: 1,140 tasks with real libraries, each tested by a unittest file.

    benchmark = load("bigcodebench-hard-instruct@v0.1.4", data=DataFolders.from_env())

A name says all that a verdict may depend on:

    bigcodebench [-hard] [-instruct] [-uncalibrated] [@v0.1.4 | @v0.1.0_hf]

    hard          the 148 tasks of that subset
    instruct      a task in words, in place of code that is to be completed
    uncalibrated  the answer as it is; else the publisher puts the function's head, with `pass` as
                  its body, before every answer, so that its imports are there

The file is the publisher's dataset as JSON lines, `BigCodeBench-<version>.jsonl` or `.jsonl.gz`. Its
bytes depend on who wrote it out, so that a benchmark's hash is one of the fields that are used.
Which tasks are hard, and of which domains, is in bigcodebench.json, from the publisher's lists.

Not here: what programs run on (sandboxes/images/bigcodebench), verdicts in the publisher's format
(bigcodebench_results.py).
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict, cast

from harness.benchmarks.data import DataFolders
from harness.benchmarks.jsonl import numbered_lines, parse_object, read_text
from harness.benchmarks.unittests import unittest_suite
from harness.config import BenchmarkSettings
from harness.errors import DataError, UnknownName
from harness.records import Benchmark, Problem, content_sha256

FAMILY = "bigcodebench"
PROFILE = "bigcodebench-0.2"
ENVIRONMENT = "bigcodebench"
VERSIONS = ("v0.1.4", "v0.1.0_hf")
"""The first is what 0.2.5 of the evaluator takes."""
NUM_TASKS = 1140

Form = Literal["complete", "instruct"]

_FIELDS = (
    "task_id",
    "complete_prompt",
    "instruct_prompt",
    "canonical_solution",
    "code_prompt",
    "test",
    "entry_point",
)
"""All of them texts."""


class Variant(NamedTuple):
    """What a name asks for."""

    is_hard: bool = False
    form: Form = "complete"
    is_calibrated: bool = True
    version: str = VERSIONS[0]

    @property
    def name(self) -> str:
        """The one name of it.

        >>> Variant(is_hard=True, form="instruct", version="v0.1.0_hf").name
        'bigcodebench-hard-instruct@v0.1.0_hf'
        """
        parts = (
            FAMILY,
            "-hard" if self.is_hard else "",
            "-instruct" if self.form == "instruct" else "",
            "" if self.is_calibrated else "-uncalibrated",
            "" if self.version == VERSIONS[0] else f"@{self.version}",
        )
        return "".join(parts)

    def chosen(self, version: str, options: BenchmarkSettings) -> "Variant":
        """The same, as far as neither a version behind `@` nor a setting says otherwise.

        Raises:
            UnknownName: there is no such version.
        """
        if version and version not in VERSIONS:
            raise UnknownName("version of BigCodeBench", version, VERSIONS)
        is_calibrated = self.is_calibrated if options.calibrated is None else options.calibrated
        return self._replace(
            version=version or self.version,
            form=options.form or self.form,
            is_calibrated=is_calibrated,
        )


NAMES: Mapping[str, Variant] = {
    variant.name: variant
    for is_calibrated in (True, False)
    for form in cast(tuple[Form, ...], ("complete", "instruct"))
    for is_hard in (False, True)
    for variant in [Variant(is_hard, form, is_calibrated)]
}
"""By their names, without a version."""


def parse_or_none(name: str) -> Variant | None:
    """What a full name asks for; None where it is of another benchmark."""
    bare, at, version = name.partition("@")
    variant = NAMES.get(bare)
    return variant._replace(version=version) if variant and at else variant


def parse(name: str) -> Variant:
    """The same for a name that is known to be one of BigCodeBench."""
    variant = parse_or_none(name)
    assert variant is not None, f"no name of BigCodeBench: {name}"
    return variant


class _Lists(TypedDict):
    hard: list[int]
    known_failures: dict[str, str]
    """Task number, or `number@version`, to why its canonical solution fails in the environment,
    which has no network."""
    long_s: dict[str, float]
    """Task number to seconds, of those that wait or compute for long."""
    domains: dict[str, list[int]]


@cache
def _lists() -> _Lists:
    return json.loads((files("harness.benchmarks") / "bigcodebench.json").read_text())


def hard_ids() -> frozenset[str]:
    """Task ids of the subset Hard."""
    return frozenset(f"BigCodeBench/{number}" for number in _lists()["hard"])


@cache
def _by_number() -> Mapping[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for domain, numbers in _lists()["domains"].items():
        for number in numbers:
            found[number] = (*found.get(number, ()), domain)
    return found


def _domains_of(number: int) -> tuple[str, ...]:
    """A task may be of several domains, and is in each of them once."""
    return _by_number().get(number, ())


def _known_failure(number: str, version: str) -> str:
    known = _lists()["known_failures"]
    return known.get(f"{number}@{version}", known.get(number, ""))


def load(variant: Variant, *, data: DataFolders) -> Benchmark:
    """The benchmark, in the publisher's order.

    Raises:
        DataError: the file is missing, is not all of BigCodeBench, or has a wrong row.
    """
    path = _find(variant.version, data)
    rows = [
        _row(parse_object(line, f"{path}:{number}"), f"{path}:{number}")
        for number, line in numbered_lines(read_text(path))
    ]
    if len(rows) != NUM_TASKS or len({row["task_id"] for row in rows}) != NUM_TASKS:
        raise DataError(f"{path} has {len(rows)} tasks; BigCodeBench has {NUM_TASKS}: {_HOW}")
    wanted = hard_ids()
    problems = tuple(
        _problem(row, variant) for row in rows if not variant.is_hard or row["task_id"] in wanted
    )
    return Benchmark(
        name=variant.name,
        hash=content_sha256([problem.sha256 for problem in problems]),
        problems=problems,
        default_profile=PROFILE,
        version=variant.version,
        environment=ENVIRONMENT,
        left_out=frozenset(row["task_id"] for row in rows if variant.is_hard) - wanted,
    )


_HOW = (
    "python -c \"from datasets import load_dataset; load_dataset('bigcode/bigcodebench', "
    "split='v0.1.4').to_json('BigCodeBench-v0.1.4.jsonl')\" makes it, for the folder HARNESS_DATA"
)


def _find(version: str, data: DataFolders) -> Path:
    for folder in data:
        for ending in (".jsonl", ".jsonl.gz"):
            path = folder / f"BigCodeBench-{version}{ending}"
            if path.is_file():
                return path
    looked = " and ".join(str(folder) for folder in data)
    raise DataError(f"BigCodeBench-{version}.jsonl is not in {looked}: {_HOW}")


def _row(fields: Mapping[str, object], where: str) -> dict[str, str]:
    texts = {name: value for name in _FIELDS if isinstance(value := fields.get(name), str)}
    if missing := [name for name in _FIELDS if name not in texts]:
        raise DataError(f"{where}: a task of BigCodeBench has the text {missing[0]!r}")
    return texts


def _problem(row: Mapping[str, str], variant: Variant) -> Problem:
    task_id = row["task_id"]
    solution = f"{row['complete_prompt']}\n{row['canonical_solution']}"
    tested = {"solution": solution, "test": row["test"], "entry_point": row["entry_point"]}
    truth = content_sha256(tested)
    prompt = row[f"{variant.form}_prompt"]
    number = task_id.rpartition("/")[2]
    preamble = f"{row['code_prompt']}\n    pass\n" if variant.is_calibrated else ""
    return Problem(
        id=f"{variant.name}/{task_id}",
        task_id=task_id,
        prompt=prompt,
        entry_point=row["entry_point"],
        solution=solution,
        suites=(unittest_suite(row["test"], task_id),),
        sha256=content_sha256([truth, prompt, preamble]),
        family=FAMILY,
        preamble=preamble,
        completed=row["complete_prompt"],
        is_instruction=variant.form == "instruct",
        known_failure=_known_failure(number, variant.version),
        about_s=_lists()["long_s"].get(number, 0.0),
        truth_sha256=truth,
        slices={"domain": _domains_of(int(number))},
    )
