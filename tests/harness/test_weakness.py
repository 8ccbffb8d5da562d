"""Weaknesses: pooled, kept to a split, drawn together, and never the luckiest of the small ones."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import (
    Checkpoint,
    EvalRun,
    Problem,
    RunConfig,
    Sample,
    Split,
    Status,
    SuiteResult,
    Verdict,
    Weakness,
)
from harness.stats import wilson
from harness.weakness import MIN_PROBLEMS, MIN_SAMPLES, shrunk_rate, weaknesses

CONFIG = RunConfig(
    checkpoint=Checkpoint(kind="replay", name="c", source="c", identity="c"),
    benchmark="b",
    benchmark_hash="",
    profile="strict",
    extraction="none",
    grader_version="1",
    environment="",
    num_problems=1,
    suites=("base",),
)


def problem(number: int, type_: str, split: Split | None = "steer") -> Problem:
    return Problem(
        id=f"b/{type_}/{number}",
        task_id=f"{type_}/{number}",
        prompt="",
        entry_point="f",
        solution="def f(): pass",
        suites=(),
        sha256="",
        types=(type_,),
        split=split,
    )


def run(outcomes: Mapping[str, Sequence[Status]]) -> EvalRun:
    """Problem id → how each of its samples ended."""
    verdicts = {
        (problem_id, index): Verdict(
            problem_id=problem_id,
            index=index,
            suites={"base": SuiteResult(status=status, num_tests=1, num_run=1, num_passed=0)},
            profile="strict",
            grader_version="1",
        )
        for problem_id, statuses in outcomes.items()
        for index, status in enumerate(statuses)
    }
    samples = {key: Sample(problem_id=key[0], index=key[1], code="") for key in verdicts}
    return EvalRun("r", "r", CONFIG, samples, verdicts)


def by_id(problems: Sequence[Problem]) -> dict[str, Problem]:
    return {one.id: one for one in problems}


P, W, T, U = Status.PASSED, Status.WRONG_ANSWER, Status.TIMEOUT, Status.UNSCORED


def test_a_weakness_says_what_was_seen():
    dp = [problem(n, "dp") for n in range(4)]
    strings = [problem(n, "string") for n in range(2)]
    found = weaknesses(
        [run({dp[0].id: [P, W], dp[1].id: [W, T], dp[2].id: [W, U], strings[0].id: [P, P]})],
        by_id(dp + strings),
    )
    assert [weakness.type for weakness in found] == ["dp", "string"]
    weak = found[0]
    assert (weak.num_problems, weak.num_samples) == (3, 5)  # the unscored sample is left out
    assert weak.rate == pytest.approx((0.5 + 0 + 0) / 3)  # a mean over problems
    assert weak.commonest_status == W and not weak.enough
    assert weak.shrunk == pytest.approx((1 + 20 * 3 / 7) / (5 + 20))
    assert found[1].commonest_status is None


def test_intervals_are_of_ninety_percent():
    problems = [problem(n, "dp") for n in range(40)]
    (weak,) = weaknesses(
        [run({one.id: [P if n < 10 else W] for n, one in enumerate(problems)})], by_id(problems)
    )
    assert (weak.low, weak.high) == pytest.approx(wilson(10, 40, 0.90))
    assert weak.enough


def test_a_split_is_kept_to():
    steer, holdout, neither = (
        problem(n, "dp", split) for n, split in enumerate(("steer", "holdout", None))
    )
    recorded = run({steer.id: [P], holdout.id: [W], neither.id: [W]})
    problems = by_id([steer, holdout, neither])
    assert [w.rate for w in weaknesses([recorded], problems)] == [1.0]
    assert [w.rate for w in weaknesses([recorded], problems, split="holdout")] == [0.0]
    (everything,) = weaknesses([recorded], problems, split=None)
    assert everything.num_problems == 3


def test_runs_are_pooled_by_problem():
    one, other = problem(0, "dp"), problem(1, "dp")
    (weak,) = weaknesses([run({one.id: [P]}), run({other.id: [W, W]})], by_id([one, other]))
    assert (weak.num_problems, weak.num_samples, weak.rate) == (2, 3, 0.5)


def test_little_never_triggers_alone():
    few = [problem(n, "few") for n in range(MIN_PROBLEMS - 1)]
    thin = [problem(n, "thin") for n in range(MIN_SAMPLES - 1)]
    right = [problem(n, "right") for n in range(MIN_PROBLEMS)]
    recorded = run(
        {one.id: [W] * 40 for one in few}  # many samples of a handful of problems
        | {one.id: [W] for one in thin}
        | {one.id: [P] * 4 for one in right}
    )
    found = {w.type: w for w in weaknesses([recorded], by_id(few + thin + right))}
    assert {type_: weak.enough for type_, weak in found.items()} == {
        "few": False, "thin": False, "right": True,
    }  # fmt: skip
    again = weaknesses([recorded], by_id(few + thin + right), min_samples=29)
    assert {w.type: w.enough for w in again}["thin"]


def test_what_a_caller_forgot_is_said():
    one = problem(0, "dp")
    with pytest.raises(ValueError, match="is not among the problems"):
        weaknesses([run({"b/x": [P]})], by_id([one]))
    with pytest.raises(ValueError, match="labelled fills it in"):
        weaknesses([run({one.id: [P]})], by_id([replace(one, types=())]))
    with pytest.raises(ValueError, match="kappa"):
        weaknesses([], {}, kappa=-1)
    assert weaknesses([], {}) == ()
    assert weaknesses([run({one.id: [U]})], by_id([one])) == ()


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 200),
)
def test_shrinking(drawn: list[tuple[str, bool]], kappa: float):
    problems = [problem(n, type_) for n, (type_, _) in enumerate(drawn)]
    recorded = run({one.id: [P if ok else W] for one, (_, ok) in zip(problems, drawn, strict=True)})
    found = weaknesses([recorded], by_id(problems), kappa=kappa)
    overall = sum(ok for _, ok in drawn) / len(drawn)
    assert list(found) == sorted(found, key=lambda weak: (weak.shrunk, weak.type))
    for weak in found:
        low, high = sorted((weak.rate, overall))
        assert low - 1e-9 <= weak.shrunk <= high + 1e-9  # between its own rate and that of all
        own = weak.num_samples / (weak.num_samples + kappa)
        assert weak.shrunk == pytest.approx(own * weak.rate + (1 - own) * overall)
    # Weighted by what was seen, shrinking moves types and never the whole.
    if kappa == 0:
        assert all(weak.shrunk == pytest.approx(weak.rate) for weak in found)
    assert weaknesses([recorded], by_id(problems), kappa=kappa) == found


def test_shrinking_keeps_luck_from_looking_like_weakness():
    """Twelve types of one true rate, 14 problems each: how far below it the lowest three seem."""
    draw = random.Random(0)
    raw_gap = shrunk_gap = 0.0
    for _ in range(200):
        passed = [sum(draw.random() < 0.6 for _ in range(14)) for _ in range(12)]
        overall = sum(passed) / (12 * 14)
        lowest = sorted(passed)[:3]
        raw_gap += 0.6 - sum(lowest) / 42
        shrunk_gap += 0.6 - sum(shrunk_rate(k, 14, overall=overall) for k in lowest) / 3
    assert 0.12 < raw_gap / 200 < 0.18  # 15 points, as a redraw would show
    assert shrunk_gap / 200 < 0.45 * raw_gap / 200


def test_a_weakness_survives_the_disk():
    one = problem(0, "dp")
    (weak,) = weaknesses([run({one.id: [T]})], by_id([one]))
    assert Weakness.model_validate_json(weak.model_dump_json()) == weak
