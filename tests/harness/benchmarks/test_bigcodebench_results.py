"""A run of BigCodeBench in its publisher's files."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders, load
from harness.benchmarks.bigcodebench_results import eval_results, pass_at_k
from harness.models.replay import open_replay
from harness.records import (
    Benchmark,
    Checkpoint,
    EvalRun,
    Failure,
    RunConfig,
    Sample,
    Status,
    SuiteResult,
    Verdict,
)
from harness.summary import summary


@pytest.fixture(scope="module")
def hard(data_folder: Path) -> Benchmark:
    return load("bigcodebench-hard", data=DataFolders(data_folder, data_folder))


def run_of(benchmark: Benchmark, statuses: Mapping[str, list[Status]]) -> EvalRun:
    samples: dict[tuple[str, int], Sample] = {}
    verdicts: dict[tuple[str, int], Verdict] = {}
    for task_id, its_statuses in statuses.items():
        problem = benchmark.by_task_id[task_id]
        for index, status in enumerate(its_statuses):
            key = problem.id, index
            samples[key] = Sample(problem_id=problem.id, index=index, code=f"# {index}\n")
            wrong = status in (Status.WRONG_ANSWER, Status.UNSCORED)
            failure = Failure(test=0, input="test_case_1", expected="passed", got="failed: no")
            result = SuiteResult(
                status=status,
                num_tests=len(problem.suites[0]),
                num_run=1,
                num_passed=0,
                failure=failure if wrong else None,
            )
            verdicts[key] = Verdict(
                problem_id=problem.id,
                index=index,
                suites={"base": result},
                stderr="SyntaxError: no" if status == Status.SYNTAX_ERROR else "",
                profile="bigcodebench-0.2",
                grader_version="2",
            )
    config = RunConfig(
        checkpoint=Checkpoint(kind="replay", name="m", source="m.jsonl", identity="0" * 64),
        benchmark=benchmark.name,
        benchmark_hash=benchmark.hash,
        profile="bigcodebench-0.2",
        extraction="none",
        grader_version="2",
        environment="e",
        num_problems=len(benchmark),
        suites=("base",),
        slices=benchmark.slices,
    )
    return EvalRun("run", "/run", config, samples, verdicts)


STATUSES = {
    "BigCodeBench/13": [Status.PASSED, Status.WRONG_ANSWER],
    "BigCodeBench/590": [Status.TIMEOUT, Status.SYNTAX_ERROR],
}


def test_results_are_as_the_publisher_writes_them(hard: Benchmark, tmp_path: Path):
    results = eval_results(hard, run_of(hard, STATUSES))
    assert list(results) == ["date", "eval"]
    rows = [row for rows in results["eval"].values() for row in rows]
    assert [(row["task_id"], row["status"], row["details"]) for row in rows] == [
        ("BigCodeBench/13", "pass", {}),
        ("BigCodeBench/13", "fail", {"test_case_1": "failed: no"}),
        ("BigCodeBench/590", "timeout", {"ALL": "timeout"}),
        ("BigCodeBench/590", "fail", {"ALL": "SyntaxError: no"}),
    ]
    preamble = hard.by_task_id["BigCodeBench/13"].preamble
    assert rows[0]["solution"] == f"{preamble}# 0\n" and "\n    pass\n" in preamble
    path = tmp_path / "x_eval_results.json"
    path.write_text(json.dumps(results))
    assert len(open_replay(path).samples(hard).samples) == 4  # and are read back


def test_what_is_unscored_is_left_out(hard: Benchmark):
    run = run_of(hard, {"BigCodeBench/13": [Status.UNSCORED]})
    assert eval_results(hard, run)["eval"] == {}


def test_rates_count_known_failures_and_name_them(hard: Benchmark):
    rates = pass_at_k(hard, run_of(hard, STATUSES), ["BigCodeBench/590", "BigCodeBench/101"])
    assert rates == {
        "pass@1": 0.25,
        "model": "m",
        "split": "complete",
        "subset": "hard",
        "calibrated": True,
        "gt_pass_rate": 0.5,
        "failed_tasks": ["BigCodeBench/590"],
    }


def test_scores_by_domain_count_a_task_once_in_each(hard: Benchmark):
    slices = summary(run_of(hard, STATUSES)).slices["domain"]
    for domain, found in slices.items():
        its_tasks = [t for t in STATUSES if domain in hard.by_task_id[t].slices["domain"]]
        assert found.num_problems == len(its_tasks)
        if its_tasks == ["BigCodeBench/590"]:
            assert found.pass_at_1 is not None and found.pass_at_1.value == 0.0
    assert slices["Network"].num_problems > 0
