"""Twins: run once, recorded for each; and never where the verdict was a matter of the moment."""

import dataclasses
from pathlib import Path

import pytest

from harness.grading import Submission
from harness.grading.submissions import Twins
from harness.records import Status, SuiteResult, Verdict
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import End
from tests.harness.grading.test_judge import DOUBLE, ONE, WRONG, judge_of, problem

TWO = problem(name="2")


def graded(cache: Path, submissions: list[Submission], **settings: object):
    sandbox = settings.pop("sandbox", None) or FakeSandbox()
    assert isinstance(sandbox, FakeSandbox)
    with judge_of(cache, ONE, TWO, sandbox=sandbox) as judge:
        sandbox.jobs.clear()
        verdicts = list(judge.grade(submissions, **settings))  # type: ignore[arg-type]
    return {(v.problem_id, v.index): v for v in verdicts}, sandbox


def test_equal_programs_are_run_once(tmp_path: Path):
    submissions = [Submission(ONE, (DOUBLE, WRONG)[index % 2], index) for index in range(6)]
    verdicts, sandbox = graded(tmp_path, submissions)
    assert [verdicts["test/0", n].passed for n in range(6)] == [True, False] * 3
    assert [verdicts["test/0", n].same_as for n in range(6)] == [None, None, 0, 1, 0, 1]
    assert len(sandbox.jobs) == 2 * len(ONE.suites)
    assert all(v.cpu_s == v.wall_s == 0 for v in verdicts.values() if v.same_as is not None)


def test_equal_programs_of_two_problems_are_no_twins(tmp_path: Path):
    verdicts, sandbox = graded(tmp_path, [Submission(ONE, DOUBLE), Submission(TWO, DOUBLE)])
    assert [v.same_as for v in verdicts.values()] == [None, None]
    assert len(sandbox.jobs) == 4


def test_equal_programs_of_problems_that_ask_the_same_are_no_twins(tmp_path: Path):
    """A benchmark may hold a problem twice, under two names: each gets its own verdict."""
    again = dataclasses.replace(ONE, id="test/again", task_id="again")
    submissions = [Submission(ONE, DOUBLE), Submission(again, DOUBLE)]
    with judge_of(tmp_path, ONE, again) as judge:
        verdicts = list(judge.grade(submissions))
    assert {(v.problem_id, v.same_as) for v in verdicts} == {(ONE.id, None), ("test/again", None)}


def test_a_byte_more_is_another_program(tmp_path: Path):
    programs = [DOUBLE, DOUBLE + "\n", DOUBLE.replace("f", "f", 1) + " "]
    submissions = [Submission(ONE, code, index) for index, code in enumerate(programs)]
    verdicts, _ = graded(tmp_path, submissions)
    assert [v.same_as for v in verdicts.values()] == [None] * 3


@pytest.mark.parametrize("end", [End.TIMEOUT, End.LOST])
def test_the_twins_of_a_timeout_each_have_a_run(tmp_path: Path, end: End):
    prepared = False
    sandbox = FakeSandbox(lambda job: end if prepared else None)
    with judge_of(tmp_path, ONE, sandbox=sandbox) as judge:
        prepared = True
        sandbox.jobs.clear()
        submissions = [Submission(ONE, DOUBLE, index) for index in range(3)]
        verdicts = list(judge.grade(submissions))
    bad = {End.TIMEOUT: Status.TIMEOUT, End.LOST: Status.UNSCORED}[end]
    assert [(v.status, v.same_as) for v in verdicts] == [(bad, None)] * 3
    num_runs = 2 if end == End.TIMEOUT else 1  # and once more alone, each of them
    assert len(sandbox.jobs) == 3 * len(ONE.suites) * num_runs


def test_twins_that_were_kept_back_for_a_timeout_are_run():
    """What came while the first was at work, as it does with several workers."""
    twins = Twins()
    submissions = [Submission(ONE, DOUBLE, index) for index in range(3)]
    (first,) = twins.firsts(submissions)
    late = Verdict(
        problem_id=ONE.id,
        index=0,
        suites={"base": SuiteResult(status=Status.TIMEOUT, num_tests=1, num_run=1, num_passed=0)},
        profile="strict",
        grader_version="1",
    )
    settled = twins.settle(first, late)
    assert (settled.copies, settled.owed) == ([], submissions[1:])


def test_the_verdicts_of_an_earlier_start_count(tmp_path: Path):
    first, _ = graded(tmp_path, [Submission(ONE, WRONG, 3)])
    known = [(Submission(ONE, WRONG, 3), first["test/0", 3])]
    verdicts, sandbox = graded(tmp_path, [Submission(ONE, WRONG, 4)], twins=Twins(known))
    assert verdicts["test/0", 4].same_as == 3
    assert verdicts["test/0", 4].suites == first["test/0", 3].suites
    assert sandbox.jobs == []


def test_a_copy_of_a_copy_names_the_one_that_was_run():
    ran = Verdict(
        problem_id=ONE.id,
        index=1,
        suites={"base": SuiteResult(status=Status.PASSED, num_tests=1, num_run=1, num_passed=1)},
        same_as=0,
        profile="strict",
        grader_version="1",
    )
    twins = Twins([(Submission(ONE, DOUBLE, 1), ran)])
    assert list(twins.firsts([Submission(ONE, DOUBLE, 2)])) == []
    ((program, verdict),) = twins.rest()
    assert (program.index, verdict.index, verdict.same_as) == (2, 2, 0)


def test_a_cut_reply_that_fails_is_truncated_and_its_whole_twin_is_not(tmp_path: Path):
    submissions = [Submission(ONE, WRONG, 0, truncated=True), Submission(ONE, WRONG, 1)]
    verdicts, _ = graded(tmp_path, submissions)
    assert verdicts["test/0", 0].status == Status.TRUNCATED
    assert verdicts["test/0", 1].status == Status.WRONG_ANSWER
    assert verdicts["test/0", 1].same_as == 0
