"""The comparison rules, one by one, and the installed EvalPlus as their oracle.

A case is two programs that return literal values, call by call: the one under test and the
canonical one. `RULES` says for each what is right; we must say so, and so must the publisher's
own evaluator (`untrusted_check`, in a process of its own). `DEVIATIONS` are the cases where we
differ on purpose.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest
from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS, MBPP_OUTPUT_SET_EQ_TASKS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.grading import calls
from harness.grading.calls import SuiteJudge, Unequal, short_repr, special_rule, unwrap
from harness.grading.profiles import PROFILES, Profile
from harness.grading.truth import NOT_NONE_ENTRY_POINTS, SET_ENTRY_POINTS, make_truths
from harness.records import Problem, Status, Suite
from sandboxes.agent import codec
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import Bundle, End, Job, Limits, Reply, Returned

PARITY = PROFILES["evalplus-0.3.1"]
MASTER = PROFILES["evalplus-master"]
STRICT = PROFILES["strict"]

PRELUDE = """
from collections import Counter, OrderedDict, UserList, defaultdict, deque, namedtuple
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
import numpy as np

array = np.array
nan, inf = float("nan"), float("inf")
N = 14_000  # a list of so many is above the codec's inline limit

Point = namedtuple("Point", "x y")
Color = IntEnum("Color", "RED")

class Yes:
    def __eq__(self, other): return True
    def __hash__(self): return 0

class No:
    def __eq__(self, other): raise ValueError

class YesList(list):
    def __eq__(self, other): return True

class NoList(list):
    def __eq__(self, other): return False

class Float(float): pass
"""


@dataclass(frozen=True)
class Case:
    """Sources of what the two programs return, call by call."""

    outs: tuple[str, ...]
    expected: tuple[str, ...]
    entry_point: str = "f"
    family: str = "mbpp"
    arguments: tuple[object, ...] = (0,)
    """Of every call."""
    atol: float = 0.0

    def program(self, answers: tuple[str, ...]) -> str:
        listed = "".join(f"{answer}, " for answer in answers)
        return (
            f"{PRELUDE}\nANSWERS = iter([{listed}])\n"
            f"def {self.entry_point}(*_):\n    return next(ANSWERS)\n"
        )

    @property
    def problem(self) -> Problem:
        inputs = (self.arguments,) * len(self.expected)
        return Problem(
            id="test/0",
            task_id="test/0",
            prompt="",
            entry_point=self.entry_point,
            solution=self.program(self.expected),
            suites=(Suite("base", inputs),),
            sha256="0",
            atol=self.atol,
            family=self.family,
        )


class Judged(NamedTuple):
    judge: SuiteJudge
    replies: list[Reply]

    @property
    def passed(self) -> bool:
        return self.judge.failed is None and Reply.ENOUGH not in self.replies


def run(problem: Problem, code: str, profile: Profile, suite: str = "base") -> Judged:
    with FakeSandbox().open("python", 1) as workers:
        ((_, truth),) = make_truths([problem], workers)
        assert not truth.failure, truth.failure
        judge = SuiteJudge(profile, problem, truth.suites[suite])
        replies: list[Reply] = []

        def see(_: str, chunk: object) -> Reply:
            replies.append(judge.see(chunk))  # pyright: ignore[reportArgumentType]
            return replies[-1]

        frames = [codec.encode(arguments) for arguments in problem.suite(suite).inputs]
        job = Job("job", code, problem.entry_point, Bundle.of(frames), Limits(60, 60))
        (execution,) = workers.run([job], see)
    assert execution.end in (End.COMPLETED, End.ENOUGH), execution
    return Judged(judge, replies)


def ours(case: Case, profile: Profile = PARITY) -> bool:
    return run(case.problem, case.program(case.outs), profile).passed


# --- EvalPlus itself -----------------------------------------------------------------------

ORACLE = """
import json, sys
from evalplus.eval import untrusted_check
from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS
from evalplus.gen.util import trusted_exec

for line in sys.stdin:
    family, entry_point, code, solution, inputs, atol = json.loads(line)
    not_none = family == "mbpp" and entry_point in MBPP_OUTPUT_NOT_NONE_TASKS
    expected = trusted_exec(solution, inputs, entry_point, output_not_none=not_none)
    status, _ = untrusted_check(
        family, code, inputs, entry_point, expected=expected, atol=atol,
        ref_time=[0.0] * len(inputs), fast_check=True, min_time_limit=30.0,
    )
    print(status, flush=True)
"""

Theirs = Callable[[Case], bool]


@pytest.fixture(scope="module")
def theirs() -> Iterator[Theirs]:
    """The verdict of the installed EvalPlus."""
    with subprocess.Popen(
        [sys.executable, "-c", ORACLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as oracle:
        assert oracle.stdin is not None and oracle.stdout is not None
        questions, answers = oracle.stdin, oracle.stdout

        def ask(case: Case) -> bool:
            inputs = [list(case.arguments)] * len(case.expected)
            code, solution = case.program(case.outs), case.program(case.expected)
            question = case.family, case.entry_point, code, solution, inputs, case.atol
            print(json.dumps(question), file=questions, flush=True)
            answer = answers.readline().strip()
            assert answer in ("pass", "fail")
            return answer == "pass"

        yield ask
        questions.close()


# --- the rules of EvalPlus -----------------------------------------------------------------


def right(*outs: str, expected: str | tuple[str, ...], **others: object) -> tuple[Case, bool]:
    expected = (expected,) if isinstance(expected, str) else expected
    return Case(outs, expected, **others), True  # pyright: ignore[reportArgumentType]


def wrong(*outs: str, expected: str | tuple[str, ...], **others: object) -> tuple[Case, bool]:
    return right(*outs, expected=expected, **others)[0], False


PYRAMID = {"entry_point": "surface_Area", "arguments": (3, 4)}
DIGITS = {"entry_point": "digit_distance_nums", "arguments": (12, 345)}

RULES: dict[str, tuple[Case, bool]] = {
    # 1: exact
    "equal": right("[1, 'a', None]", expected="[1, 'a', None]"),
    "unequal": wrong("[1, 'a', None]", expected="[1, 'b', None]"),
    "True is 1": right("True", expected="1"),
    "1.0 is 1": right("[1.0]", expected="[1]"),
    "1 is 1.0": right("1", expected="1.0"),
    "a list is no tuple": wrong("[1]", expected="(1,)"),
    "a list is no tuple, at depth": wrong("[[1]]", expected="[(1,)]"),
    "a set is its frozenset": right("frozenset({1})", expected="{1}"),
    "a dict has no order": right("{1: 2, 3: 4}", expected="{3: 4, 1: 2}"),
    "a Counter is its dict": right("Counter('aab')", expected="{'a': 2, 'b': 1}"),
    "a Decimal is its int": right("Decimal(3)", expected="3"),
    "numpy scalars are their values": right("[np.int64(3), np.str_('a')]", expected="[3, 'a']"),
    "NaN is not NaN": wrong("nan", expected="nan"),
    "NaN is not NaN, at depth": wrong("[nan]", expected="[nan]"),
    "inf is inf": right("[inf]", expected="[inf]"),
    "an array against a list is ambiguous": wrong("array([1, 2])", expected="[1, 2]"),
    "an array against an array is ambiguous": wrong("array([1, 2])", expected="array([1, 2])"),
    "a float array is ambiguous": wrong("array([1.0, 2.0])", expected="array([1.0, 2.0])"),
    "an array in a list is ambiguous": wrong(
        "[array([1, 2])]", expected="[array([1, 2])]", atol=1e-4
    ),
    "an array of one element is not ambiguous": right("array([3])", expected="3"),
    "a namedtuple is its tuple": right("Point(1, 2)", expected="(1, 2)"),
    "an expected namedtuple is its tuple": right("(1, 2)", expected="Point(1, 2)"),
    "a namedtuple in a defaultdict is its tuple": right(
        "defaultdict(list, {1: [Point(1, 2)]})", expected="{1: [(1, 2)]}"
    ),
    "a namedtuple in a deque is its tuple": right(
        "deque([Point(1, 2)], 3)", expected="deque([(1, 2)])"
    ),
    "an OrderedDict has an order among its own": wrong(
        "OrderedDict({1: Color.RED, 3: 4})", expected="OrderedDict({3: 4, 1: 1})"
    ),
    "an IntEnum is its int": right("[Color.RED]", expected="[1]"),
    "an object is not a value": wrong("object()", expected="1"),
    "a comparison that raises fails": wrong("No()", expected="1"),
    # 2: by entry point
    "are_equivalent is always right": right("5", expected="True", entry_point="are_equivalent"),
    "are_equivalent takes any object": right(
        "object()", expected="True", entry_point="are_equivalent"
    ),
    "sum_div may be 0": right("0", "6", expected=("6", "6"), entry_point="sum_div"),
    "sum_div may not be 1": wrong("1", expected="6", entry_point="sum_div"),
    "sum_div may not be an array": wrong("array([0, 0])", expected="6", entry_point="sum_div"),
    "surface_Area of the slant height": right("33", expected="33", **PYRAMID),
    "surface_Area of the vertical height": right("35", expected="33", **PYRAMID),
    "surface_Area of neither": wrong("34", expected="33", **PYRAMID),
    "surface_Area within the stated tolerance": right("34.9", expected="33", atol=0.2, **PYRAMID),
    "surface_Area is a number": wrong("'35'", expected="33", **PYRAMID),
    "digit distance as expected": right("4", expected="4", **DIGITS),
    "digit distance of padded numbers": right("9", expected="4", **DIGITS),
    "digit distance of neither": wrong("8", expected="4", **DIGITS),
    **{
        f"{name}: order and repeats are free": right(
            "[2, 1, 2]", expected="(1, 2)", entry_point=name
        )
        for name in MBPP_OUTPUT_SET_EQ_TASKS
    },
    "sets: another member": wrong("[1, 3]", expected="[1, 2]", entry_point="Diff"),
    "sets: unhashable fails though equal": wrong("[[1]]", expected="[[1]]", entry_point="Diff"),
    "sets: unhashable fails within tolerance": wrong(
        "[[1.0]]", expected="[1.0]", entry_point="Diff"
    ),
    "sets: what can't be iterated fails": wrong("1", expected="[1]", entry_point="Diff"),
    "sets: then the tolerance": right(
        "[1.0, 2.0000001]", expected="[1.0, 2.0]", entry_point="Diff"
    ),
    "sets: in no other order within tolerance": wrong(
        "[2.0000001, 1.0]", expected="[1.0, 2.0]", entry_point="Diff"
    ),
    "sets: mbpp alone": wrong("[2, 1]", expected="[1, 2]", entry_point="Diff", family="humaneval"),
    **{
        f"{name}: not None is enough": right(
            "'match'",
            "None",
            "True",
            "False",
            expected=("1", "None", "1", "None"),
            entry_point=name,
        )
        for name in MBPP_OUTPUT_NOT_NONE_TASKS
    },
    "not none: an object is not None": right("object()", expected="1", entry_point="check_str"),
    "not none: None is": wrong("None", expected="1", entry_point="check_str"),
    "not none: False is no match": wrong("False", expected="1", entry_point="check_str"),
    "not none: a match too many": wrong("''", expected="None", entry_point="check_str"),
    "not none: of a False solution": right("1", expected="False", entry_point="check_str"),
    "not none: numpy's False is an object": right(
        "np.bool_(False)", expected="1", entry_point="check_str"
    ),
    "not none: of large values": right(
        "'b' * 99999", expected="'a' * 99999", entry_point="check_str"
    ),
    # 3 and 4: tolerance
    "a float within 1e-6": right("1.0000005", expected="1.0"),
    "a float beyond 1e-6": wrong("1.00001", expected="1.0"),
    "a tuple of floats within 1e-6": right("(1.0, 2.0000005)", expected="(1.0, 2.0)"),
    "an empty list is no floats": wrong("[[0.0]]", "[[1.0000001]]", expected=("[]", "[[1.0]]")),
    "floats at depth have no tolerance": wrong("[[1.0000001]]", expected="[[1.0]]"),
    "mixed numbers have no tolerance": wrong("[1, 1.0000001]", expected="[1, 1.0]"),
    "a float makes the tolerance stick": right("1.0", "[[1.0000001]]", expected=("1.0", "[[1.0]]")),
    "an array makes the tolerance stick": right(
        "array([1.0])", "[[1.0000001]]", expected=("array([1.0])", "[[1.0]]")
    ),
    "no tolerance before the first float": wrong(
        "[[1.0000001]]", "1.0", expected=("[[1.0]]", "1.0")
    ),
    "a tolerance for ints that sticks": right("1.0", "1000000001", expected=("1.0", "1000000000")),
    "surface_Area before the first float": wrong(
        "35.0000001", "1.0", expected=("33", "1.0"), **PYRAMID
    ),
    "surface_Area after the first float": right(
        "1.0", "35.0000001", expected=("1.0", "33"), **PYRAMID
    ),
    "the stated tolerance holds from the start": right(
        "[[1.00005]]", expected="[[1.0]]", atol=1e-4
    ),
    "the stated tolerance stays": wrong("1.0", "1.0000005", expected=("1.0", "1.0"), atol=1e-9),
    "the relative tolerance is 1e-7": right("1000000.05", expected="1000000.0"),
    "the relative tolerance is not 1e-5": wrong("1000002.0", expected="1000000.0"),
    "another type is beyond tolerance": wrong("3", expected="3.0000001"),
    "numpy's float is another type": wrong("np.float64(1.0000001)", expected="1.0"),
    "a subclass is another type": wrong("Float(1.0000001)", expected="1.0"),
    "an expected subclass is another type": wrong(
        "1.0", "(1.0, 2.0000001)", expected=("1.0", "Point(1.0, 2.0)")
    ),
    "a list is no tuple within tolerance": wrong("[1.0000001]", expected="(1.0,)"),
    "a subclass at depth is not another type": right("[Float(1.0000001)]", expected="[1.0]"),
    "another length is beyond tolerance": wrong("[1.0]", expected="[1.0, 1.0]"),
    "numpy broadcasts what has the same length": right("[[1.0, 1.0000001]]", expected="[1.0]"),
    "NaN is beyond tolerance": wrong("[1.0, nan]", expected="[1.0, nan]"),
    "complex numbers within tolerance": right("1.00001j", expected="1j", atol=1e-4),
    "text is beyond tolerance": wrong("'a'", expected="'b'", atol=1e-4),
    "sets are beyond tolerance": wrong("{1.0000001}", expected="{1.0}", atol=1e-4),
    "dicts are beyond tolerance": wrong("{1: 1.0000001}", expected="{1: 1.0}", atol=1e-4),
    "ragged lists are beyond tolerance": wrong(
        "[[1.0], [1.0, 1.00001]]", expected="[[1.0], [1.0, 1.0]]", atol=1e-4
    ),
    # large values
    "large: equal": right("list(range(N))", expected="list(range(N))"),
    "large: unequal": wrong("list(range(1, N + 1))", expected="list(range(N))"),
    "large: a list is no tuple": wrong("tuple(range(N))", expected="list(range(N))"),
    "large: against small": wrong("[1]", expected="list(range(N))"),
    "large: where small was due": wrong("list(range(N))", expected="[1]"),
    "large: floats are their ints": right("list(map(float, range(N)))", expected="list(range(N))"),
    "large: fractions are not ints": wrong(
        "[n + 0.5 for n in range(N)]", expected="list(range(N))"
    ),
    "large: ints are their floats": right("list(range(N))", expected="list(map(float, range(N)))"),
    "large: True is 1": right("[True] * N", expected="[1] * N"),
    "large: numpy's are their ints": right("list(np.arange(N))", expected="list(range(N))"),
    "large: numpy's float is its int": right("list(np.arange(1.0 * N))", expected="list(range(N))"),
    "large: numpy's text is its text": right("[np.str_('abcd')] * N", expected="['abcd'] * N"),
    "large: complex is its int": right("[1 + 0j] * N", expected="[1] * N"),
    "large: a namedtuple is its tuple": right("[Point(1, 2)] * N", expected="[(1, 2)] * N"),
    "large: an array is ambiguous": wrong("np.arange(N)", expected="list(range(N))"),
    "large: sets": right("set(range(N))", expected="set(range(N))"),
    "large: floats within 1e-6": right("[1.0000005] * N", expected="[1.0] * N"),
    "large: floats beyond 1e-6": wrong("[1.00001] * N", expected="[1.0] * N"),
    "large: NaN is not NaN": wrong("[nan] + [1.0] * N", expected="[nan] + [1.0] * N"),
    "large: a tolerance for ints that sticks": right(
        "1.0", "[1000000001] * N", expected=("1.0", "[1000000000] * N")
    ),
    "large: a stated tolerance for ints": right(
        "[1000000001] * N", expected="[1000000000] * N", atol=1e-4
    ),
    "large: order and repeats are free": right(
        "[0, *range(N)][::-1]", expected="list(range(N))", entry_point="Diff"
    ),
    "large: repeats of a small set": right("[1, 0]", expected="[0, 1] * N", entry_point="Diff"),
    "large: unhashable fails though equal": wrong(
        "[[1]] * N", expected="[[1]] * N", entry_point="Diff"
    ),
}


@pytest.mark.parametrize(("case", "passes"), RULES.values(), ids=RULES.keys())
def test_rule(case: Case, passes: bool) -> None:
    assert ours(case) is passes


@pytest.mark.parametrize(("case", "passes"), RULES.values(), ids=RULES.keys())
def test_rule_is_theirs(theirs: Theirs, case: Case, passes: bool) -> None:
    assert theirs(case) is passes


DEVIATIONS: dict[str, Case] = {
    "an object that equals everything": Case(("Yes()",), ("1",)),
    "an object that equals everything, at depth": Case(("[Yes()]",), ("[1]",)),
    "a list that equals everything": Case(("YesList([2])",), ("[1]",)),
    # Their `==` and `set` are asked of live objects; what does not cross the border has none.
    "a view of a dict's keys": Case(("{1: 2}.keys()",), ("{1}",)),
    "a UserList": Case(("UserList([1])",), ("[1]",)),
    "an iterator as a set": Case(("iter([2, 1])",), ("[1, 2]",), entry_point="Diff"),
}


@pytest.mark.parametrize("case", DEVIATIONS.values(), ids=DEVIATIONS.keys())
def test_what_they_pass_and_we_do_not(theirs: Theirs, case: Case) -> None:
    assert (theirs(case), ours(case)) == (True, False)


def test_a_subclass_that_denies_what_it_holds_passes_here_alone(theirs: Theirs) -> None:
    case = Case(("NoList([1])",), ("[1]",))
    assert (theirs(case), ours(case)) == (False, True)


# --- what literals can't say ---------------------------------------------------------------


def test_a_verdict_says_what_went_wrong_and_where() -> None:
    case = Case(("1", "2", "3"), ("1", "9", "3"), arguments=([1, "a"], None))
    judge = run(case.problem, case.program(case.outs), PARITY).judge
    assert (judge.failed, judge.num_run, judge.num_passed) == (Status.WRONG_ANSWER, 2, 1)
    assert judge.failure is not None
    assert (judge.failure.test, judge.failure.input) == (1, "([1, 'a'], None)")
    assert (judge.failure.expected, judge.failure.got) == ("9", "2")


def test_a_program_that_raises_fails_there() -> None:
    problem = Case((), ("1", "1")).problem
    judge = run(problem, "def f(x):\n    raise KeyError('no')", PARITY).judge
    assert (judge.failed, judge.num_run, judge.num_passed) == (Status.EXCEPTION, 1, 0)
    assert judge.failure is not None and judge.failure.got == "KeyError: 'no'"


def test_more_answers_than_inputs_are_forbidden() -> None:
    judge = run(Case(("1",), ("1",)).problem, "def f(x):\n    return 1", PARITY).judge
    assert judge.see([Returned(1, codec.encode(1))]) == Reply.ENOUGH
    assert judge.failed == Status.FORBIDDEN


@pytest.mark.parametrize("frame", [b"", b"Mi", b"Q", b"X" + b"no frame"])
def test_bytes_that_are_no_value_are_a_wrong_answer(frame: bytes) -> None:
    problem = Case((), ("1",)).problem
    with FakeSandbox().open("python", 1) as workers:
        ((_, truth),) = make_truths([problem], workers)
    judge = SuiteJudge(PARITY, problem, truth.suites["base"])
    assert judge.see([Returned(0, frame)]) == Reply.ENOUGH
    assert judge.failed == Status.WRONG_ANSWER


@pytest.mark.parametrize("profile", [PARITY, PROFILES["strict"]], ids=["evalplus", "strict"])
def test_an_answer_of_far_more_elements_than_expected_is_not_read(profile: Profile) -> None:
    """Asked for in full after a forged digest, it would hold the judge for minutes."""
    problem = Case((), ("1",)).problem
    with FakeSandbox().open("python", 1) as workers:
        ((_, truth),) = make_truths([problem], workers)
    judge = SuiteJudge(profile, problem, truth.suites["base"])
    huge = codec.encode([None] * 30_000_000, inline_limit=None)
    started = time.process_time()
    assert judge.see([Returned(0, huge)]) == Reply.ENOUGH
    assert time.process_time() - started < 1.0  # reading it takes 30 s
    assert judge.failure is not None and judge.failure.got == "<a value of 30,000,006 bytes>"


def test_a_tolerance_that_sticks_does_not_leak_to_another_suite() -> None:
    solution = "def f(x):\n    return x"
    near = "def f(x):\n    return [[1.0000001]] if x == [[1.0]] else x"
    problem = replace(
        Case((), ()).problem,
        solution=solution,
        suites=(Suite("base", ((1.0,), ([[1.0]],))), Suite("plus", (([[1.0]],),))),
    )
    assert run(problem, near, PARITY, "base").passed
    assert not run(problem, near, PARITY, "plus").passed


FIND_ZERO = Case(
    outs=("2",),
    expected=("2.0",),
    entry_point="find_zero",
    family="humaneval",
    arguments=([-2, 1],),
    atol=1e-4,
)


FLOOD = "[k * (2**61 - 1) for k in range(50_000)]"  # all of one hash: a set takes half a minute


@pytest.mark.timeout(15)
@pytest.mark.parametrize("profile", [PARITY, STRICT], ids=["evalplus", "strict"])
def test_an_answer_whose_members_share_a_hash_does_not_stall_the_judge(profile: Profile) -> None:
    assert not ours(Case((FLOOD,), ("[1, 2]",), entry_point="Diff"), profile)


@pytest.mark.timeout(15)
@pytest.mark.parametrize("make", [frozenset, dict.fromkeys], ids=["set", "dict"])
def test_members_of_subclasses_that_share_a_hash_do_not_stall_the_judge(
    make: Callable[[list[codec.Subclass]], object],
) -> None:
    with pytest.raises(Unequal, match="hash"):
        unwrap(make([codec.Subclass(f"Liar{k}", k * (2**61 - 1)) for k in range(50_000)]))


def test_find_zero_takes_any_root_within_the_stated_tolerance() -> None:
    assert ours(replace(FIND_ZERO, outs=("2.00001",)), MASTER)
    assert ours(replace(FIND_ZERO, outs=("-2",), arguments=([-4, 0, 1],)), MASTER)


@pytest.mark.parametrize("out", ["2.001", "nan", "'2'", "None", "object()"])
def test_find_zero_takes_nothing_else(out: str) -> None:
    assert not ours(replace(FIND_ZERO, outs=(out,)), MASTER)


def test_find_zero_gets_no_second_chance_for_being_near_the_expected_root() -> None:
    assert not ours(replace(FIND_ZERO, outs=("2.00001",), arguments=([-2e6, 1e6],)), MASTER)


def test_find_zero_in_mbpp_is_a_name_like_others() -> None:
    assert not ours(replace(FIND_ZERO, outs=("-2",), arguments=([-4, 0, 1],), family="mbpp"))


def test_find_zero_is_judged_on_the_inputs_as_they_were_given() -> None:
    forging = "def find_zero(xs):\n    xs.clear()\n    return 7"
    assert not run(FIND_ZERO.problem, forging, MASTER).passed


@pytest.mark.parametrize(
    ("out", "expected", "replies"),
    [
        ("list(range(N))", "list(range(N))", [Reply.GO_ON]),
        ("list(range(N))[::-1]", "list(range(N))", [Reply.ENOUGH]),
        ("[1.0] * N", "[1.0] * N", [Reply.GO_ON]),
        ("[1.0000001] * N", "[1.0] * N", [Reply.FULL, Reply.GO_ON]),
        ("[1.0] * N", "[1] * N", [Reply.FULL, Reply.GO_ON]),
        ("[nan] * N", "[nan] * N", [Reply.FULL, Reply.ENOUGH]),
    ],
)
def test_large_values_cross_only_where_digests_can_not_decide(
    out: str, expected: str, replies: list[Reply]
) -> None:
    case = Case((out,), (expected,))
    assert run(case.problem, case.program(case.outs), PARITY).replies == replies


def test_the_entry_points_with_rules_are_those_of_the_publisher() -> None:
    assert set(MBPP_OUTPUT_NOT_NONE_TASKS) == NOT_NONE_ENTRY_POINTS
    assert set(MBPP_OUTPUT_SET_EQ_TASKS) == SET_ENTRY_POINTS


@pytest.mark.parametrize("entry_point", [*SET_ENTRY_POINTS, *NOT_NONE_ENTRY_POINTS, "sum_div"])
def test_rules_belong_to_one_family(entry_point: str) -> None:
    problem = Case((), (), entry_point=entry_point).problem
    assert special_rule(problem) is not None
    assert special_rule(replace(problem, family="humaneval")) is None
    assert special_rule(replace(problem, family="jsonl")) is None


@pytest.mark.parametrize(
    "value",
    [list(range(10**6)), "x" * 10**6, {1: ["y" * 999] * 99}, [10**9999]],
    ids=["list", "text", "dict", "an int that Python refuses to write"],
)
def test_values_are_cut_for_people(value: object) -> None:
    assert 0 < len(short_repr(value)) <= 400


# --- strict --------------------------------------------------------------------------------

STRICT_RULES: dict[str, tuple[Case, bool]] = {
    "equal": right("[1, 'a', None, (2.5, {3})]", expected="[1, 'a', None, (2.5, {3})]"),
    "a bool is no int": wrong("True", expected="1"),
    "a bool is no int, at depth": wrong("[(0, True)]", expected="[(0, 1)]"),
    "an int is no float": wrong("1", expected="1.0"),
    "a float is no int, at depth": wrong("[[1.0]]", expected="[[1]]"),
    "a list is no tuple, at depth": wrong("[[1]]", expected="[(1,)]"),
    "a frozenset is no set": wrong("frozenset({1})", expected="{1}"),
    "a Counter is no dict": wrong("Counter('a')", expected="{'a': 1}"),
    "a longer list": wrong("[1, 2, 3]", expected="[1, 2]"),
    "a float within 1e-6": right("1.0000005", expected="1.0"),
    "a float beyond 1e-6": wrong("1.00001", expected="1.0"),
    "floats at depth within 1e-6": right("[({1: 1.0000005}, 1)]", expected="[({1: 1.0}, 1)]"),
    "floats at depth beyond 1e-6": wrong("[({1: 1.00001},)]", expected="[({1: 1.0},)]"),
    "the stated tolerance": right("[1.001]", expected="[1.0]", atol=0.01),
    "a tolerance is for floats": wrong("1000000001", expected="1000000000", atol=0.01),
    "no tolerance for ints after a float": wrong(
        "1.0", "1000000001", expected=("1.0", "1000000000")
    ),
    "NaN is NaN": right("[nan, 1]", expected="[nan, 1]"),
    "NaN is no number": wrong("[nan]", expected="[1.0]"),
    "inf is inf": right("inf", expected="inf"),
    "inf is not -inf": wrong("-inf", expected="inf"),
    "inf is nothing finite": wrong("[1.0]", expected="[inf]"),
    "complex parts within 1e-6": right("1 + 1.0000005j", expected="1 + 1j"),
    "complex parts beyond 1e-6": wrong("1 + 1.00001j", expected="1 + 1j"),
    "keys have types": wrong("{1.0: 'a'}", expected="{1: 'a'}"),
    "keys have types at depth": wrong("{(1, True): 'a'}", expected="{(1, 1): 'a'}"),
    "keys are not only as many": wrong("{1: 1, 2: 2}", expected="{1: 1, 3: 2}"),
    "values of keys": wrong("{1: 1}", expected="{1: 2}"),
    "a dict has no order": right("{1: 2, 3: 4}", expected="{3: 4, 1: 2}"),
    "an OrderedDict has": wrong("OrderedDict({1: 2, 3: 4})", expected="OrderedDict({3: 4, 1: 2})"),
    "a defaultdict": right("defaultdict(int, {1: 2})", expected="defaultdict(list, {1: 2})"),
    "members have types": wrong("{1, True + 1}", expected="{1.0, 2}"),
    "members have types at depth": wrong("{(True,)}", expected="{(1,)}"),
    "members have no tolerance": wrong("{1.0000001}", expected="{1.0}"),
    "a NaN in a set equals nothing": wrong("{nan}", expected="{nan}"),
    "a deque at depth": wrong("deque([True])", expected="deque([1])"),
    "a deque": right("deque([1, 1.0000001])", expected="deque([1, 1.0])"),
    "a Decimal": right("Decimal('1.5')", expected="Decimal('1.5')"),
    "a Decimal is no int": wrong("Decimal(1)", expected="1"),
    "arrays": right("array([1, 2])", expected="array([1, 2])"),
    "arrays with another member": wrong("array([1, 3])", expected="array([1, 2])"),
    "arrays of other shape": wrong("array([[1, 2]])", expected="array([1, 2])"),
    "arrays of other type": wrong("array([1.0, 2.0])", expected="array([1, 2])"),
    "arrays at depth": right("[array([1, 2])]", expected="[array([1, 2])]"),
    "arrays within 1e-6, with NaN": right("array([1.0000005, nan])", expected="array([1.0, nan])"),
    "arrays beyond 1e-6": wrong("array([1.00001])", expected="array([1.0])"),
    "an array is no list": wrong("array([1])", expected="[1]"),
    "numpy's float is no float": wrong("np.float64(1)", expected="1.0"),
    "numpy's floats within 1e-6": right("np.float64(1.0000005)", expected="np.float64(1)"),
    "numpy's short floats within 1e-6": right(
        "[np.float32(1.0000005)]", expected="[np.float32(1)]"
    ),
    "numpy's short NaN": right("np.float32(nan)", expected="np.float32(nan)"),
    "numpy's int is no int": wrong("np.int64(1)", expected="1"),
    "a subclass equals nothing": wrong("Point(1, 2)", expected="(1, 2)"),
    "a subclass equals nothing, at depth": wrong("[Color.RED]", expected="[1]"),
    "a subclass equals nothing, not its own kind": wrong("Color.RED", expected="Color.RED"),
    "a subclass equals nothing, as a member": wrong("{Color.RED}", expected="{Color.RED}"),
    "a list that equals everything": wrong("YesList([1])", expected="[2]"),
    "an object that equals everything": wrong("[Yes()]", expected="[1]"),
    "the rules of entry points hold": right("35", expected="33", **PYRAMID),
    "a set rule holds": right("[2, 1]", expected="[1, 2]", entry_point="Diff"),
    "not none holds": right("object()", expected="1", entry_point="check_str"),
    "sum_div may be 0": right("0", expected="6", entry_point="sum_div"),
    "sum_div is an int": wrong("6.0", expected="6", entry_point="sum_div"),
    "large: equal": right("list(range(N))", expected="list(range(N))"),
    "large: bools are no ints": wrong("[True] * N", expected="[1] * N"),
    "large: floats are no ints": wrong("[1.0] * N", expected="[1] * N"),
    "large: numpy's are no ints": wrong("list(np.arange(N))", expected="list(range(N))"),
    "large: NaN is NaN": right("[nan] * N", expected="[nan] * N"),
    "large: floats within 1e-6": right("[1.0000005] * N", expected="[1.0] * N"),
    "large: small": wrong("[1]", expected="[1] * N"),
}


@pytest.mark.parametrize(("case", "passes"), STRICT_RULES.values(), ids=STRICT_RULES.keys())
def test_strict_rule(case: Case, passes: bool) -> None:
    assert ours(case, STRICT) is passes


# --- any answers ---------------------------------------------------------------------------

# `#` is a place for something hashable, `@` for anything.
KEYS = st.sampled_from(
    "0 1 2 -1 True 1.0 1.0000001 1.1 10**9 10**9+1 10**30 None 'a' '1' nan inf 1j 1+1e-7j b'a' "
    "Color.RED Float(1) np.float64(1) np.float32(1) np.int64(1) np.bool_(True) np.str_('a')".split()
)
LEAVES = st.one_of(
    KEYS, st.sampled_from("array([1.0]) array([1]) array([1,2]) array([1.0,2.0]) array([])".split())
)
SHAPES = st.recursive(
    st.just("@"),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(inner, max_size=3).map(
            lambda parts: f"({''.join(f'{each}, ' for each in parts)})"
        ),
        inner.map(lambda part: f"{{#: {part}}}"),
        inner.map(lambda part: f"defaultdict(list, {{1: {part}}})"),
        st.tuples(inner, inner).map(lambda pair: f"Point({pair[0]}, {pair[1]})"),
        st.sampled_from(["{#}", "{#, #}", "frozenset({#})"]),
    ),
    max_leaves=4,
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Two programs whose answers have mostly the same shape and mostly the same leaves."""
    outs: list[str] = []
    expected: list[str] = []
    for shape in draw(st.lists(SHAPES, min_size=1, max_size=3)):
        out = theirs = ""
        for letter in shape:
            if letter in "@#":
                leaf = draw(LEAVES if letter == "@" else KEYS)
                theirs += leaf
                out += draw(st.one_of(st.just(leaf), KEYS))
            else:
                theirs += letter
                out += letter
        outs.append(draw(st.sampled_from([out, out, out, f"tuple([{out}])"])))
        expected.append(theirs)
    names = ["f", "f", "sum_div", "surface_Area", "digit_distance_nums", "Diff", "check_str"]
    return Case(
        tuple(outs),
        tuple(expected),
        entry_point=draw(st.sampled_from(names)),
        family=draw(st.sampled_from(["mbpp", "mbpp", "humaneval"])),
        arguments=(3, 4),
        atol=draw(st.sampled_from([0.0, 0.0, 1e-4])),
    )


@pytest.mark.slow
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(case=cases())
def test_any_verdict_is_theirs(theirs: Theirs, case: Case) -> None:
    assert ours(case) == theirs(case)


# --- answers that would cost us dearly ---------------------------------------------------------


def test_what_can_not_be_right_is_not_expanded():
    """Twenty bytes that stand for 10^8 numbers, nested or as a set, end in a moment."""
    started = time.monotonic()
    huge = range(10**8)
    assert not calls.within_tolerance([huge, huge], [1.0, 2.0], 1e-6)
    assert not calls.within_tolerance(["x" * 10**7] * 50, [1.0] * 50, 1e-6)
    with pytest.raises(calls.Unequal, match="too many"):
        calls.equal_as_sets(huge, (1, 2), (), 0.0)
    assert calls.equal_as_sets(range(3), (2, 1, 0), (), 0.0)
    assert time.monotonic() - started < 2
