"""What a run says, from records that are written out here."""

from harness.records import (
    Benchmark,
    Checkpoint,
    EvalRun,
    Problem,
    RunConfig,
    Sample,
    Status,
    SuiteResult,
    Verdict,
)
from harness.stats import estimate_pass_at_k
from harness.summary import Slice, summary


def problem(name: str, **slices: tuple[str, ...]) -> Problem:
    return Problem(
        id=f"b/{name}",
        task_id=name,
        prompt="",
        entry_point="f",
        solution="",
        suites=(),
        sha256=name,
        slices=slices,
    )


PROBLEMS = (
    problem("one", difficulty=("easy",), domain=("time", "network")),
    problem("two", difficulty=("hard",), domain=("time",)),
    problem("three", difficulty=("easy",)),
    problem("four", difficulty=("medium",)),
)
BENCHMARK = Benchmark(name="b", hash="", problems=PROBLEMS, default_profile="strict")


def run_with(*statuses: tuple[str, Status]) -> EvalRun:
    """A sample for each, in order, under the number that is free."""
    config = RunConfig(
        checkpoint=Checkpoint(kind="replay", name="c", source="c", identity="c"),
        benchmark="b",
        benchmark_hash="",
        profile="strict",
        extraction="none",
        grader_version="1",
        environment="",
        num_problems=4,
        suites=("base",),
        slices=BENCHMARK.slices,
    )
    verdicts: dict[tuple[str, int], Verdict] = {}
    for name, status in statuses:
        index = sum(key[0] == f"b/{name}" for key in verdicts)
        result = SuiteResult(status=status, num_tests=1, num_run=1, num_passed=0)
        verdict = Verdict(
            problem_id=f"b/{name}",
            index=index,
            suites={"base": result},
            profile="strict",
            grader_version="1",
        )
        verdicts[verdict.key] = verdict
    samples = {key: Sample(problem_id=key[0], index=key[1], code="") for key in verdicts}
    return EvalRun("r", "r", config, samples, verdicts)


def test_a_benchmark_knows_its_slices():
    assert BENCHMARK.slices == {
        "difficulty": {
            "easy": ("b/one", "b/three"),
            "hard": ("b/two",),
            "medium": ("b/four",),
        },
        "domain": {"time": ("b/one", "b/two"), "network": ("b/one",)},
    }


def test_each_slice_has_its_rate_with_an_interval():
    passed, failed = Status.PASSED, Status.WRONG_ANSWER
    run = run_with(
        ("one", passed), ("one", failed), ("two", passed), ("two", passed), ("three", failed)
    )
    assert summary(run).slices == {
        "difficulty": {
            "easy": Slice(2, estimate_pass_at_k([(2, 1), (1, 0)], 1)),
            "hard": Slice(1, estimate_pass_at_k([(2, 2)], 1)),
        },
        "domain": {
            "time": Slice(2, estimate_pass_at_k([(2, 1), (2, 2)], 1)),
            "network": Slice(1, estimate_pass_at_k([(2, 1)], 1)),
        },
    }


def test_what_is_unscored_is_in_no_rate():
    run = run_with(("one", Status.PASSED), ("three", Status.UNSCORED), ("two", Status.UNSCORED))
    slices = summary(run).slices["difficulty"]
    assert slices["easy"] == Slice(2, estimate_pass_at_k([(1, 1)], 1))
    assert slices["hard"] == Slice(1, None)


def test_slices_are_in_json_and_only_where_there_are_any():
    run = run_with(("one", Status.PASSED), ("two", Status.UNSCORED))
    assert summary(run).as_json()["slices"] == {
        "difficulty": {
            "easy": {
                "problems": 1,
                "pass@1": {"value": 1.0, "low": 0.0, "high": 1.0, "n": 1},
            },
            "hard": {"problems": 1},
        },
        "domain": {
            "time": {"problems": 2, "pass@1": {"value": 1.0, "low": 0.0, "high": 1.0, "n": 1}},
            "network": {"problems": 1, "pass@1": {"value": 1.0, "low": 0.0, "high": 1.0, "n": 1}},
        },
    }
    bare = run.config.model_copy(update={"slices": {}})
    assert "slices" not in summary(EvalRun("r", "r", bare, run.samples, run.verdicts)).as_json()


def test_slices_are_no_part_of_a_runs_identity():
    config = run_with(("one", Status.PASSED)).config
    assert config.model_copy(update={"slices": {}}).identity() == config.identity()
