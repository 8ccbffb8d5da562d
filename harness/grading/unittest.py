"""Decide a unittest job: what was said inside against what is known outside.

Known outside, and never sent in: the list of test methods (from the syntax tree of the test file),
and how the canonical solution fares in each run of the referee (agent/unittests.py). A pass needs

    1  each method of the list, once, with its own start and stop, passed; and no other
    2  under the poison exactly those tests passed that pass so with the canonical solution
    3  nothing changed in unittest, the builtins or the test class but what that changes too
    4  no answer holds an instance of a class of the program's own, or of another type that is not
       data (an iterator, a proxy, `mock.ANY`), unless that one's answers do too. Where the profile
       has `library_answers`, tables, figures and the like of an installed library are answers
    5  the replay, where no program is: each test passed that passes there with its answers

Rule 5 is stricter than a unittest is: an answer that does not cross the codec (a generator, where
the canonical solution returns a list) fails, as it does under `strict` everywhere. With
`library_answers` it says nothing of the tests that had such an answer.

Not here: running programs (sandboxes/), where `UnittestTruth` comes from (truth.py).
"""

from collections.abc import Sequence

from harness.grading.profiles import Profile
from harness.grading.truth import UnittestTruth, foreign_kinds
from harness.records import Failure, Status
from sandboxes.protocol import End, Execution, MethodRecord, Reply, Returned, UnittestRun

BY_REPLAY = "the same outcome away from the program"
"""What was expected of a test that passes beside the program alone."""
_CUT = 500
_NO_LIBRARIES = ("builtins", "functools", "operator", "types", "unittest", "weakref")
"""Modules whose types are no answers: they are equal to what they like, or run code unseen."""


class UnittestJudge:
    """One program on one unittest file, judged when its job has ended."""

    def __init__(self, methods: Sequence[str], truth: UnittestTruth, profile: Profile) -> None:
        self._methods = methods
        self._truth = truth
        self._profile = profile
        self.flags: list[str] = []
        """What was seen and is not held against the program: the profile only tells of it."""
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
        foreign = self._foreign(real)
        return (
            (self._flag(f"changed {', '.join(sorted(changed))}") if changed else None)
            or (self._flag(f"answers that are not data: {foreign}") if foreign else None)
            or self._poisoned(poison)
            or self._replayed(replay)
        )

    def _foreign(self, real: UnittestRun) -> str:
        """Kinds of thing in the answers that have no business there."""
        kinds = foreign_kinds(real) - self._truth.foreign
        if self._profile.library_answers:
            kinds = frozenset(kind for kind in kinds if not _is_of_a_library(kind))
        return ", ".join(sorted(kinds))

    def _poisoned(self, poison: UnittestRun) -> Status | None:
        truth = self._truth
        if poison.end == "timeout" and truth.poison_end != "timeout":
            return Status.TIMEOUT  # confirmed alone, like every timeout
        if poison.end not in ("completed", "timeout"):
            return self._flag(f"the run without the function ended {poison.end or 'never'}")
        ended = frozenset(test.name for test in poison.tests if test.outcome)
        unknown = truth.poison_unstable | (frozenset(self._methods) - ended)
        if poison.end == "completed":
            unknown = truth.poison_unstable
        odd = (poison.passed ^ truth.poison_passed) - unknown
        if odd:
            return self._flag(f"other tests pass without the function: {', '.join(sorted(odd))}")
        return None

    def _replayed(self, replay: UnittestRun) -> Status | None:
        if replay.end == "timeout" and self._truth.replay_passed - replay.passed:
            return Status.TIMEOUT
        excused = frozenset(replay.foreign) if self._profile.library_answers else frozenset[str]()
        for name in self._methods:
            if name in self._truth.replay_passed - excused and name not in replay.passed:
                if self._profile.flags_only:
                    self.flags.append(f"{name} passes beside the program alone")
                    continue
                told = {test.name: test.message for test in replay.tests}.get(name, "")
                self.failure = self._failure(name, BY_REPLAY, told or "no record")
                return Status.WRONG_ANSWER
        return None

    def _flag(self, why: str) -> Status | None:
        """A sign of tampering: the program fails by it, or it is only told."""
        if self._profile.flags_only:
            self.flags.append(why)
            return None
        return self._forbid(why)

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


def _is_of_a_library(kind: str) -> bool:
    """Whether a kind is `module.Type` of an installed module, and none of `_NO_LIBRARIES`."""
    package = kind.partition(".")[0]
    is_one = "." in kind and not kind.startswith("own:")
    return (is_one and package not in _NO_LIBRARIES) or kind == "an array of objects"


TRIALS = ("poison", "replay")
