"""Runs made of nothing but their outcomes: what comparisons are tested on."""

from collections.abc import Mapping, Sequence

from harness.records import (
    Checkpoint,
    EvalRun,
    Failure,
    Generation,
    ProblemNote,
    RunConfig,
    Sample,
    Status,
    SuiteResult,
    Verdict,
    content_sha256,
)

Outcomes = Mapping[str, Sequence[str]]
"""Task ID → a letter a sample: `P` passed, `+` fails the extra tests alone, `F` fails, `?` unscored."""


def outcomes(letters: str, *, family: str = "HumanEval") -> dict[str, list[str]]:
    """One sample a problem: a letter each."""
    return {f"{family}/{number}": [letter] for number, letter in enumerate(letters)}


def make_run(
    name: str,
    found: Outcomes,
    *,
    suites: tuple[str, ...] = ("base", "plus"),
    contents: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    generation: Generation | None = None,
    **config: str,
) -> EvalRun:
    """A run in memory. `contents` is noted by the run: task ID → what stands for its hash."""
    told = {
        "benchmark": "humaneval+",
        "benchmark_hash": "hash",
        "profile": "evalplus-0.3.1",
        "extraction": "none",
        "grader_version": "1",
        "environment": "test",
    } | config
    benchmark = told["benchmark"]
    samples: dict[tuple[str, int], Sample] = {}
    verdicts: dict[tuple[str, int], Verdict] = {}
    for task_id, letters in found.items():
        for index, letter in enumerate(letters):
            key = f"{benchmark}/{task_id}", index
            samples[key] = Sample(problem_id=key[0], index=index, code=f"# {name} {letter}\n")
            verdicts[key] = Verdict(
                problem_id=key[0],
                index=index,
                suites={suite: _suite(suite, letter) for suite in suites},
                profile=told["profile"],
                grader_version="1",
                level="namespaces",
                stderr=f"said by {name}",
            )
    notes = {
        f"{benchmark}/{task_id}": ProblemNote(
            sha256=(contents or {}).get(task_id, content_sha256(task_id)),
            type=(types or {}).get(task_id),
        )
        for task_id in found
    }
    return EvalRun(
        id=f"{name}.{benchmark}.00000000",
        path=f"/runs/{name}",
        config=RunConfig(
            checkpoint=Checkpoint(
                kind="model", name=name, source=f"out/{name}", identity=content_sha256(name)
            ),
            num_problems=len(found),
            suites=suites,
            generation=generation,
            benchmark=benchmark,
            benchmark_hash=told["benchmark_hash"],
            profile=told["profile"],
            extraction=told["extraction"],
            grader_version=told["grader_version"],
            environment=told["environment"],
        ),
        samples=samples,
        verdicts=verdicts,
        problems=notes if contents is not None or types is not None else {},
    )


def _suite(suite: str, letter: str) -> SuiteResult:
    failed = letter == "F" or (letter == "+" and suite == "plus")
    status = Status.UNSCORED if letter == "?" else Status.PASSED
    if failed:
        status = Status.WRONG_ANSWER
    return SuiteResult(
        status=status,
        num_tests=4,
        num_run=2 if failed else 4,
        num_passed=1 if failed else 4,
        failure=Failure(test=1, input="(1,)", expected="1", got="2") if failed else None,
    )
