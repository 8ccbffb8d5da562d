"""The judge on a sandbox that fails on demand: which end is which status, and when it is final."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import EnvironmentRefused, StorageError
from harness.grading import PROFILES, Judge, Profile, Progress, Submission, grade
from harness.grading.profiles import GRADER_VERSION
from harness.records import Problem, Status, Suite, Verdict
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import End, Execution, Job, OnValues, Sandbox

STRICT = PROFILES["strict"]
PARITY = PROFILES["evalplus-0.3.1"]
MASTER = PROFILES["evalplus-master"]

DOUBLE = "def f(x):\n    return x + x"
WRONG = "def f(x):\n    return x"
WRONG_ON_3 = "def f(x):\n    return x + x if x != 3 else 7"
RAISES_ON_3 = "def f(x):\n    return x + x if x != 3 else 1 / 0"

Script = Callable[[Job], End | None]


def problem(
    *,
    name: str = "0",
    solution: str = DOUBLE,
    base: Sequence[int] = (1, 2),
    plus: Sequence[int] = (3, 4),
    expected: tuple[int, ...] | None = None,
) -> Problem:
    return Problem(
        id=f"test/{name}",
        task_id=name,
        prompt="",
        entry_point="f",
        solution=solution,
        suites=(
            Suite("base", tuple((each,) for each in base), expected),
            Suite("plus", tuple((each,) for each in plus)),
        ),
        sha256=f"sha256-of-{name}",
    )


ONE = problem()


def on(code: str, *ends: End | None, suite: str = "") -> Script:
    """The jobs of a program end like this, one after the other, and then as they really do."""
    left = iter(ends)

    def script(job: Job) -> End | None:
        hit = job.code == code and job.id.endswith(suite)
        return next(left, None) if hit else None

    return script


@contextmanager
def judge_of(
    cache: Path,
    *problems: Problem,
    script: Script | None = None,
    sandbox: Sandbox | None = None,
    profile: Profile = STRICT,
) -> Iterator[Judge]:
    sandbox = sandbox or FakeSandbox(script)
    with Judge.open(sandbox, profile, cache=cache, num_workers=1) as judge:
        judge.prepare(problems)
        yield judge


def verdict_of(
    cache: Path,
    code: str,
    *,
    one: Problem = ONE,
    script: Script | None = None,
    profile: Profile = STRICT,
    truncated: bool = False,
) -> Verdict:
    with judge_of(cache, one, script=script, profile=profile) as judge:
        (verdict,) = judge.grade([Submission(one, code, truncated=truncated)])
    return verdict


def statuses(verdict: Verdict) -> tuple[Status, ...]:
    return tuple(result.status for result in verdict.suites.values())


# --- one program ---------------------------------------------------------------------------


def test_a_right_program_passes_all_tests_of_all_suites(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, "def f(x):\n    return 2 * x")
    assert verdict.passed
    assert list(verdict.suites) == ["base", "plus"]
    for suite in verdict.suites.values():
        assert (suite.status, suite.num_tests, suite.num_run, suite.num_passed) == (
            Status.PASSED,
            2,
            2,
            2,
        )


def test_a_verdict_says_what_it_depends_on(tmp_path: Path) -> None:
    with judge_of(tmp_path, ONE) as judge:
        (verdict,) = judge.grade([Submission(ONE, DOUBLE, index=7)])
        assert (judge.environment, judge.level) == ("fake", "fake")
    assert verdict.key == ("test/0", 7)
    assert (verdict.level, verdict.profile) == ("fake", "strict")
    assert verdict.grader_version == GRADER_VERSION


def test_a_wrong_answer_ends_the_suite_and_is_shown(tmp_path: Path) -> None:
    base, plus = verdict_of(tmp_path, WRONG_ON_3).suites.values()
    assert base.status == Status.PASSED
    assert (plus.status, plus.num_run, plus.num_passed) == (Status.WRONG_ANSWER, 1, 0)
    assert plus.failure is not None
    assert (plus.failure.test, plus.failure.input) == (0, "(3,)")
    assert (plus.failure.expected, plus.failure.got) == ("6", "7")


def test_an_exception_is_shown(tmp_path: Path) -> None:
    _, plus = verdict_of(tmp_path, RAISES_ON_3).suites.values()
    assert plus.status == Status.EXCEPTION
    assert plus.failure is not None
    assert plus.failure.got == "ZeroDivisionError: division by zero"


def test_plus_may_pass_where_base_fails(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, WRONG_ON_3, one=problem(base=(3,), plus=(1, 2)))
    assert statuses(verdict) == (Status.WRONG_ANSWER, Status.PASSED)
    assert not verdict.passed


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (End.EXCEPTION, Status.EXCEPTION),
        (End.SYNTAX, Status.SYNTAX_ERROR),
        (End.OUT_OF_MEMORY, Status.OUT_OF_MEMORY),
        (End.KILLED, Status.EXCEPTION),
        (End.FORBIDDEN, Status.FORBIDDEN),
        (End.LOST, Status.UNSCORED),
    ],
)
def test_every_end_has_its_status(tmp_path: Path, end: End, status: Status) -> None:
    verdict = verdict_of(tmp_path, WRONG, script=on(WRONG, end, end))
    assert statuses(verdict) == (status, status)
    assert "scripted" in verdict.stderr
    assert not verdict.passed


def test_fewer_answers_than_inputs_are_forbidden(tmp_path: Path) -> None:
    right = "def f(x):\n    return 2 * x"
    verdict = verdict_of(tmp_path, right, script=on(right, End.COMPLETED, suite="plus"))
    assert statuses(verdict) == (Status.PASSED, Status.FORBIDDEN)


def test_what_does_not_load_is_an_exception_or_a_syntax_error(tmp_path: Path) -> None:
    assert verdict_of(tmp_path, "def f(x)").status == Status.SYNTAX_ERROR
    assert verdict_of(tmp_path, "raise SystemExit").status == Status.EXCEPTION
    assert verdict_of(tmp_path, "def g(x):\n    return x").status == Status.EXCEPTION


@pytest.mark.parametrize("code", ["", " \n\t\n"])
def test_no_code_is_not_run(tmp_path: Path, code: str) -> None:
    sandbox = FakeSandbox()
    with judge_of(tmp_path, ONE, sandbox=sandbox) as judge:
        before = len(sandbox.jobs)
        (verdict,) = judge.grade([Submission(ONE, code)])
    assert len(sandbox.jobs) == before
    assert statuses(verdict) == (Status.NO_CODE, Status.NO_CODE)
    assert [suite.num_tests for suite in verdict.suites.values()] == [2, 2]


def test_a_suite_without_inputs_passes_when_the_code_loads(tmp_path: Path) -> None:
    one = problem(plus=())
    assert verdict_of(tmp_path, DOUBLE, one=one).passed
    assert statuses(verdict_of(tmp_path, WRONG, one=one)) == (Status.WRONG_ANSWER, Status.PASSED)
    assert statuses(verdict_of(tmp_path, "1 / 0", one=one)) == (Status.EXCEPTION,) * 2


# --- our own failures ----------------------------------------------------------------------


def test_a_lost_suite_leaves_the_sample_unscored(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, DOUBLE, script=lost_in_grading("plus"))
    assert statuses(verdict) == (Status.PASSED, Status.UNSCORED)
    assert (verdict.scored, verdict.passed, verdict.status) == (False, False, Status.UNSCORED)


def test_a_lost_suite_leaves_a_wrong_sample_unscored_too(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, WRONG, script=on(WRONG, End.LOST, suite="plus"))
    assert statuses(verdict) == (Status.WRONG_ANSWER, Status.UNSCORED)
    assert (verdict.scored, verdict.status) == (False, Status.UNSCORED)


class DyingSandbox:
    """Its workers show all answers and die before they say how it ended."""

    level = environment = "fake"

    @contextmanager
    def open(self, environment: str, workers: int) -> Iterator["DyingSandbox"]:
        yield self

    def run(self, jobs: Iterable[Job], on_values: OnValues | None = None) -> Iterator[Execution]:
        with FakeSandbox().open("python", 1) as workers:
            for execution in workers.run(jobs, on_values):
                yield replace(execution, end=End.LOST)


@pytest.mark.parametrize("code", [DOUBLE, WRONG])
def test_what_was_seen_before_a_loss_is_no_verdict(tmp_path: Path, code: str) -> None:
    verdict_of(tmp_path, DOUBLE)  # the gate is passed in a sound one
    with judge_of(tmp_path, ONE, sandbox=DyingSandbox()) as judge:
        (verdict,) = judge.grade([Submission(ONE, code)])
    assert statuses(verdict) == (Status.UNSCORED, Status.UNSCORED)


def lost_in_grading(suite: str) -> Script:
    """LOST, but not while the ground truth is made and checked: the third run of a suite."""
    seen = itertools.count()

    def script(job: Job) -> End | None:
        return End.LOST if job.id.endswith(suite) and next(seen) == 2 else None

    return script


# --- cut replies ---------------------------------------------------------------------------


def test_a_cut_reply_that_passes_has_passed(tmp_path: Path) -> None:
    assert verdict_of(tmp_path, DOUBLE, truncated=True).passed


@pytest.mark.parametrize("code", ["", "def f(x)", "1 / 0", RAISES_ON_3, WRONG_ON_3])
def test_every_failure_of_a_cut_reply_is_called_truncated(tmp_path: Path, code: str) -> None:
    verdict = verdict_of(tmp_path, code, truncated=True)
    whole = verdict_of(tmp_path, code)
    assert verdict.status == Status.TRUNCATED
    for cut, same in zip(verdict.suites.values(), whole.suites.values(), strict=True):
        assert (cut.status == Status.PASSED) == (same.status == Status.PASSED)
        assert (cut.num_run, cut.failure) == (same.num_run, same.failure)


def test_our_failure_on_a_cut_reply_stays_ours(tmp_path: Path) -> None:
    script = on(WRONG, End.LOST, End.LOST)
    verdict = verdict_of(tmp_path, WRONG, truncated=True, script=script)
    assert statuses(verdict) == (Status.UNSCORED, Status.UNSCORED)


# --- timeouts ------------------------------------------------------------------------------

SLOW = "def f(x):\n    return x * 2"


@pytest.mark.parametrize("truncated", [False, True])
def test_a_timeout_that_passes_alone_has_passed(tmp_path: Path, truncated: bool) -> None:
    script = on(SLOW, End.TIMEOUT, suite="plus")
    assert verdict_of(tmp_path, SLOW, script=script, truncated=truncated).passed


def test_a_timeout_that_is_wrong_alone_is_wrong(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, WRONG, script=on(WRONG, End.TIMEOUT, suite="base"))
    assert statuses(verdict) == (Status.WRONG_ANSWER, Status.WRONG_ANSWER)


def test_a_timeout_is_confirmed_though_another_suite_is_wrong(tmp_path: Path) -> None:
    script = on(WRONG_ON_3, End.TIMEOUT, suite="plus")
    verdict = verdict_of(tmp_path, WRONG_ON_3, one=problem(base=(3,), plus=(1,)), script=script)
    assert statuses(verdict) == (Status.WRONG_ANSWER, Status.PASSED)


def test_two_timeouts_are_final(tmp_path: Path) -> None:
    script = on(SLOW, End.TIMEOUT, End.TIMEOUT, suite="base")
    verdict = verdict_of(tmp_path, SLOW, script=script)
    assert statuses(verdict) == (Status.TIMEOUT, Status.PASSED)
    assert verdict.scored


def test_two_timeouts_of_a_cut_reply_are_truncated(tmp_path: Path) -> None:
    script = on(SLOW, End.TIMEOUT, End.TIMEOUT, suite="base")
    assert verdict_of(tmp_path, SLOW, script=script, truncated=True).status == Status.TRUNCATED


class CountingSandbox:
    """A FakeSandbox that notes how many jobs each call of `run` was given."""

    level = environment = "fake"

    def __init__(self, script: Script) -> None:
        self._sandbox = FakeSandbox(script)
        self.num_jobs: list[int] = []

    @contextmanager
    def open(self, environment: str, workers: int) -> Iterator["CountingSandbox"]:
        yield self

    def run(self, jobs: Iterable[Job], on_values: OnValues | None = None) -> Iterator[Execution]:
        self.num_jobs.append(0)
        with self._sandbox.open("python", 1) as workers:
            for execution in workers.run(jobs, on_values):
                self.num_jobs[-1] += 1
                yield execution


def test_timeouts_are_tried_again_one_by_one_after_all_others(tmp_path: Path) -> None:
    script = on(SLOW, End.TIMEOUT, None, End.TIMEOUT, None)
    sandbox = CountingSandbox(script)
    with judge_of(tmp_path, ONE, sandbox=sandbox) as judge:
        sandbox.num_jobs.clear()
        codes = [SLOW, DOUBLE, SLOW, WRONG]
        verdicts = list(judge.grade(Submission(ONE, code, n) for n, code in enumerate(codes)))
    # Of two equal programs one is run with the others; both have the run alone that decides.
    assert sandbox.num_jobs == [6, 1, 1, 1, 1]
    assert [verdict.index for verdict in verdicts] == [1, 3, 0, 2]
    assert [verdict.status for verdict in verdicts] == [
        Status.PASSED,
        Status.WRONG_ANSWER,
        Status.TIMEOUT,
        Status.PASSED,
    ]


# --- many programs -------------------------------------------------------------------------


def test_the_order_of_submissions_changes_no_verdict(tmp_path: Path) -> None:
    other = problem(name="1", base=(3,), plus=())
    with judge_of(tmp_path, ONE, other) as judge:
        submissions = [
            Submission(ONE, WRONG_ON_3, 0),
            Submission(ONE, DOUBLE, 1),
            Submission(other, WRONG_ON_3, 0),
            Submission(other, "", 1),
        ]
        found = [
            {verdict.key: verdict for verdict in judge.grade(order)}
            for order in itertools.permutations(submissions)
        ]
    assert len(found[0]) == 4
    assert all(verdicts == found[0] for verdicts in found)


def test_submissions_are_drawn_while_verdicts_come(tmp_path: Path) -> None:
    drawn: list[int] = []

    def submissions() -> Iterator[Submission]:
        for index in range(5):
            drawn.append(index)
            yield Submission(ONE, DOUBLE, index)

    with judge_of(tmp_path, ONE) as judge:
        first = next(iter(judge.grade(submissions())))
    assert (first.index, drawn) == (0, [0])


def test_the_slowest_problems_come_first_and_samples_of_a_problem_together(tmp_path: Path) -> None:
    quick, slow = (
        problem(name=name, solution=f"import time\ndef f(x):\n    time.sleep({seconds})\n", plus=())
        for name, seconds in (("quick", 0), ("slow", 0.02))
    )
    with judge_of(tmp_path, quick, slow) as judge:
        mixed = [Submission(each, DOUBLE, index) for index in (1, 0) for each in (quick, slow)]
        ordered = [(each.problem.task_id, each.index) for each in judge.slowest_first(mixed)]
    assert ordered == [("slow", 0), ("slow", 1), ("quick", 0), ("quick", 1)]


def test_grade_answers_in_the_order_of_the_programs(tmp_path: Path) -> None:
    programs = ["", SLOW, WRONG, DOUBLE]
    sandbox = FakeSandbox(on(SLOW, End.TIMEOUT))
    verdicts = grade(ONE, programs, profile=STRICT, sandbox=sandbox, cache=tmp_path)
    assert [verdict.index for verdict in verdicts] == [0, 1, 2, 3]
    assert [verdict.status for verdict in verdicts] == [
        Status.NO_CODE,
        Status.PASSED,
        Status.WRONG_ANSWER,
        Status.PASSED,
    ]


# --- the gate ------------------------------------------------------------------------------

BROKEN = "def f(x):\n    raise KeyError('no network')"


def test_a_solution_that_fails_refuses_the_environment_with_its_reason(tmp_path: Path) -> None:
    broken = problem(name="broken", solution=BROKEN)
    with pytest.raises(EnvironmentRefused) as refused, judge_of(tmp_path, ONE, broken):
        pass
    head, reason = str(refused.value).splitlines()
    assert head.startswith("1 of 2 canonical solutions fail here under strict")
    assert reason.startswith("  broken: base: input 0: KeyError: 'no network'")


def test_a_solution_that_differs_from_the_stated_values_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentRefused, match="wrong_answer test 1: expected 5, got 4"),
        judge_of(tmp_path, problem(expected=(2, 5))),
    ):
        pass


def test_a_solution_that_fails_the_comparison_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentRefused, match="wrong_answer test 0: expected nan, got nan"),
        judge_of(tmp_path, problem(solution="def f(x):\n    return float('nan')"), profile=PARITY),
    ):
        pass


def test_a_lost_worker_at_the_gate_is_no_pass(tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentRefused, match="  0: unscored"),
        judge_of(tmp_path, ONE, script=on(DOUBLE, None, None, End.LOST)),
    ):
        pass


def test_a_refusal_lists_ten_and_counts_the_others(tmp_path: Path) -> None:
    broken = [problem(name=f"{number:02}", solution=BROKEN) for number in range(13)]
    with pytest.raises(EnvironmentRefused) as refused, judge_of(tmp_path, *broken):
        pass
    head, *listed, more = str(refused.value).splitlines()
    assert head.startswith("13 of 13 ")
    assert [line.split(":")[0] for line in listed] == [f"  {n:02}" for n in range(10)]
    assert more == "  … and 3 more"


def test_the_gate_is_passed_once(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    with judge_of(tmp_path, ONE, sandbox=sandbox) as judge:
        num_jobs = len(sandbox.jobs)
        judge.prepare([ONE])
    with judge_of(tmp_path, ONE, sandbox=sandbox):
        pass
    assert len(sandbox.jobs) == num_jobs == 4


def test_what_was_refused_is_tried_again(tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentRefused),
        judge_of(tmp_path, ONE, script=on(DOUBLE, End.OUT_OF_MEMORY)),
    ):
        pass
    assert verdict_of(tmp_path, DOUBLE).passed


def test_what_passed_beside_a_refused_one_stays_passed(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    with (
        pytest.raises(EnvironmentRefused),
        judge_of(tmp_path, ONE, problem(name="broken", solution=BROKEN), sandbox=sandbox),
    ):
        pass
    num_jobs = len(sandbox.jobs)
    with judge_of(tmp_path, ONE, sandbox=sandbox):
        pass
    assert len(sandbox.jobs) == num_jobs


def test_another_profile_shares_the_truth_and_passes_its_own_gate(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    with judge_of(tmp_path, ONE, sandbox=sandbox):
        sandbox.jobs.clear()
    with judge_of(tmp_path, ONE, sandbox=sandbox, profile=PARITY):
        pass
    assert sandbox.jobs == ["0 base", "0 plus"]


def test_a_torn_truth_is_made_again(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    with judge_of(tmp_path, ONE, sandbox=sandbox):
        sandbox.jobs.clear()
    (path,) = tmp_path.rglob("*.truth")
    path.write_bytes(path.read_bytes()[:-1])
    with judge_of(tmp_path, ONE, sandbox=sandbox) as judge:
        (verdict,) = judge.grade([Submission(ONE, DOUBLE)])
    assert verdict.passed
    assert sandbox.jobs[:2] == ["test/0 base", "test/0 plus"]


def test_a_cache_that_can_not_be_written_is_said_before_anything_is_graded(tmp_path: Path) -> None:
    (tmp_path / "truth").write_text("a file where a folder should be")
    with pytest.raises(StorageError), judge_of(tmp_path, ONE):
        pass


def test_preparing_says_how_far_it_is(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with Judge.open(FakeSandbox(), STRICT, cache=tmp_path, num_workers=1) as judge:
        judge.prepare([ONE, problem(name="1")], seen.append)
    assert {(progress.stage, progress.total) for progress in seen} == {
        ("loading expected values", 2),
        ("computing expected values", 2),
        ("checking the ground truth", 2),
    }
    assert all(progress.done < progress.total for progress in seen)


# --- what a profile can't pass -------------------------------------------------------------

FIND_ZERO = replace(
    problem(solution="def find_zero(xs):\n    return -xs[0] / xs[1]", plus=()),
    task_id="HumanEval/32",
    entry_point="find_zero",
    family="humaneval",
    suites=(Suite("base", (([-2, 1],),)),),
    atol=1e-4,
)
ROOT = "def find_zero(xs):\n    return 2.00001"


def test_find_zero_never_passes_under_the_released_evaluator(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, ROOT, one=FIND_ZERO, profile=PARITY)
    (base,) = verdict.suites.values()
    assert (base.status, base.num_passed, base.failure) == (Status.WRONG_ANSWER, 1, None)


@pytest.mark.parametrize("profile", [MASTER, STRICT], ids=["master", "strict"])
def test_find_zero_passes_elsewhere(tmp_path: Path, profile: Profile) -> None:
    assert verdict_of(tmp_path, ROOT, one=FIND_ZERO, profile=profile).passed


def test_a_known_failure_is_let_through_the_gate_once(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    with judge_of(tmp_path, FIND_ZERO, sandbox=sandbox, profile=PARITY):
        num_jobs = len(sandbox.jobs)
    with judge_of(tmp_path, FIND_ZERO, sandbox=sandbox, profile=PARITY):
        pass
    assert len(sandbox.jobs) == num_jobs > 0


def test_a_known_failure_is_not_known_to_other_profiles(tmp_path: Path) -> None:
    failing = replace(problem(expected=(2, 5)), task_id="HumanEval/32")
    assert not verdict_of(tmp_path, DOUBLE, one=failing, profile=PARITY).passed
    with pytest.raises(EnvironmentRefused), judge_of(tmp_path, failing, profile=MASTER):
        pass


# --- for rewards: all tests, and draws of them ---------------------------------------------------


@pytest.mark.parametrize("code", [DOUBLE, WRONG, WRONG_ON_3, RAISES_ON_3, "def f(", "x = 1"])
def test_to_the_end_counts_all_tests_and_changes_no_status(code: str, tmp_path: Path) -> None:
    many = problem(base=range(1, 9), plus=range(9, 17))
    found: dict[bool, Verdict] = {}
    for to_the_end in (False, True):
        with Judge.open(
            FakeSandbox(), STRICT, cache=tmp_path, num_workers=1, to_the_end=to_the_end
        ) as judge:
            judge.prepare([many])
            (found[to_the_end],) = judge.grade([Submission(many, code)])
    for name, result in found[True].suites.items():
        stopped = found[False].suites[name]
        assert result.status == stopped.status
        assert result.failure == stopped.failure
        assert (result.num_passed or 0) >= (stopped.num_passed or 0)
    counted = sum(result.num_passed or 0 for result in found[True].suites.values())
    right = {DOUBLE: 16, WRONG: 0, WRONG_ON_3: 15, RAISES_ON_3: 15}
    assert counted == right.get(code, 0)


def test_a_draw_is_part_of_the_problem_and_runs_nothing(tmp_path: Path) -> None:
    many = problem(base=range(1, 9), plus=range(9, 17))
    sandbox = FakeSandbox()
    with Judge.open(sandbox, STRICT, cache=tmp_path, num_workers=1, to_the_end=True) as judge:
        judge.prepare([many])
        before = len(sandbox.jobs)
        draws = [judge.draw(many, 5, seed) for seed in range(20)]
        assert len(sandbox.jobs) == before
        assert judge.draw(many, 5, 3) == draws[3]
        assert len({draw.sha256 for draw in draws}) > 10
        for draw in draws:
            assert sum(len(suite) for suite in draw.suites) == 5
            for suite in draw.suites:
                assert set(suite.inputs) <= set(many.suite(suite.name).inputs)
            (right, wrong) = sorted(
                judge.grade([Submission(draw, DOUBLE, 0), Submission(draw, WRONG, 1)]),
                key=lambda verdict: verdict.index,
            )
            assert right.passed
            assert not wrong.passed
        assert sum(len(suite) for suite in judge.draw(many, 99, 0).suites) == 16
