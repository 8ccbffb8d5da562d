"""A run of BigCodeBench in the publisher's own files: `eval_results.json` and `pass_at_k.json`.

As 0.2.5 writes them: an answer with what was put before it, `pass`, `fail` or `timeout`, and what
failed by the name of its test. Only the first failure is kept here, theirs are all. What is
unscored is left out: their format has no word for it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TypedDict

from harness.benchmarks import bigcodebench
from harness.records import Benchmark, EvalRun, Problem, Sample, Status, SuiteResult, Verdict
from harness.stats import estimate_pass_at_k

_KS = (1, 5, 10)
"""What their command computes by default, as far as there are samples."""


class EvalResult(TypedDict):
    """One sample."""

    task_id: str
    solution: str
    status: str
    details: dict[str, str]
    """Test method to what went wrong; `ALL` where the program did not load."""


class EvalResults(TypedDict):
    date: str
    eval: dict[str, list[EvalResult]]


def eval_results(benchmark: Benchmark, run: EvalRun) -> EvalResults:
    """The run as their `_eval_results.json`; tasks in the benchmark's order, samples by index."""
    by_problem: defaultdict[str, list[tuple[Sample, Verdict]]] = defaultdict(list)
    for key in sorted(run.samples):
        verdict = run.verdicts.get(key)
        if verdict and verdict.scored:
            by_problem[key[0]].append((run.samples[key], verdict))
    return {
        "date": run.config.created.strftime("%Y-%m-%d %H:%M"),
        "eval": {
            problem.task_id: [_result(problem, *pair) for pair in by_problem[problem.id]]
            for problem in benchmark
            if problem.id in by_problem
        },
    }


def _result(problem: Problem, sample: Sample, verdict: Verdict) -> EvalResult:
    (suite,) = verdict.suites.values()
    status = {Status.PASSED: "pass", Status.TIMEOUT: "timeout"}.get(suite.status, "fail")
    return {
        "task_id": problem.task_id,
        "solution": problem.preamble + sample.code,
        "status": status,
        "details": _details(suite, verdict),
    }


def _details(suite: SuiteResult, verdict: Verdict) -> dict[str, str]:
    if suite.status == Status.PASSED:
        return {}
    if suite.failure is not None:
        return {suite.failure.input or "ALL": suite.failure.got}
    return {"ALL": verdict.stderr or suite.status.value}


def pass_at_k(
    benchmark: Benchmark, run: EvalRun, known_failures: Sequence[str]
) -> dict[str, object]:
    """The run as their `_pass_at_k.json`.

    `known_failures` are the tasks whose canonical solution fails; they count in the rates, as there.
    """
    variant = bigcodebench.parse(benchmark.name)
    asked = {key[0] for key in run.samples}
    failed = [
        problem.task_id
        for problem in benchmark
        if problem.task_id in set(known_failures) and problem.id in asked
    ]
    counts = _counts(run)
    rates = {f"pass@{k}": estimate_pass_at_k(counts, k) for k in _KS}
    return {
        **{name: estimate.value for name, estimate in rates.items() if estimate},
        "model": run.config.checkpoint.name,
        "split": variant.form,
        "subset": "hard" if variant.is_hard else "full",
        "calibrated": variant.is_calibrated,
        "gt_pass_rate": 1 - len(failed) / len(asked) if asked else None,
        "failed_tasks": failed,
    }


def _counts(run: EvalRun) -> list[tuple[int, int]]:
    """Samples and passes of each problem that has scored samples."""
    scored = [verdict for verdict in run if verdict.scored]
    num_scored = Counter(verdict.problem_id for verdict in scored)
    num_passed = Counter(verdict.problem_id for verdict in scored if verdict.passed)
    return [(count, num_passed[problem_id]) for problem_id, count in num_scored.items()]
