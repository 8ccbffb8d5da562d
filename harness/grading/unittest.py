"""Decide a unittest job: what was said inside against what is known outside.

Known outside, and never sent in: the list of test methods (from the syntax tree of the test file),
and how the canonical solution fares in each run of the referee (agent/unittests.py). A pass needs

    1  each method of the list, once, with its own start and stop, passed; and no other
    2  under the poison exactly those tests passed that pass so with the canonical solution
    3  nothing changed in unittest, the builtins or the test class but what that changes too
    4  no answer holds an instance of a class of the program's own, or of another type that is not
       data (an iterator, a proxy, `mock.ANY`), unless that one's answers do too
    5  the replay, where no program is: each test passed that passes there with its answers

Rule 5 is stricter than a unittest is: an answer that does not cross the codec (a generator, where
the canonical solution returns a list) fails, as it does under `strict` everywhere.

Not here: running programs (sandboxes/), where `UnittestTruth` comes from (truth.py).
"""

from collections.abc import Sequence

from harness.grading.truth import UnittestTruth, foreign_kinds
from harness.records import Failure, Status
from sandboxes.protocol import End, Execution, MethodRecord, Reply, Returned, UnittestRun

_CUT = 500


class UnittestJudge:
    """One program on one unittest file, judged when its job has ended."""

    def __init__(self, methods: Sequence[str], truth: UnittestTruth) -> None:
        self._methods = methods
        self._truth = truth
        self.num_passed = 0
        self.num_run = 0
        self.failed: Status | None = None
        self.failure: Failure | None = None

    def see(self, chunk: Sequence[Returned]) -> Reply:
        """No value is due from a job of this kind."""
        self.failed = Status.FORBIDDEN
        return Reply.ENOUGH

    def take(self, execution: Execution) -> None:
        """Judge the records of the job."""
        real = execution.evidence.run("real")
        wanted = frozenset(self._methods)
        self.num_passed = len(real.passed & wanted)
        self.num_run = sum(bool(test.outcome) for test in real.tests if test.name in wanted)
        wrong = next((test for test in real.tests if test.outcome != "passed"), None)
        if wrong is not None:
            self.failure = self._failure_of(wrong)
        if self.failed is None and execution.end == End.COMPLETED:
            self.failed = self._verdict(execution, wrong)
        if self.failed is not None and self.num_passed == len(self._methods):
            self.num_passed -= 1  # a failure is never a full set

    def _verdict(self, execution: Execution, wrong: MethodRecord | None) -> Status | None:
        """The one table. None is a pass."""
        runs = execution.evidence.runs
        real, poison, replay = (execution.evidence.run(role) for role in ("real", *TRIALS))
        if any(run.end == "forged" for run in runs.values()):
            return self._forbid("records that are not the runner's")
        if wrong is not None:
            return Status.EXCEPTION if wrong.outcome in ("error", "") else Status.WRONG_ANSWER
        if real.problem:
            self.failure = self._failure("", "the tests run to their end", real.problem)
            return Status.EXCEPTION
        if sorted(test.name for test in real.tests) != sorted(self._methods):
            return self._forbid("not the tests of the file, each once")
        changed = {*real.changed, *poison.changed} - self._truth.changed
        if changed:
            return self._forbid(f"changed {', '.join(sorted(changed))}")
        if foreign_kinds(real) - self._truth.foreign:
            return self._forbid(f"answers that are not data: {', '.join(real.foreign)}")
        return self._poisoned(poison) or self._replayed(replay)

    def _poisoned(self, poison: UnittestRun) -> Status | None:
        truth = self._truth
        if poison.end != truth.poison_end:
            if poison.end == "timeout":  # confirmed alone, like every timeout
                return Status.TIMEOUT
            return self._forbid(f"the run without the function ended {poison.end or 'never'}")
        odd = (poison.passed ^ truth.poison_passed) - truth.poison_unstable
        if odd:
            return self._forbid(f"other tests pass without the function: {', '.join(sorted(odd))}")
        return None

    def _replayed(self, replay: UnittestRun) -> Status | None:
        if replay.end == "timeout" and self._truth.replay_passed - replay.passed:
            return Status.TIMEOUT
        for name in self._methods:
            if name in self._truth.replay_passed and name not in replay.passed:
                told = {test.name: test.message for test in replay.tests}.get(name, "")
                self.failure = self._failure(
                    name, "the same outcome away from the program", told or "no record"
                )
                return Status.WRONG_ANSWER
        return None

    def _forbid(self, why: str) -> Status:
        self.failure = self._failure("", "untouched tests", why)
        return Status.FORBIDDEN

    def _failure_of(self, test: MethodRecord) -> Failure:
        return self._failure(
            test.name, "passed", f"{test.outcome or 'did not end'} {test.message}".strip()
        )

    def _failure(self, name: str, expected: str, got: str) -> Failure:
        index = self._methods.index(name) if name in self._methods else 0
        printable = got[:_CUT].encode("utf-8", "backslashreplace").decode()
        return Failure(test=index, input=name, expected=expected, got=printable)


TRIALS = ("poison", "replay")
