"""What the tests and `make verify` share of BigCodeBench: published verdicts, and who explains them.

`EXPLAINED` is the list of tasks whose verdict may differ from the published one, each with its
reason. All others must agree, and at least 99 of a hundred do.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from harness.benchmarks import DataFolders, load
from harness.grading import Judge, Submission, profile_named
from harness.records import Benchmark, Problem, Verdict
from sandboxes.process import ProcessSandbox


class Published(NamedTuple):
    """Real model output, and what the official evaluator said of it."""

    stem: str
    benchmark: str


SETS = {
    "7b-base": Published(
        "qwen25coder-7b-base.bigcodebench-complete-v0.1.0_hf", "bigcodebench@v0.1.0_hf"
    ),
    "7b-instruct": Published(
        "qwen25coder-7b-instruct.bigcodebench-complete-v0.1.2", "bigcodebench"
    ),
}
_NO_SCIKIT_IMAGE = "scikit-image may have been left out of the environment"
_HANGS = "the evaluator hangs by chance: it withholds a signal from multiprocessing's workers"
_CHANCE = "the answer is drawn at random, and fails now and then"
EXPLAINED: dict[str, dict[int, str]] = {
    "7b-base": {
        169: _NO_SCIKIT_IMAGE,
        180: _NO_SCIKIT_IMAGE,
        205: _HANGS,
        288: "a folder that must not exist did on that machine",
        289: "tensorflow took more than 240 s on that machine",
        417: "tensorflow took more than 240 s on that machine",
        418: "tensorflow took more than 240 s on that machine",
        419: "tensorflow took more than 240 s on that machine",
        536: "a path that can't be opened could on that machine: it ran as root",
        554: _CHANCE,
        734: "nltk waited there for a download; its resources are here",
        759: "its tests make the folder /fake, which root could there",
        822: _CHANCE,
    },
    "7b-instruct": {
        67: "the answer takes the order of os.listdir for sorted, which the file system decides",
        169: _NO_SCIKIT_IMAGE,
        180: _NO_SCIKIT_IMAGE,
        205: _HANGS,
        215: "the mock of the tests changed from v0.1.2 to v0.1.4",
        363: "its tests hold an answer against the wall clock, and waited for 240 s there",
        404: "another version of OpenCV, which raised a TypeError there",
        609: _CHANCE,
        720: _CHANCE,
    },
}


def number_of(task_id: str) -> int:
    return int(task_id.rpartition("/")[2])


def folders(data: Path, cache: Path) -> DataFolders:
    return DataFolders(data, cache)


def published(name: str, benchmark: Benchmark, parity: Path) -> list[tuple[Submission, bool]]:
    """The samples of a set, each with whether it passed."""
    stem = SETS[name].stem
    text = gzip.decompress((parity / f"{stem}.samples.jsonl.gz").read_bytes()).decode()
    verdicts = json.loads(gzip.decompress((parity / f"{stem}.verdicts.json.gz").read_bytes()))
    found: list[tuple[Submission, bool]] = []
    for line in text.splitlines():
        row = json.loads(line)
        problem = benchmark.by_task_id[row["task_id"]]
        (verdict,) = verdicts["eval"][row["task_id"]]
        found.append((Submission(problem, row["solution"]), verdict["status"] == "pass"))
    return found


def canonical(problems: Sequence[Problem]) -> list[Submission]:
    """The canonical solutions as the publisher checks them: with nothing before them."""
    return [Submission(replace(problem, preamble=""), problem.solution) for problem in problems]


@contextmanager
def judging(environments: Path, cache: Path, profile: str = "bigcodebench-0.2") -> Iterator[Judge]:
    """A judge in namespaces, on the environment as a folder."""
    sandbox = ProcessSandbox("namespaces", environments=environments)
    with Judge.open(
        sandbox,
        profile_named(profile),
        cache=cache,
        num_workers=2,
        environment="bigcodebench",
    ) as judge:
        yield judge


class Agreement(NamedTuple):
    """What came of the samples of one set."""

    num_equal: int
    different: dict[int, str]
    """Task number to what we say, where it is not explained."""
    explained: dict[int, str]
    flagged: list[int]
    """Tasks whose published pass was told of as tampering."""


def agreement(name: str, pairs: Sequence[tuple[Submission, bool]], judge: Judge) -> Agreement:
    """Grade them, and hold the verdicts against the published ones."""
    passed = {submission.problem.id: has_passed for submission, has_passed in pairs}
    equal = 0
    different: dict[int, str] = {}
    explained: dict[int, str] = {}
    flagged: list[int] = []
    for verdict in judge.grade(judge.slowest_first(submission for submission, _ in pairs)):
        number = number_of(verdict.problem_id)
        said = describe(verdict)
        if passed[verdict.problem_id] and (verdict.flags or verdict.status == "forbidden"):
            flagged.append(number)
        if verdict.passed == passed[verdict.problem_id]:
            equal += 1
        elif number in EXPLAINED[name]:
            explained[number] = said
        else:
            different[number] = said
    return Agreement(equal, different, explained, flagged)


def describe(verdict: Verdict) -> str:
    failure = verdict.suites["base"].failure
    return f"{verdict.status.value} {failure.input} {failure.got}" if failure else verdict.status


def benchmark_of(name: str, data: Path, cache: Path) -> Benchmark:
    return load(SETS[name].benchmark, data=folders(data, cache))
