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
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from harness.errors import EnvironmentRefused
from harness.grading.calls import SuiteJudge
from harness.grading.livecodebench import whole_program
from harness.grading.profiles import GRADER_VERSION, Profile
from harness.grading.stdio import StdioJudge
from harness.grading.submissions import Submission, Twins
from harness.grading.truth import (
    Truth,
    TruthCache,
    bundle_of,
    drawn_tests,
    libraries_of,
    make_truths,
    suite_part,
    truth_without_solution,
)
from harness.grading.unittest import BY_REPLAY, UnittestJudge
from harness.records import Problem, Status, Suite, SuiteResult, Verdict, content_sha256
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
_MAX_EXPLICIT = 16

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


AnyJudge: TypeAlias = SuiteJudge | StdioJudge | UnittestJudge
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
        environment: str = "python",
        *,
        to_the_end: bool = False,
    ) -> None:
        self._to_the_end = to_the_end
        self._sandbox = sandbox
        self._workers = workers
        self._num_workers = num_workers
        self.profile = profile
        self._cache = cache
        self._environment = environment
        self._truths: dict[str, Truth] = {}
        self._explicit: dict[str, Truth] = {}
        """Of the last problems that have no solution."""
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
        to_the_end: bool = False,
    ) -> Generator["Judge"]:
        """Start workers and grade on them until the block ends.

        `environment` is the one that the problems are for (`Benchmark.environment`). `to_the_end` runs
        the tests behind the first failure too: for rewards that count them.

        Raises:
            SandboxUnavailable: this machine has no such sandbox.
        """
        with sandbox.open(environment, num_workers) as workers:
            truth_cache = TruthCache(cache, workers.environment, profile.unittest_rules)
            yield cls(
                sandbox,
                workers,
                num_workers,
                profile,
                truth_cache,
                environment,
                to_the_end=to_the_end,
            )

    @property
    def environment(self) -> str:
        return self._workers.environment

    @property
    def level(self) -> str:
        return self._workers.level

    # --- ground truth ----------------------------------------------------------------------

    def prepare(self, problems: Sequence[Problem], on_progress: OnProgress = _silent) -> None:
        """Have the expected values of these problems, and see their solutions pass here.

        Both come from the cache where they were made before. Problems without a solution say
        themselves what is expected, and prove nothing of this environment.

        Raises:
            EnvironmentRefused: a canonical solution fails here that the profile can pass.
        """
        problems = [problem for problem in problems if problem.solution]
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
            named = {p.task_id: failures[p.id] for p in problems if p.id in failures}
            raise EnvironmentRefused(_refusal(named, len(problems), self.profile.name))

    def _make_truths(
        self, problems: list[Problem], workers: Workers, on_progress: OnProgress
    ) -> dict[str, str]:
        """Unittest files that fail are tried once more: some of them look at the clock."""
        failures: dict[str, str] = {}
        todo = sorted(problems, key=lambda problem: -problem.about_s)
        for _ in range(2):
            made = make_truths(todo, workers, self.profile.unittest_rules, self._environment)
            for done, (problem, truth) in enumerate(made):
                on_progress(Progress("computing expected values", done, len(todo)))
                if truth.failure:
                    failures[problem.id] = truth.failure
                else:
                    failures.pop(problem.id, None)
                    self._cache.save(problem, truth)
                    self._truths[problem.truth_key] = truth
            todo = [p for p in todo if p.id in failures and _is_its_own_gate(p)]
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

    def draw(self, problem: Problem, num_tests: int, seed: int) -> Problem:
        """The problem with so many of its tests: the same ones for the same seed.

        It must have been prepared, and its draw is with it: no program runs for that. A unittest
        file stays whole.
        """
        assert self.profile.comparison == "strict", "a tolerance would depend on the tests before"
        kept = drawn_tests(problem, num_tests, seed)
        sha256 = content_sha256([problem.sha256, [list(indices) for indices in kept.values()]])
        truth = self._truths[problem.truth_key]
        if sha256 not in self._truths:
            self._truths[sha256] = truth.part(kept)
        suites = [
            suite if suite.unittest else suite_part(suite, kept[suite.name])
            for suite in problem.suites
        ]
        return replace(problem, suites=tuple(suites), sha256=sha256, truth_sha256="")

    # --- grading ---------------------------------------------------------------------------

    def slowest_first(self, submissions: Iterable[Submission]) -> list[Submission]:
        """The order that keeps all workers busy to the end; a problem's samples stay together."""
        return sorted(
            submissions,
            key=lambda submission: (
                -self._reference_s(submission.problem),
                submission.problem.id,
                submission.index,
            ),
        )

    def _reference_s(self, problem: Problem) -> float:
        return self._truths[problem.truth_key].reference_s if problem.solution else 0.0

    def _truth(self, problem: Problem) -> Truth:
        """Of a problem that was prepared. Explicit ones are many and large, and quickly made."""
        if problem.solution:
            return self._truths[problem.truth_key]
        if problem.sha256 not in self._explicit:
            if len(self._explicit) >= _MAX_EXPLICIT:
                self._explicit.pop(next(iter(self._explicit)))
            self._explicit[problem.sha256] = truth_without_solution(problem)
        return self._explicit[problem.sha256]

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
        owed: list[Submission] = []
        for submission, verdict in self._grade_once(twins.firsts(submissions)):
            if _is_doubtful(verdict):
                doubtful.append((submission, verdict))  # its twins wait with it
                continue
            settled = twins.settle(submission, verdict)
            owed += settled.owed
            for each, found in ((submission, verdict), *settled.copies):
                yield _of_reply(each, found)
        for submission, verdict in twins.rest():
            yield _of_reply(submission, verdict)
        for submission, verdict in self._grade_once(owed) if owed else ():
            if _is_doubtful(verdict):
                doubtful.append((submission, verdict))
            else:
                yield _of_reply(submission, verdict)
        # What slept was in nobody's way, nor anybody in its: such ones can wait side by side.
        asleep = [submission for submission, verdict in doubtful if _has_slept(verdict)]
        to_do = [submission for submission, verdict in doubtful if not _has_slept(verdict)]
        for submission, verdict in self._grade_once(asleep) if asleep else ():
            settled = twins.settle(submission, verdict)
            to_do += settled.owed
            for each, found in ((submission, verdict), *settled.copies):
                yield _of_reply(each, found)
        for submission in to_do:
            yield from self._settle_alone(submission, twins)

    def _settle_alone(self, doubtful: Submission, twins: Twins) -> Iterator[Verdict]:
        """The final verdicts of a program that has timed out in company, and of its twins.

        Of a timeout no twin gets a copy. Each has the run that decides, and spares the other.
        """
        to_do = [doubtful]
        while to_do:
            (submission, verdict), *_ = self._grade_once([to_do.pop()], alone=True)
            settled = twins.settle(submission, verdict)
            to_do += settled.owed
            for each, found in ((submission, verdict), *settled.copies):
                yield _of_reply(each, found)

    def _grade_once(
        self, submissions: Iterable[Submission], *, alone: bool = False
    ) -> Iterator[tuple[Submission, Verdict]]:
        open_cases: dict[str, _Case] = {}
        judges: dict[str, AnyJudge] = {}
        without_code: list[Submission] = []

        def jobs() -> Iterator[Job]:
            for number, submission in enumerate(submissions):
                if not submission.code.strip():
                    without_code.append(submission)
                    continue
                truth = self._truth(submission.problem)
                case = _Case(submission, can_pass=not truth.known_failure)
                code = submission.problem.preamble + whole_program(submission)
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
                        stop_at_exception=not self._to_the_end,
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

    def _suite_judge(self, problem: Problem, suite: Suite, truth: Truth) -> tuple[AnyJudge, Limits]:
        if suite.kind == "unittest":
            unittest_truth = truth.unittests[suite.name]
            limits = self.profile.unittest_limits(unittest_truth.reference_s)
            return UnittestJudge(suite.methods, unittest_truth, self.profile), limits
        suite_truth = truth.suites[suite.name]
        limits = self.profile.limits(suite_truth.reference_s, suite_truth.num_bytes)
        kind = StdioJudge if suite.stdio else SuiteJudge
        return kind(self.profile, problem, suite_truth, to_the_end=self._to_the_end), limits

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

    def add(self, execution: Execution, judge: AnyJudge, profile: Profile) -> None:
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


def _status(execution: Execution, judge: AnyJudge, num_tests: int) -> Status:
    """The one table from how a program ended, and what it answered, to a status."""
    if execution.end == End.LOST:
        return Status.UNSCORED
    if judge.failed is not None:
        return judge.failed
    if execution.end == End.COMPLETED:
        # Fewer answers than inputs and no exception: no honest job ends like that.
        return Status.PASSED if judge.num_passed == num_tests else Status.FORBIDDEN
    return STATUS_OF_END[execution.end]


def _is_doubtful(verdict: Verdict) -> bool:
    """Out of time; or its answers fail the tests where the program is not, which a second that has
    passed since does too."""
    return any(
        result.status == Status.TIMEOUT
        or (result.failure is not None and result.failure.expected == BY_REPLAY)
        for result in verdict.suites.values()
    )


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
