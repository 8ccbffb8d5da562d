"""BigCodeBench on its real environment: ground truth, published verdicts, and answers that cheat.

Sixty tasks, one in nineteen, with whatever libraries they name; `make verify` takes all 1,140.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.grading import Judge, Submission, profile_named
from harness.records import Benchmark, Status
from tests.bigcodebench import (
    SETS,
    agreement,
    benchmark_of,
    canonical,
    judging,
    number_of,
    published,
)
from tests.sandboxes.test_unittests import ATTACKS, SLOW

pytestmark = [pytest.mark.environments, pytest.mark.data, pytest.mark.slow]

NUMBERS = range(3, 1140, 19)
"""None of them waits for long."""
ATTACKED = (41, 516, 744)
"""A plain value, a figure, an answer of several parts."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def judge(environments_folder: Path, cache: Path) -> Iterator[Judge]:
    with judging(environments_folder, cache) as opened:
        yield opened


@pytest.fixture(scope="module")
def benchmark(data_folder: Path, cache: Path) -> Benchmark:
    return benchmark_of("7b-instruct", data_folder, cache)


def test_canonical_solutions_pass_again_and_raise_no_flag(judge: Judge, benchmark: Benchmark):
    problems = [problem for problem in benchmark if number_of(problem.task_id) in NUMBERS]
    assert len(problems) == 60
    judge.prepare(problems)  # twice: what fails there is refused
    verdicts = list(judge.grade(canonical(problems)))
    assert [verdict for verdict in verdicts if not verdict.passed or verdict.flags] == []


@pytest.mark.parity
@pytest.mark.parametrize("name", SETS)
def test_verdicts_are_the_published_ones(
    name: str, judge: Judge, data_folder: Path, parity_folder: Path, cache: Path
):
    benchmark = benchmark_of(name, data_folder, cache)
    pairs = [
        pair
        for pair in published(name, benchmark, parity_folder)
        if number_of(pair[0].problem.task_id) in NUMBERS
    ]
    judge.prepare([submission.problem for submission, _ in pairs])
    found = agreement(name, pairs, judge)
    assert found.different == {} and found.flagged == []
    assert found.num_equal + len(found.explained) == 60


@pytest.fixture(scope="module")
def attacked(judge: Judge, benchmark: Benchmark) -> Benchmark:
    problems = tuple(p for p in benchmark if number_of(p.task_id) in ATTACKED)
    judge.prepare(problems)
    return benchmark


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_passes(name: str, judge: Judge, attacked: Benchmark):
    """The cheats of sanity-unittest, which here have tests that know nothing of them."""
    problems = [attacked.by_task_id[f"BigCodeBench/{number}"] for number in ATTACKED]
    chosen = problems[:1] if name in SLOW else problems
    attempts = [Submission(p, ATTACKS[name].program(p.entry_point)) for p in chosen]
    verdicts = list(judge.grade(attempts))
    assert len(verdicts) == len(attempts)
    assert [v for v in verdicts if v.status in (Status.PASSED, Status.UNSCORED)] == []


def test_flags_are_told_and_not_held_against_the_answer(
    environments_folder: Path, cache: Path, benchmark: Benchmark
):
    problem = benchmark.by_task_id["BigCodeBench/41"]
    code = f"import unittest\nunittest.TestCase.more = 1\n{problem.solution}"
    for profile, passed in (("bigcodebench-0.2", False), ("bigcodebench-0.2-flags", True)):
        assert profile_named(profile).flags_only == passed
        with judging(environments_folder, cache, profile) as judge:
            judge.prepare([problem])
            (verdict,) = judge.grade([Submission(problem, code)])
        assert verdict.passed == passed
        assert bool(verdict.flags) == passed
