"""What a program printed against what was expected: the two sets of rules, and what is made of it."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks import jsonl
from harness.grading import profile_named
from harness.grading.stdio import StdioJudge, livecodebench_difference, strict_difference
from harness.grading.truth import explicit_truth
from harness.records import Status
from sandboxes.agent import codec
from sandboxes.protocol import Reply, Returned

EQUAL = [
    ("3\n", "3"),
    ("  3  \n\n", "3"),
    ("1 \n 2\t\n", "1\n2\n"),
    ("1.0", "1"),
    ("1.50 2", "1.5 2.0"),
    ("1e3", "1000"),
    ("-0", "0"),
    (".5", "0.5"),
    ("", "\n"),
    ("a b", "a b"),
    ("1\r\n2\r\n", "1\n2"),
]
UNEQUAL = [
    ("1\n2", "1\n2\n3"),
    ("1\n2\n3", "1\n2"),
    ("1\n\n2", "1\n2"),
    ("", "0"),
    ("1", ""),
    ("a  b", "a b"),
    ("1 2", "1"),
    ("1", "1 2"),
    ("0.3", "0.30000000000000004"),
    ("50000000000000000", "50000000000000001"),
    ("yes", "YES"),
    ("nan", "NaN"),
    ("sNaN", "1"),
    ("1_000", "1000"),
    ("１", "1"),
    ("1 a", "1.0 a"),
    ("1e999999999999999999999", "2"),
]


@pytest.mark.parametrize(("text", "expected"), EQUAL)
def test_equal_for_livecodebench(text: str, expected: str):
    assert livecodebench_difference(text, expected) == ""


@pytest.mark.parametrize(("text", "expected"), UNEQUAL)
def test_unequal_for_livecodebench(text: str, expected: str):
    assert livecodebench_difference(text, expected) != ""
    assert strict_difference(text, expected, 0.0) != ""


def test_missing_lines_fail_wherever_they_are_missing():
    """A checker that walks both lists together stops at the shorter one."""
    lines = [str(number) for number in range(5)]
    for count in range(5):
        assert livecodebench_difference("\n".join(lines[:count]), "\n".join(lines))
        assert livecodebench_difference("\n".join(lines[5 - count :]), "\n".join(lines))
        assert strict_difference("\n".join(lines[:count]), "\n".join(lines))


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3), max_size=5))
def test_numbers_are_equal_as_decimals(numbers: list[Decimal]):
    text = " ".join(map(str, numbers))
    padded = " ".join(f"{number}00" for number in numbers)
    assert livecodebench_difference(padded, text) == ""
    if numbers:
        other = " ".join(map(str, [*numbers[:-1], numbers[-1] + Decimal("0.001")]))
        assert livecodebench_difference(other, text) == "line 1"


@pytest.mark.parametrize(
    ("text", "expected", "atol", "difference"),
    [
        ("1 \n2\n\n\n", "1\n2", 0.0, ""),
        (" 1", "1", 0.0, "line 1"),
        ("1.0", "1", 0.0, "line 1"),
        ("1.0000001", "1.0", 1e-6, ""),
        ("1.0000001", "1.0", 0.0, "line 1"),
        ("x 1.01", "x 1.0", 1e-6, "line 1"),
        ("2", "1", 5.0, "line 1"),
        ("y 1.0", "x 1.0", 5.0, "line 1"),
        ("nan", "1.0", 5.0, "line 1"),
        ("inf", "1e999", 5.0, "line 1"),
        ("1.0 1.0", "1.0", 5.0, "line 1"),
    ],
)
def test_the_strict_rules(text: str, expected: str, atol: float, difference: str):
    assert strict_difference(text, expected, atol) == difference


# The judge


def judge_of(profile: str, *outputs: str) -> StdioJudge:
    row = {
        "id": "p",
        "prompt": "p",
        "solution": "pass",
        "stdio": [{"input": f"{number}\n", "output": o} for number, o in enumerate(outputs)],
    }
    problem = jsonl.problem_from_row(row, benchmark="b", where="w")
    truth = explicit_truth(problem.suites[0], [0.0] * len(outputs))
    return StdioJudge(profile_named(profile), problem, truth)


def answers(*values: object, first: int = 0) -> Sequence[Returned]:
    return [Returned(first + index, codec.encode(value)) for index, value in enumerate(values)]


def test_all_right():
    judge = judge_of("strict", "a", "b")
    assert judge.see(answers((b"a\n", 0), (b"b\n", 0))) == Reply.GO_ON
    assert (judge.num_passed, judge.num_run, judge.failed) == (2, 2, None)


def test_it_has_seen_enough_at_the_first_wrong_one():
    judge = judge_of("strict", "a", "b", "c")
    assert judge.see(answers((b"a", 0), (b"x", 0), (b"c", 0))) == Reply.ENOUGH
    assert (judge.num_passed, judge.num_run, judge.failed) == (1, 2, Status.WRONG_ANSWER)
    assert judge.failure is not None
    assert (judge.failure.test, judge.failure.input, judge.failure.got) == (1, "1\n", "line 1: x")


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("a", Status.FORBIDDEN),
        (("a", 0), Status.FORBIDDEN),
        ((b"a", "0"), Status.FORBIDDEN),
        ((b"a", 0, 0), Status.FORBIDDEN),
        ([b"a", 0], Status.FORBIDDEN),
        ((b"a", 3), Status.EXCEPTION),
        ((b"\xff", 0), Status.WRONG_ANSWER),
    ],
)
def test_what_else_may_come(value: object, status: Status):
    judge = judge_of("strict", "a")
    assert judge.see(answers(value)) == Reply.ENOUGH
    assert judge.failed == status


def test_an_exit_status_is_no_failure_for_livecodebench():
    judge = judge_of("livecodebench", "a")
    assert judge.see(answers((b"a", 3))) == Reply.GO_ON
    assert judge.num_passed == 1


def test_a_large_output_is_asked_for_unless_it_is_hopeless():
    long = "x" * 200_000
    judge = judge_of("strict", long, "short")
    output = (long.encode() + b"\n", 0)
    assert judge.see(answers(output)) == Reply.FULL
    whole = [Returned(0, codec.encode(output, inline_limit=None))]
    assert judge.see(whole) == Reply.GO_ON
    flood = [Returned(1, codec.encode((b"y" * 3_000_000, 0)))]
    assert judge.see(flood) == Reply.ENOUGH
    assert (judge.failed, judge.num_passed) == (Status.WRONG_ANSWER, 1)


def test_an_exception_and_an_answer_too_many():
    judge = judge_of("strict", "a")
    judge.see([Returned(0, b"", "ValueError: x")])
    assert judge.failed == Status.EXCEPTION
    judge = judge_of("strict", "a")
    assert judge.see(answers((b"a", 0), (b"a", 0))) == Reply.ENOUGH
    assert judge.failed == Status.FORBIDDEN
