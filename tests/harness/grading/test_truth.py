"""Expected values: what canonical solutions return, kept, and made again when in doubt."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import evalplus.eval
import numpy as np
import pytest

from harness.errors import StorageError
from harness.grading.truth import (
    NOT_NONE_ENTRY_POINTS,
    SuiteTruth,
    Truth,
    TruthCache,
    is_floats,
    make_truths,
)
from harness.records import Problem, Suite, Value
from sandboxes.agent import codec
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import End, Job

ECHO = "def f(x):\n    return x"
HALF = "def f(x):\n    return x / 2"
LARGE = 14_000  # ints in a list that is above the codec's inline limit


def problem(
    solution: str = ECHO,
    *inputs: Value,
    expected: tuple[Value, ...] | None = None,
    name: str = "0",
    entry_point: str = "f",
    family: str = "jsonl",
    atol: float = 0.0,
) -> Problem:
    return Problem(
        id=f"test/{name}",
        task_id=name,
        prompt="",
        entry_point=entry_point,
        solution=solution,
        suites=(Suite("base", tuple((each,) for each in inputs), expected),),
        sha256=f"sha256-of-{name}",
        atol=atol,
        family=family,
    )


def truth_of(one: Problem, script: Callable[[Job], End | None] | None = None) -> Truth:
    with FakeSandbox(script).open("python", 1) as workers:
        ((same, truth),) = make_truths([one], workers)
    assert same is one
    return truth


def base(one: Problem) -> SuiteTruth:
    truth = truth_of(one)
    assert not truth.failure, truth.failure
    return truth.suites["base"]


def values(suite: SuiteTruth) -> list[Value]:
    return [codec.decode(suite.whole(index)) for index in range(len(suite.frames))]


# --- making --------------------------------------------------------------------------------


def test_the_canonical_solution_says_what_is_expected() -> None:
    assert values(base(problem(HALF, 2, 3))) == [1.0, 1.5]


def test_stated_values_win_over_the_solution() -> None:
    assert values(base(problem(HALF, 2, 3, expected=("a", None)))) == ["a", None]


def test_stated_values_are_kept_in_full_however_large() -> None:
    stated = list(range(LARGE))
    suite = base(problem(ECHO, 0, 0, expected=(1, stated)))
    assert suite.frames[1][:1] == b"D" and list(suite.large) == [1]
    assert values(suite) == [1, stated]


def test_every_suite_has_its_own_truth_in_the_problems_order() -> None:
    suites = (Suite("base", ((1,),)), Suite("plus", ()), Suite("more", ((2,), (3,))))
    truth = truth_of(replace(problem(), suites=suites))
    assert list(truth.suites) == ["base", "plus", "more"]
    assert [values(suite) for suite in truth.suites.values()] == [[1], [], [2, 3]]


def test_every_problem_has_its_own_truth() -> None:
    problems = [problem(ECHO, number, name=str(number)) for number in range(5)]
    with FakeSandbox().open("python", 1) as workers:
        found = {one.id: truth for one, truth in make_truths(problems, workers)}
    assert {key: values(truth.suites["base"]) for key, truth in found.items()} == {
        f"test/{number}": [number] for number in range(5)
    }


@pytest.mark.parametrize("entry_point", sorted(NOT_NONE_ENTRY_POINTS))
def test_of_some_mbpp_problems_the_truth_is_whether_it_is_not_none(entry_point: str) -> None:
    solution = f"import re\ndef {entry_point}(x):\n    return re.match('a', x) if x else bool(x)"
    one = problem(solution, "ab", "ba", "", entry_point=entry_point, family="mbpp")
    assert values(base(one)) == [True, False, True]


def test_in_other_families_that_name_means_nothing() -> None:
    one = problem("def check_str(x):\n    return x", 1, None, entry_point="check_str")
    assert values(base(one)) == [1, None]


def test_stated_values_win_over_not_none_too() -> None:
    solution = "def check_str(x):\n    return x"
    one = problem(solution, 1, expected=(False,), entry_point="check_str", family="mbpp")
    assert values(base(one)) == [False]


def test_reference_times_are_of_each_call() -> None:
    sleepy = "import time\ndef f(x):\n    time.sleep(x)"
    truth = truth_of(problem(sleepy, 0, 0.05))
    fast, slow = truth.suites["base"].reference_s
    assert fast < 0.05 <= slow
    assert truth.reference_s == pytest.approx(fast + slow)


# --- what is kept --------------------------------------------------------------------------


def test_large_plain_values_are_kept_as_digests() -> None:
    suite = base(problem(ECHO, list(range(LARGE)), "x" * 99_999))
    assert [frame[:1] for frame in suite.frames] == [b"D", b"D"]
    assert suite.large == {}


@pytest.mark.parametrize("large", [[0.5] * LARGE, [True] * 99_999, {n: n for n in range(LARGE)}])
def test_large_values_that_are_not_plain_are_kept_in_full(large: Value) -> None:
    suite = base(problem(ECHO, 1, large))
    assert suite.frames[1][:1] == b"D"
    assert values(suite) == [1, large]


def test_large_plain_values_are_kept_in_full_where_a_tolerance_is_stated() -> None:
    assert list(base(problem(ECHO, list(range(LARGE)), atol=1e-4)).large) == [0]


def test_large_plain_values_are_kept_in_full_from_the_first_float_on() -> None:
    large = list(range(LARGE))
    assert list(base(problem(ECHO, large, 0.5, large)).large) == [2]


def test_large_plain_values_are_kept_in_full_where_sets_are_compared() -> None:
    solution = "def Diff(x):\n    return x"
    one = problem(solution, list(range(LARGE)), entry_point="Diff", family="mbpp")
    assert list(base(one).large) == [0]
    assert list(base(replace(one, family="humaneval")).large) == []


def test_the_size_of_the_expected_values_counts_the_whole_of_digests() -> None:
    suite = base(problem(ECHO, 1, list(range(LARGE)), [0.5] * LARGE))
    sizes = [len(codec.encode(value, inline_limit=None)) for value in (1, list(range(LARGE)))]
    assert suite.num_bytes == sum(sizes) + len(codec.encode([0.5] * LARGE, inline_limit=None))


def test_equal_bytes_settle_all_but_nan_arrays_and_objects() -> None:
    solution = "import numpy\ndef f(x):\n    return eval(x)"
    sources = ("1", "0.5", "float('nan')", "[0.5, float('nan')]", "numpy.ones(2)", "object()")
    assert base(problem(solution, *sources)).settles == (True, True, False, False, False, False)


# --- the first float -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        (1.0, True),
        ([1.0, 2.0], True),
        ((1.0,), True),
        (np.float64(1.0), True),
        (np.array([1.0]), True),
        (np.array([1.0], dtype="float32"), True),
        ([np.float64(1.0)], True),
        (float("nan"), True),
        (1, False),
        (True, False),
        ([], False),
        ((), False),
        ([1.0, 2], False),
        ([[1.0]], False),
        ({1.0}, False),
        ({1: 1.0}, False),
        ("1.0", False),
        (None, False),
        (1j, False),
        (np.float32(1.0), False),
        (np.array([1]), False),
        (np.array([1.0], dtype="float16"), False),
    ],
    ids=repr,
)
def test_floats_are_what_evalplus_calls_floats(value: Value, is_one: bool) -> None:
    assert is_floats(value) is is_one
    assert bool(evalplus.eval.is_floats(value)) is is_one


def test_the_first_float_is_found() -> None:
    assert base(problem(ECHO, 1, [1, 1.0], (1.0, 2.0), 3.0)).first_float == 2


def test_the_first_float_is_found_in_a_large_value() -> None:
    assert base(problem(ECHO, 1, [0.5] * LARGE, 3.0)).first_float == 1


def test_the_first_float_is_that_of_stated_values() -> None:
    assert base(problem(ECHO, 1.0, 2.0, 3.0, expected=(1, [2.0], 3.0))).first_float == 1


@pytest.mark.parametrize("inputs", [(), (1, [], "a", [1, 2.0])])
def test_without_a_float_the_first_is_after_all_inputs(inputs: tuple[Value, ...]) -> None:
    assert base(problem(ECHO, *inputs)).first_float > 1_000_000


def test_not_none_is_no_float() -> None:
    solution = "def check_str(x):\n    return x"
    one = problem(solution, 1.0, entry_point="check_str", family="mbpp")
    assert base(one).first_float > 1_000_000


# --- solutions that fail -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("def f(x):\n    return 1 / x", "base: input 1: ZeroDivisionError: division by zero"),
        ("def f(x):", "base: expected an indented block"),
        ("raise KeyError('no')", "base: KeyError('no')"),
        ("def g(x):\n    return x", "base: KeyError('f')"),
    ],
)
def test_a_solution_that_fails_says_why(solution: str, reason: str) -> None:
    truth = truth_of(problem(solution, 1, 0, 2))
    assert truth.failure.startswith(reason)
    assert truth.suites == {}


@pytest.mark.parametrize("end", [End.TIMEOUT, End.LOST, End.OUT_OF_MEMORY, End.COMPLETED])
def test_a_solution_that_gave_no_full_set_of_values_is_no_truth(end: End) -> None:
    truth = truth_of(problem(ECHO, 1), lambda job: end)
    assert (truth.failure, truth.suites) == ("base: scripted", {})


def test_every_suite_that_fails_is_named() -> None:
    suites = tuple(Suite(name, ((number,),)) for number, name in enumerate(("base", "ok", "plus")))
    one = replace(problem("def f(x):\n    return 1 / (x % 2)"), suites=suites)
    assert truth_of(one).failure == (
        "base: input 0: ZeroDivisionError: division by zero; "
        "plus: input 0: ZeroDivisionError: division by zero"
    )


# --- the cache -----------------------------------------------------------------------------


@pytest.fixture
def one() -> Problem:
    suites = (Suite("base", ((1,), (0.5,), ([0.5] * LARGE,), ("x" * 99_999,))), Suite("plus", ()))
    return replace(problem(), suites=suites)


def test_a_truth_that_was_saved_is_loaded(tmp_path: Path, one: Problem) -> None:
    truth = truth_of(one)
    TruthCache(tmp_path, "here").save(one, truth)
    assert TruthCache(tmp_path, "here").load(one) == truth


def test_a_truth_that_was_not_saved_is_not_loaded(tmp_path: Path, one: Problem) -> None:
    cache = TruthCache(tmp_path, "here")
    assert cache.load(one) is None
    cache.save(one, truth_of(one))
    assert cache.load(replace(one, sha256="another")) is None


def test_environments_share_nothing(tmp_path: Path, one: Problem) -> None:
    here, there = TruthCache(tmp_path, "here"), TruthCache(tmp_path, "there")
    here.save(one, truth_of(one))
    here.record_gate("strict", one)
    assert there.load(one) is None
    assert there.passed_gate("strict") == set()


def saved(folder: Path, one: Problem) -> Path:
    TruthCache(folder, "here").save(one, truth_of(one))
    (path,) = folder.rglob("*.truth")
    return path


@pytest.mark.parametrize("kept", [0, 31, 32, 33, 1000, -1])
def test_a_torn_file_is_not_loaded(tmp_path: Path, one: Problem, kept: int) -> None:
    path = saved(tmp_path, one)
    path.write_bytes(path.read_bytes()[:kept])
    assert TruthCache(tmp_path, "here").load(one) is None


@pytest.mark.parametrize("at", [0, 31, 32, 40, -1])
def test_a_file_with_a_flipped_bit_is_not_loaded(tmp_path: Path, one: Problem, at: int) -> None:
    path = saved(tmp_path, one)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert TruthCache(tmp_path, "here").load(one) is None


def test_a_foreign_file_is_not_loaded_and_is_replaced(tmp_path: Path, one: Problem) -> None:
    path = saved(tmp_path, one)
    path.write_bytes(b"something else altogether, longer than a digest")
    cache = TruthCache(tmp_path, "here")
    assert cache.load(one) is None
    truth = truth_of(one)
    cache.save(one, truth)
    assert cache.load(one) == truth


def test_saving_leaves_no_draft_behind(tmp_path: Path, one: Problem) -> None:
    path = saved(tmp_path, one)
    assert list(path.parent.iterdir()) == [path]


def test_a_cache_that_can_not_be_written_says_what_to_set(tmp_path: Path, one: Problem) -> None:
    (tmp_path / "truth").write_text("a file where a folder should be")
    cache = TruthCache(tmp_path, "here")
    with pytest.raises(StorageError, match="can't be written .*: set HARNESS_CACHE"):
        cache.save(one, truth_of(one))
    with pytest.raises(StorageError, match="can't be written .*: set HARNESS_CACHE"):
        cache.record_gate("strict", one)
    assert cache.load(one) is None
    assert cache.passed_gate("strict") == set()


# --- the gate ------------------------------------------------------------------------------


def gated(folder: Path, *problems: Problem) -> TruthCache:
    cache = TruthCache(folder, "here")
    for each in problems:
        cache.save(each, truth_of(each))
        cache.record_gate("strict", each)
    return cache


def test_the_gate_remembers_who_passed_under_which_profile(tmp_path: Path) -> None:
    gated(tmp_path, problem(name="1"), problem(name="2"))
    cache = TruthCache(tmp_path, "here")
    assert cache.passed_gate("strict") == {"sha256-of-1", "sha256-of-2"}
    assert cache.passed_gate("evalplus-0.3.1") == set()


def test_a_torn_line_of_the_gate_loses_that_problem_alone(tmp_path: Path) -> None:
    cache = gated(tmp_path, problem(name="1"), problem(name="2"))
    (path,) = tmp_path.rglob("gate.jsonl")
    path.write_text(path.read_text()[:-5])
    assert cache.passed_gate("strict") == {"sha256-of-1"}


def test_after_a_torn_line_the_gate_remembers_again(tmp_path: Path) -> None:
    cache = gated(tmp_path, problem(name="1"), problem(name="2"))
    (path,) = tmp_path.rglob("gate.jsonl")
    path.write_text(path.read_text()[:-5])
    cache.record_gate("strict", problem(name="2"))
    cache.record_gate("strict", problem(name="3"))
    assert cache.passed_gate("strict") >= {"sha256-of-1", "sha256-of-3"}
