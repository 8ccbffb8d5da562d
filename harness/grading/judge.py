"""Decide whether programs are right without ever telling them what right is.

The sandbox runs a program on inputs and sends back encoded values; this package alone knows the
expected ones. A pass needs a full set of right values. Everything else is one of the statuses of
`records.Status`, and a failure of ours is UNSCORED, never a zero.

    with Judge.open(settings…) as judge:
        for verdict in judge.grade(submissions): ...

Timeouts are final only when the program ran out of time once more, alone on the machine.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from harness.errors import EnvironmentRefused
from harness.grading.calls import SuiteJudge
from harness.grading.profiles import GRADER_VERSION, Profile
from harness.grading.submissions import Submission, Twins
from harness.grading.truth import Truth, TruthCache, bundle_of, libraries_of, make_truths
from harness.grading.unittest import UnittestJudge
from harness.records import Problem, Status, Suite, SuiteResult, Verdict
from sandboxes.protocol import (
    Bundle,
    End,
    Execution,
    Job,
    Limits,
    Reply,
    Returned,
    Sandbox,
    Workers,
)

_STDERR_CHARS = 2000
_ASLEEP = 0.1
"""Share of a core below which a program that ran out of time was waiting for something else."""

STATUS_OF_END: dict[End, Status] = {
    End.EXCEPTION: Status.EXCEPTION,
    End.SYNTAX: Status.SYNTAX_ERROR,
    End.TIMEOUT: Status.TIMEOUT,
    End.OUT_OF_MEMORY: Status.OUT_OF_MEMORY,
    End.KILLED: Status.EXCEPTION,
    End.FORBIDDEN: Status.FORBIDDEN,
    End.LOST: Status.UNSCORED,
}
"""What a program's end is worth. COMPLETED and ENOUGH depend on its answers."""


class Progress(NamedTuple):
    """Where preparing stands, for a progress line."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def _silent(progress: Progress) -> None:
    pass


class Judge:
    """Grades programs on open workers. Made by `Judge.open`."""

    def __init__(
        self,
        sandbox: Sandbox,
        workers: Workers,
        num_workers: int,
        profile: Profile,
        cache: TruthCache,
        environment: str,
    ) -> None:
        self._sandbox = sandbox
        self._workers = workers
        self._num_workers = num_workers
        self.profile = profile
        self._cache = cache
        self._environment = environment
        self._truths: dict[str, Truth] = {}
        self._bundles: dict[tuple[str, str], Bundle] = {}

    @classmethod
    @contextmanager
    def open(
        cls,
        sandbox: Sandbox,
        profile: Profile,
        *,
        cache: Path,
        num_workers: int,
        environment: str = "python",
    ) -> Generator["Judge"]:
        """Start workers and grade on them until the block ends.

        `environment` is the one that the problems are for (`Benchmark.environment`).

        Raises:
            SandboxUnavailable: this machine has no such sandbox.
        """
        with sandbox.open(environment, num_workers) as workers:
            truth_cache = TruthCache(cache, workers.environment, profile.unittest_rules)
            yield cls(sandbox, workers, num_workers, profile, truth_cache, environment)

    @property
    def environment(self) -> str:
        return self._workers.environment

    @property
    def level(self) -> str:
        return self._workers.level

    # --- ground truth ----------------------------------------------------------------------

    def prepare(self, problems: Sequence[Problem], on_progress: OnProgress = _silent) -> None:
        """Have the expected values of these problems, and see their solutions pass here.

        Both come from the cache where they were made before.

        Raises:
            EnvironmentRefused: a canonical solution fails here that the profile can pass.
        """
        missing: list[Problem] = []
        for done, problem in enumerate(problems):
            on_progress(Progress("loading expected values", done, len(problems)))
            if problem.truth_key not in self._truths:
                truth = self._cache.load(problem)
                if truth is None:
                    missing.append(problem)
                else:
                    self._truths[problem.truth_key] = truth
        passed = self._cache.passed_gate(self.profile.name)
        ungated = [
            problem
            for problem in problems
            if problem.truth_key not in passed and not _is_its_own_gate(problem)
        ]
        if not missing and not ungated:
            return
        # These workers see correct solutions at work, so they never see a candidate.
        with self._sandbox.open(self._environment, self._num_workers) as workers:
            failures = self._make_truths(missing, workers, on_progress)
            helper = Judge(
                self._sandbox,
                workers,
                self._num_workers,
                self.profile,
                self._cache,
                self._environment,
            )
            helper._truths = self._truths
            failures |= helper._pass_gate(
                [problem for problem in ungated if problem.id not in failures], on_progress
            )
        if failures:
            raise EnvironmentRefused(_refusal(failures, len(problems), self.profile.name))

    def _make_truths(
        self, problems: list[Problem], workers: Workers, on_progress: OnProgress
    ) -> dict[str, str]:
        """Those that fail are tried once more, when the machine does nothing else of ours."""
        failures: dict[str, str] = {}
        todo = sorted(problems, key=lambda problem: -problem.about_s)
        for _ in range(2):
            failures.clear()
            made = make_truths(todo, workers, self.profile.unittest_rules, self._environment)
            for done, (problem, truth) in enumerate(made):
                on_progress(Progress("computing expected values", done, len(todo)))
                if truth.failure:
                    failures[problem.id] = truth.failure
                else:
                    self._cache.save(problem, truth)
                    self._truths[problem.truth_key] = truth
            todo = [problem for problem in todo if problem.id in failures]
            if not todo:
                break
        return failures

    def known_failures(self, problems: Iterable[Problem]) -> dict[str, str]:
        """Task ids whose canonical solution fails here, with the cause; of problems prepared once."""
        truths = {
            problem.task_id: self._truths.get(problem.truth_key) or self._cache.load(problem)
            for problem in problems
            if problem.known_failure
        }
        return {
            task_id: truth.known_failure
            for task_id, truth in truths.items()
            if truth and truth.known_failure
        }

    def _pass_gate(self, problems: list[Problem], on_progress: OnProgress) -> dict[str, str]:
        """Grade the canonical solutions; those that fail, but for the profile's known ones."""
        failures: dict[str, str] = {}
        submissions = [Submission(problem, problem.solution) for problem in problems]
        by_id = {problem.id: problem for problem in problems}
        for done, verdict in enumerate(self.grade(self.slowest_first(submissions))):
            on_progress(Progress("checking the ground truth", done, len(problems)))
            problem = by_id[verdict.problem_id]
            if verdict.passed or problem.task_id in self.profile.never_pass:
                self._cache.record_gate(self.profile.name, problem)
            else:
                failures[problem.id] = f"{verdict.status.value} {_first_line(verdict)}"
        return failures

    # --- grading ---------------------------------------------------------------------------

    def slowest_first(self, submissions: Iterable[Submission]) -> list[Submission]:
        """The order that keeps all workers busy to the end; a problem's samples stay together."""
        return sorted(
            submissions,
            key=lambda submission: (
                -self._truths[submission.problem.truth_key].reference_s,
                submission.problem.id,
                submission.index,
            ),
        )

    def grade(
        self,
        submissions: Iterable[Submission],
        twins: Twins | None = None,
    ) -> Iterator[Verdict]:
        """Grade programs; one verdict each, in any order, timeouts last.

        The problems must have been prepared. Submissions are drawn as workers get free, so a
        generator may go on writing them while the first are graded. `twins` knows the verdicts of
        the run so far, and hears of these: a program that it knows is not run again.
        """
        twins = twins or Twins()
        doubtful: list[tuple[Submission, Verdict]] = []
        for submission, verdict in self._grade_twins(twins.firsts(submissions), twins):
            if _has_timeout(verdict):
                doubtful.append((submission, verdict))
            else:
                yield _of_reply(submission, verdict)
        # What slept was in nobody's way, nor anybody in its: such ones can wait side by side.
        asleep = [submission for submission, verdict in doubtful if _has_slept(verdict)]
        for submission, verdict in self._grade_once(asleep):
            yield _of_reply(submission, verdict)
        for submission, first in doubtful:
            if not _has_slept(first):
                for _, verdict in self._grade_once([submission], alone=True):
                    yield _of_reply(submission, verdict)

    def _grade_twins(
        self, firsts: Iterable[Submission], twins: Twins
    ) -> Iterator[tuple[Submission, Verdict]]:
        """Verdicts of the firsts, of their twins, and of the twins that need a run of their own."""
        owed: list[Submission] = []
        for submission, verdict in self._grade_once(firsts):
            yield submission, verdict
            settled = twins.settle(submission, verdict)
            owed += settled.owed
            yield from settled.copies
        yield from twins.rest()
        if owed:
            yield from self._grade_once(owed)

    def _grade_once(
        self, submissions: Iterable[Submission], *, alone: bool = False
    ) -> Iterator[tuple[Submission, Verdict]]:
        open_cases: dict[str, _Case] = {}
        judges: dict[str, SuiteJudge | UnittestJudge] = {}
        without_code: list[Submission] = []

        def jobs() -> Iterator[Job]:
            for number, submission in enumerate(submissions):
                if not submission.code.strip():
                    without_code.append(submission)
                    continue
                truth = self._truths[submission.problem.truth_key]
                case = _Case(submission, can_pass=not truth.known_failure)
                code = submission.problem.preamble + submission.code
                for suite in submission.problem.suites:
                    job_id = f"{number} {suite.name}"
                    judges[job_id], limits = self._suite_judge(submission.problem, suite, truth)
                    open_cases[job_id] = case
                    yield Job(
                        id=job_id,
                        code=code,
                        entry_point=submission.problem.entry_point,
                        bundle=self._bundle(submission.problem, suite.name),
                        limits=limits,
                        kind=suite.kind,
                        tests=suite.unittest,
                        rules=self.profile.unittest_rules if suite.unittest else "",
                        libraries=libraries_of(submission.problem, suite, code, self._environment),
                    )

        def on_values(job_id: str, chunk: Sequence[Returned]) -> Reply:
            return judges[job_id].see(chunk)

        work: Iterable[Job] = jobs()
        executions = (
            (execution for job in work for execution in self._workers.run([job], on_values))
            if alone
            else self._workers.run(work, on_values)
        )
        for execution in executions:
            case = open_cases.pop(execution.job_id)
            suite_judge = judges.pop(execution.job_id)
            case.add(execution, suite_judge, self.profile)
            if case.complete:
                yield case.submission, case.verdict(self.profile, self.level)
        for submission in without_code:
            yield submission, _no_code(submission, self.profile, self.level)

    def _suite_judge(
        self, problem: Problem, suite: Suite, truth: Truth
    ) -> tuple[SuiteJudge | UnittestJudge, Limits]:
        if suite.kind == "unittest":
            unittest_truth = truth.unittests[suite.name]
            limits = self.profile.unittest_limits(unittest_truth.reference_s)
            return UnittestJudge(suite.methods, unittest_truth, self.profile), limits
        suite_truth = truth.suites[suite.name]
        limits = self.profile.limits(suite_truth.reference_s, suite_truth.num_bytes)
        return SuiteJudge(self.profile, problem, suite_truth), limits

    def _bundle(self, problem: Problem, suite: str) -> Bundle:
        key = problem.truth_key, suite
        if key not in self._bundles:
            if len(self._bundles) > 64:
                self._bundles.pop(next(iter(self._bundles)))
            self._bundles[key] = bundle_of(problem.suite(suite))
        return self._bundles[key]


def grade(
    problem: Problem,
    programs: Sequence[str],
    *,
    profile: Profile,
    sandbox: Sandbox,
    cache: Path,
    num_workers: int = 1,
    environment: str = "python",
) -> list[Verdict]:
    """Grade programs for one problem; verdicts in the order of the programs.

    The short way for scripts; `Judge.open` keeps the workers for many problems.

    Raises:
        SandboxUnavailable: this machine has no such sandbox.
        EnvironmentRefused: the problem's canonical solution fails here.
    """
    with Judge.open(
        sandbox, profile, cache=cache, num_workers=num_workers, environment=environment
    ) as judge:
        judge.prepare([problem])
        submissions = [Submission(problem, code, index) for index, code in enumerate(programs)]
        return sorted(judge.grade(submissions), key=lambda verdict: verdict.index)


class _Case:
    """One submission on its way: suite results come in, a verdict comes out."""

    def __init__(self, submission: Submission, can_pass: bool) -> None:
        self.submission = submission
        self._can_pass = can_pass
        self._results: dict[str, SuiteResult] = {}
        self._executions: list[Execution] = []
        self._flags: list[str] = []

    def add(
        self, execution: Execution, judge: SuiteJudge | UnittestJudge, profile: Profile
    ) -> None:
        suite = execution.job_id.partition(" ")[2]
        if isinstance(judge, UnittestJudge):
            judge.take(execution)
        num_tests = len(self.submission.problem.suite(suite))
        status = _status(execution, judge, num_tests)
        never = self.submission.problem.task_id in profile.never_pass or not self._can_pass
        if never and status == Status.PASSED:
            status = Status.WRONG_ANSWER
        if isinstance(judge, UnittestJudge):
            self._flags += judge.flags
        self._results[suite] = SuiteResult(
            status=status,
            num_tests=num_tests,
            num_run=max(judge.num_run, judge.num_passed),
            num_passed=judge.num_passed,
            failure=judge.failure,
        )
        self._executions.append(execution)

    @property
    def complete(self) -> bool:
        return len(self._results) == len(self.submission.problem.suites)

    def verdict(self, profile: Profile, level: str) -> Verdict:
        said = dict.fromkeys(
            text
            for execution in self._executions
            for text in (execution.stderr.strip(), execution.detail)
            if text
        )
        return Verdict(
            problem_id=self.submission.problem.id,
            index=self.submission.index,
            suites={
                suite.name: self._results[suite.name] for suite in self.submission.problem.suites
            },
            stderr="\n".join(said)[-_STDERR_CHARS:],
            cpu_s=round(sum(execution.cpu_s for execution in self._executions), 4),
            wall_s=round(sum(execution.wall_s for execution in self._executions), 4),
            level=level,
            flags=tuple(self._flags),
            profile=profile.name,
            grader_version=GRADER_VERSION,
        )


def _status(execution: Execution, judge: SuiteJudge | UnittestJudge, num_tests: int) -> Status:
    """The one table from how a program ended, and what it answered, to a status."""
    if execution.end == End.LOST:
        return Status.UNSCORED
    if judge.failed is not None:
        return judge.failed
    if execution.end == End.COMPLETED:
        # Fewer answers than inputs and no exception: no honest job ends like that.
        return Status.PASSED if judge.num_passed == num_tests else Status.FORBIDDEN
    return STATUS_OF_END[execution.end]


def _has_timeout(verdict: Verdict) -> bool:
    return any(result.status == Status.TIMEOUT for result in verdict.suites.values())


def _has_slept(verdict: Verdict) -> bool:
    return verdict.cpu_s < _ASLEEP * verdict.wall_s


def _is_its_own_gate(problem: Problem) -> bool:
    """A unittest's truth is two runs that passed, under the very rules of the profile."""
    return all(suite.unittest for suite in problem.suites)


def _no_code(submission: Submission, profile: Profile, level: str) -> Verdict:
    suites = {
        suite.name: SuiteResult(
            status=Status.NO_CODE, num_tests=len(suite), num_run=0, num_passed=0
        )
        for suite in submission.problem.suites
    }
    return Verdict(
        problem_id=submission.problem.id,
        index=submission.index,
        suites=suites,
        level=level,
        profile=profile.name,
        grader_version=GRADER_VERSION,
    )


def _of_reply(submission: Submission, verdict: Verdict) -> Verdict:
    """A failure of a reply that was cut is TRUNCATED: said last, as a timeout may still pass."""
    if not submission.truncated:
        return verdict
    kept = (Status.PASSED, Status.UNSCORED)
    suites = {
        name: result
        if result.status in kept
        else result.model_copy(update={"status": Status.TRUNCATED})
        for name, result in verdict.suites.items()
    }
    return verdict.model_copy(update={"suites": suites})


def _first_line(verdict: Verdict) -> str:
    for result in verdict.suites.values():
        if result.failure is not None:
            failure = result.failure
            return f"test {failure.test}: expected {failure.expected}, got {failure.got}"[:200]
    return verdict.stderr.strip().splitlines()[-1][:200] if verdict.stderr.strip() else ""


def _refusal(failures: dict[str, str], num_problems: int, profile: str) -> str:
    shown = [f"  {problem_id}: {reason}" for problem_id, reason in sorted(failures.items())[:10]]
    more = [f"  … and {len(failures) - 10} more"] if len(failures) > 10 else []
    head = (
        f"{len(failures)} of {num_problems} canonical solutions fail here under {profile}, so "
        "nothing is scored: a number from this environment would be false"
    )
    return "\n".join([head, *shown, *more])
