"""A run by type: rates, their order, and what is known of types without the benchmark's file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders, load
from harness.errors import UserError
from harness.problem_types import type_of
from harness.records import Checkpoint, EvalRun, RunConfig, Sample, Status, SuiteResult, Verdict
from harness.type_rates import by_type, labelled_problems, types_of

SANITY = load("sanity", data=DataFolders.from_env({}))


def run(benchmark: str, hash_: str, statuses: Mapping[str, Sequence[Status | None]]) -> EvalRun:
    """Problem id → how its samples ended; None is a sample without a verdict."""
    config = RunConfig(
        checkpoint=Checkpoint(kind="replay", name="c", source="c", identity="c"),
        benchmark=benchmark,
        benchmark_hash=hash_,
        profile="strict",
        extraction="none",
        grader_version="1",
        environment="",
        num_problems=1,
        suites=("base",),
    )
    keys = {(one, index): end for one, ends in statuses.items() for index, end in enumerate(ends)}
    samples = {key: Sample(problem_id=key[0], index=key[1], code="") for key in keys}
    verdicts = {
        key: Verdict(
            problem_id=key[0],
            index=key[1],
            suites={"base": SuiteResult(status=end, num_tests=1, num_run=1, num_passed=0)},
            profile="strict",
            grader_version="1",
        )
        for key, end in keys.items()
        if end is not None
    }
    return EvalRun("r", "r", config, samples, verdicts)


P, W, U = Status.PASSED, Status.WRONG_ANSWER, Status.UNSCORED


def test_rates_by_type_and_their_order():
    recorded = run(
        "b", "", {"b/1": [P, W], "b/2": [W, W], "b/3": [P, U], "b/4": [None], "b/5": [P]}
    )
    types = {"b/1": "dp", "b/2": "dp", "b/3": "string", "b/4": "tuple"}
    rows = by_type(recorded, types)
    assert [row.type for row in rows] == ["dp", "tuple", "string"]  # of tuple nothing is known
    assert rows[0].rate and rows[0].rate.value == 0.25 and rows[0].rate.num_problems == 2
    assert rows[1].rate is None
    assert [(row.num_samples, row.num_unscored) for row in rows] == [(4, 0), (1, 1), (2, 1)]
    assert rows[1].as_json() == {"samples": 1, "unscored": 1}
    assert rows[2].as_json() | {"low": 0} == {
        "value": 1.0, "low": 0, "high": 1.0, "n": 1, "samples": 2, "unscored": 1,
    }  # fmt: skip
    assert by_type(recorded, {}) == []


def test_types_are_the_benchmarks(tmp_path: Path):
    data = DataFolders(data=None, cache=tmp_path)
    some = {problem.id: [P] for problem in SANITY.problems[:10]}
    assert types_of(run("sanity", SANITY.hash, some), data=data) == {
        problem.id: type_of(problem) for problem in SANITY.problems[:10]
    }
    assert types_of(run("sanity", "another", some), data=data) == {}
    with pytest.raises(UserError, match="is not what it was when r was made"):
        labelled_problems([run("sanity", "another", some)], data=data)
    problems = labelled_problems([run("sanity", SANITY.hash, some)], data=data)
    assert {problem.split for problem in problems.values()} == {"steer", "holdout"}


def test_the_frozen_tables_stand_in_for_a_missing_file(tmp_path: Path):
    data = DataFolders(data=None, cache=tmp_path)
    found = types_of(run("mbpp+", "?", {"mbpp+/Mbpp/2": [P], "mbpp+/Mbpp/1": [P]}), data=data)
    assert found == {"mbpp+/Mbpp/2": "set_unique"}
    assert types_of(run("jsonl:gone.jsonl", "?", {"jsonl:gone.jsonl/a": [P]}), data=data) == {}
