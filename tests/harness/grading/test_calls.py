"""The comparison rules, one by one, and the installed EvalPlus as their oracle.

A case is two programs that return literal values, call by call: the one under test and the
canonical one. `RULES` says for each what is right; we must say so, and so must the publisher's
own evaluator (`untrusted_check`, in a process of its own). `DEVIATIONS` are the cases where we
differ on purpose.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pytest
from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS, MBPP_OUTPUT_SET_EQ_TASKS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.grading.calls import SuiteJudge
from harness.grading.profiles import PROFILES, Profile
from harness.grading.truth import make_truths
from harness.records import Problem, Suite
from sandboxes.agent import codec
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import Bundle, End, Job, Limits, Reply

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
N = 20_000  # a list of so many is above the codec's inline limit

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
FIND_ZERO = {
    "entry_point": "find_zero",
    "family": "humaneval",
    "arguments": ([-2, 1],),
    "atol": 1e-4,
}

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
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_any_verdict_is_theirs(theirs: Theirs, case: Case) -> None:
    assert ours(case) == theirs(case)
