"""The table from the records of a unittest job to a status, and the judge with a fake sandbox."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.benchmarks.unittests import unittest_suite
from harness.errors import EnvironmentRefused
from harness.grading import Judge, Submission, profile_named
from harness.grading.truth import Truth, TruthCache, UnittestTruth
from harness.grading.unittest import UnittestJudge
from harness.records import Problem, Status
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import End, Evidence, Execution, Job, MethodRecord, Reply, UnittestRun

METHODS = ("test_a", "test_b")
PASSED = tuple(MethodRecord(name, "passed") for name in METHODS)
FAILED = tuple(MethodRecord(name, "failed", "AssertionError: 1 != 2") for name in METHODS)
TRUTH = UnittestTruth(
    name="base",
    reference_s=0.1,
    poison_end="completed",
    poison_passed=frozenset(),
    poison_unstable=frozenset(),
    replay_passed=frozenset(METHODS),
    changed=frozenset({"builtins.input"}),
    foreign=frozenset(),
)
TESTS = """
import unittest
class TestCases(unittest.TestCase):
    def test_one(self): self.assertEqual(f(1), 2)
    def test_two(self): self.assertEqual(f(2), 3)
"""


def execution(
    real: UnittestRun | None = None,
    poison: UnittestRun | None = None,
    replay: UnittestRun | None = None,
) -> Execution:
    """Of a program that is right; each part of it may be another."""
    runs = {
        "real": real or UnittestRun(PASSED, "completed"),
        "poison": poison or UnittestRun(FAILED, "completed"),
        "replay": replay or UnittestRun(PASSED, "completed"),
    }
    return Execution("job", End.COMPLETED, tests=runs["real"].tests, evidence=Evidence(runs))


def judged(its_execution: Execution, truth: UnittestTruth = TRUTH) -> UnittestJudge:
    judge = UnittestJudge(METHODS, truth, profile_named("strict"))
    judge.take(its_execution)
    return judge


def test_a_right_program():
    judge = judged(execution())
    assert (judge.failed, judge.failure, judge.num_passed, judge.num_run) == (None, None, 2, 2)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("failed", Status.WRONG_ANSWER),
        ("error", Status.EXCEPTION),
        ("skipped", Status.WRONG_ANSWER),
        ("expected_failure", Status.WRONG_ANSWER),
        ("unexpected_success", Status.WRONG_ANSWER),
        ("none", Status.WRONG_ANSWER),
        ("", Status.EXCEPTION),
    ],
)
def test_only_passed_is_passed(outcome: str, status: Status):
    tests = (PASSED[0], MethodRecord("test_b", outcome, "why"))
    judge = judged(execution(UnittestRun(tests, "completed")))
    assert (judge.failed, judge.num_passed) == (status, 1)
    assert judge.failure is not None
    assert (judge.failure.test, judge.failure.input) == (1, "test_b")
    assert judge.failure.got.endswith("why")


@pytest.mark.parametrize(
    "tests",
    [
        PASSED[:1],
        (*PASSED, MethodRecord("test_c", "passed")),
        (*PASSED, PASSED[0]),
        (PASSED[0], PASSED[0]),
        (),
    ],
    ids="missing more again twice none".split(),
)
def test_exactly_the_tests_of_the_file(tests: tuple[MethodRecord, ...]):
    judge = judged(execution(UnittestRun(tests, "completed")))
    assert judge.failed == Status.FORBIDDEN
    assert judge.num_passed < len(METHODS)


def test_the_poison_must_fail_what_it_fails_elsewhere():
    odd = execution(poison=UnittestRun(PASSED, "completed"))
    assert judged(odd).failed == Status.FORBIDDEN
    known = replace(TRUTH, poison_passed=frozenset(METHODS))
    assert judged(odd, known).failed is None
    assert judged(execution(), known).failed == Status.FORBIDDEN
    unstable = replace(TRUTH, poison_unstable=frozenset(METHODS))
    assert judged(odd, unstable).failed is None


def test_the_poison_must_end_as_it_does_elsewhere():
    hangs = execution(poison=UnittestRun((), "timeout"))
    assert judged(hangs).failed == Status.TIMEOUT  # and so is confirmed alone
    assert judged(hangs, replace(TRUTH, poison_end="timeout")).failed is None
    died = execution(poison=UnittestRun((), "exception"))
    assert judged(died).failed == Status.FORBIDDEN
    none = Execution(
        "job", End.COMPLETED, evidence=Evidence({"real": execution().evidence.runs["real"]})
    )
    assert judged(none).failed == Status.FORBIDDEN


def test_changes_are_forbidden_but_for_the_solutions_own():
    for role in ("real", "poison"):
        run = replace(execution().evidence.run(role), changed=("builtins.input",))
        assert judged(execution(**{role: run})).failed is None
        run = replace(run, changed=("unittest.case.TestCase.run",))
        assert judged(execution(**{role: run})).failed == Status.FORBIDDEN


def test_own_classes_are_forbidden_but_where_the_solution_has_them():
    foreign = execution(UnittestRun(PASSED, "completed", foreign=("own:Anything", "_ANY")))
    assert judged(foreign).failed == Status.FORBIDDEN
    assert judged(foreign, replace(TRUTH, foreign=frozenset({"own:"}))).failed == Status.FORBIDDEN
    assert judged(foreign, replace(TRUTH, foreign=frozenset({"own:", "_ANY"}))).failed is None


def test_the_replay_must_pass_what_it_passes_elsewhere():
    lost = execution(replay=UnittestRun((PASSED[0], FAILED[1]), "completed"))
    judge = judged(lost)
    assert judge.failed == Status.WRONG_ANSWER
    assert judge.failure is not None and judge.failure.input == "test_b"
    assert judged(lost, replace(TRUTH, replay_passed=frozenset({"test_a"}))).failed is None
    slow = execution(replay=UnittestRun((), "timeout"))
    assert judged(slow).failed == Status.TIMEOUT
    assert judged(slow, replace(TRUTH, replay_passed=frozenset())).failed is None


def test_forged_records_are_forbidden():
    for role in ("real", "poison", "replay"):
        run = replace(execution().evidence.run(role), end="forged")
        assert judged(execution(**{role: run})).failed == Status.FORBIDDEN


def test_a_test_file_that_breaks_off_is_no_pass():
    broken = execution(UnittestRun(PASSED, "completed", problem="NameError: np"))
    assert judged(broken).failed == Status.EXCEPTION


def test_values_are_not_due():
    assert UnittestJudge(METHODS, TRUTH, profile_named("strict")).see([]) == Reply.ENOUGH


# --- with the judge --------------------------------------------------------------------------


def problem(solution: str = "def f(x): return x + 1", tests: str = TESTS) -> Problem:
    return Problem(
        id="own/f",
        task_id="f",
        prompt="def f(x): ...",
        entry_point="f",
        solution=solution,
        suites=(unittest_suite(tests, "here"),),
        sha256=f"{hash((solution, tests)):x}",
    )


def graded(tmp_path: Path, code: str, sandbox: FakeSandbox | None = None):
    strict = profile_named("strict")
    with Judge.open(sandbox or FakeSandbox(), strict, cache=tmp_path, num_workers=1) as judge:
        judge.prepare([problem()])
        (verdict,) = judge.grade([Submission(problem(), code)])
    return verdict


def test_verdicts(tmp_path: Path):
    right = graded(tmp_path, "def f(x): return 1 + x")
    assert right.passed
    assert (right.suites["base"].num_tests, right.suites["base"].num_passed) == (2, 2)
    wrong = graded(tmp_path, "def f(x): return 2")
    assert wrong.status == Status.WRONG_ANSWER
    assert wrong.suites["base"].num_passed == 1
    failure = wrong.suites["base"].failure
    assert failure is not None
    assert (failure.test, failure.input) == (1, "test_two")
    assert failure.got == "failed AssertionError: 2 != 3 (line 5 of the tests)"
    assert graded(tmp_path, "def f(x:").status == Status.SYNTAX_ERROR
    assert graded(tmp_path, " ").status == Status.NO_CODE
    assert graded(tmp_path, "raise OSError").status == Status.EXCEPTION


def test_an_always_equal_object_fails(tmp_path: Path):
    code = "class A:\n    def __eq__(self, other): return True\ndef f(x): return A()"
    assert graded(tmp_path, code).status == Status.FORBIDDEN


def test_what_is_ours_is_unscored(tmp_path: Path):
    ends = iter([None, None, End.LOST])

    def script(job: Job) -> End | None:
        return next(ends)

    assert graded(tmp_path, "def f(x): return x + 1", FakeSandbox(script)).status == Status.UNSCORED


def test_a_timeout_is_confirmed_alone(tmp_path: Path):
    ends = iter([None, None, End.TIMEOUT, None])
    assert graded(tmp_path, "def f(x): return x + 1", FakeSandbox(lambda job: next(ends))).passed


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("def f(x): return 0", "test_one failed: AssertionError: 0 != 2"),
        ("def g(x): return 0", "f is not defined"),
        ("def f(x: return 0", "SyntaxError"),
    ],
)
def test_a_solution_that_fails_is_refused(tmp_path: Path, solution: str, reason: str):
    strict = profile_named("strict")
    with (
        Judge.open(FakeSandbox(), strict, cache=tmp_path, num_workers=1) as judge,
        pytest.raises(EnvironmentRefused, match=reason),
    ):
        judge.prepare([problem(solution)])


def test_a_solution_whose_tests_are_skipped_is_refused(tmp_path: Path):
    tests = TESTS.replace("    def test_two", '    @unittest.skip("later")\n    def test_two')
    strict = profile_named("strict")
    with (
        Judge.open(FakeSandbox(), strict, cache=tmp_path, num_workers=1) as judge,
        pytest.raises(EnvironmentRefused, match="test_two skipped"),
    ):
        judge.prepare([problem(tests=tests)])


def test_truth_on_disk(tmp_path: Path):
    cache = TruthCache(tmp_path, "python")
    truth = Truth(unittests={"base": replace(TRUTH, poison_unstable=frozenset({"test_b"}))})
    cache.save(problem(), truth)
    assert cache.load(problem()) == truth
    assert truth.reference_s == 0.1


def test_the_poison_baseline_is_where_two_jobs_agree():
    one = execution(poison=UnittestRun((PASSED[0], FAILED[1]), "completed"))
    suite = unittest_suite(
        "class TestCases:\n def test_a(self): ...\n def test_b(self): ...", "here"
    )
    truth = UnittestTruth.of(suite, one, execution())
    assert isinstance(truth, UnittestTruth)
    assert truth.poison_unstable == {"test_a"}
    assert truth.replay_passed == {"test_a", "test_b"}


def test_limits():
    limits = profile_named("strict").unittest_limits(reference_s=5.0)
    assert limits.input_wall_s == (20.0,)
    assert limits.wall_s == 44.0
    assert profile_named("strict").unittest_limits(0.0).input_wall_s == (10.0,)
