"""The programs behind a number: samples and verdicts of a run, as the page shows them.

A run is a JSON object, task → samples; a sample is `[number, code, suites, stderr]`, a suite
`[name, status, passed tests, tests, failure]`, a failure `[test, input, expected, got]` or null.

Not here: which runs a page holds (page/), the records themselves (harness/store.py).
"""

from collections.abc import Sequence
from typing import TypeAlias

from harness.errors import DataError, UserError
from harness.records import Sample, SuiteResult, Verdict
from harness.store import Store
from leaderboards.board import Place
from leaderboards.pairing import task_id_of

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

LONGEST_CODE = 20_000
"""Characters of a program that are shown; what is longer is cut, and says so."""
LONGEST_STDERR = 2_000


def samples_of(place: Place, *, one_of_each: bool) -> dict[str, Json]:
    """The samples of a run by task ID; `one_of_each`: the first one of each status of a problem.

    Empty where the run can't be read any more: then the page says that they are not in it.
    """
    path = place.tally.run.path
    try:
        recorded = Store(path.parent.parent).load(path.name)
    except (DataError, UserError):
        return {}
    by_problem: dict[str, list[Verdict]] = {}
    for verdict in recorded:
        by_problem.setdefault(verdict.problem_id, []).append(verdict)
    return {
        task_id_of(problem): [
            _sample(recorded.samples[verdict.key], verdict)
            for verdict in _chosen(verdicts, one_of_each)
        ]
        for problem, verdicts in by_problem.items()
    }


def _chosen(verdicts: Sequence[Verdict], one_of_each: bool) -> list[Verdict]:
    ordered = sorted(verdicts, key=lambda verdict: verdict.index)
    if not one_of_each:
        return ordered
    first = {verdict.status: verdict for verdict in reversed(ordered)}
    return sorted(first.values(), key=lambda verdict: verdict.index)


def _sample(sample: Sample, verdict: Verdict) -> list[Json]:
    suites: list[Json] = [_suite(name, result) for name, result in verdict.suites.items()]
    return [sample.index, _cut(sample.code, LONGEST_CODE), suites, verdict.stderr[-LONGEST_STDERR:]]


def _suite(name: str, result: SuiteResult) -> list[Json]:
    failure: list[Json] | None = None
    if result.failure is not None:
        found = result.failure
        failure = [found.test, found.input, found.expected, found.got]
    return [name, result.status.value, result.num_passed, result.num_tests, failure]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}\n… cut after {length} characters"
