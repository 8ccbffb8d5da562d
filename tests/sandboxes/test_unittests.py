"""Unittest jobs: what their records say, and that no cheat in attacks/unittests passes anywhere.

How an attack is written: attacks/loader.py. Each runs on many problems of sanity-unittest.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders, load
from harness.grading import Judge, Submission, profile_named
from harness.records import Benchmark, Status
from sandboxes.agent import unittest_child, unittests
from sandboxes.protocol import Bundle, End, Execution, Job, Limits, Workers
from sandboxes.unittest_records import UnittestRecords
from tests.sandboxes.attacks.loader import UNITTESTS
from tests.sandboxes.jobs import marked, sandbox_named

ATTACKS = {attack.name: attack for attack in UNITTESTS}
SLOW = {"equality_of_builtins_by_ctypes", "hangs_without_the_function"}
"""Seconds each time: on two problems are enough."""
NUM_PROBLEMS = 10
"""An attack in each run; each problem has many attacks. `verify` takes all."""

TESTS = """
import unittest
from unittest.mock import patch


class TestCases(unittest.TestCase):
    def test_adds(self):
        self.assertEqual(f(2), 3)

    def test_refuses(self):
        with self.assertRaises(TypeError):
            f("2")

    def test_mocked(self):
        with patch("builtins.print") as printed:
            f(1)
        printed.assert_not_called()
"""
METHODS = ["test_adds", "test_mocked", "test_refuses"]
RIGHT = "def f(x): return x + 1"


def job(code: str, tests: str = TESTS, **limits: float) -> Job:
    wall_s = limits.get("wall_s", 60.0)
    run_s = limits.get("run_s", 30.0)
    its_limits = Limits(wall_s=wall_s, cpu_s=60.0, input_wall_s=(run_s,), memory_mb=512)
    return Job("job", code, "f", Bundle.of([]), its_limits, kind="unittest", tests=tests)


def run(workers: Workers, code: str, tests: str = TESTS, **limits: float) -> Execution:
    (execution,) = workers.run([job(code, tests, **limits)])
    return execution


def outcomes(execution: Execution) -> dict[str, str]:
    return {test.name: test.outcome for test in execution.tests}


@pytest.fixture(scope="module", params=marked("fake", "plain", "namespaces", "container"))
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with sandbox_named(request.param).open("python", 1) as opened:
        yield opened


@pytest.fixture(scope="module", params=marked("plain", "namespaces", "container"))
def real(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with sandbox_named(request.param).open("python", 1) as opened:
        yield opened


# --- records ---------------------------------------------------------------------------------


def test_a_right_program_has_all_three_runs(workers: Workers):
    execution = run(workers, RIGHT)
    assert execution.end == End.COMPLETED
    assert outcomes(execution) == dict.fromkeys(METHODS, "passed")
    evidence = execution.evidence
    assert evidence.run("real").passed == evidence.run("replay").passed == set(METHODS)
    assert evidence.run("poison").passed == {"test_mocked"}
    for role in ("real", "poison", "replay"):
        assert evidence.run(role).end == "completed"
        assert evidence.run(role).changed == evidence.run(role).foreign == ()


def test_a_wrong_program_is_not_replayed(workers: Workers):
    execution = run(workers, "def f(x): return x + 2")
    assert execution.end == End.COMPLETED
    assert outcomes(execution)["test_adds"] == "failed"
    (adds,) = [test for test in execution.tests if test.name == "test_adds"]
    assert adds.message == "AssertionError: 4 != 3 (line 8 of the tests)"
    assert "replay" not in execution.evidence.runs


def test_what_does_not_load_says_so(workers: Workers):
    assert run(workers, "def f(x: ").end == End.SYNTAX
    raised = run(workers, "raise ValueError('no')")
    assert (raised.end, raised.detail) == (End.EXCEPTION, "ValueError: no")
    assert run(workers, "def g(): pass").detail == "f is not defined"


def test_every_kind_of_outcome(workers: Workers):
    tests = """
import unittest
class TestCases(unittest.TestCase):
    def test_error(self): f("x")
    def test_failed(self): self.fail("so")
    @unittest.skip("later")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.expectedFailure
    def test_unexpected(self): pass
    def test_sub(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertEqual(n, 1)
"""
    assert outcomes(run(workers, RIGHT, tests)) == {
        "test_error": "error",
        "test_failed": "failed",
        "test_skipped": "skipped",
        "test_expected": "expected_failure",
        "test_unexpected": "unexpected_success",
        "test_sub": "failed",
    }


def test_fixtures_of_classes_are_told_when_they_fail(workers: Workers):
    tests = """
import unittest
class TestCases(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("no")
    def test_a(self): pass
"""
    assert outcomes(run(workers, RIGHT, tests)) == {"(class)": "error"}


def test_what_is_called_like_a_test_and_is_none(workers: Workers):
    tests = """
import unittest
class TestCases(unittest.TestCase):
    test_values = [1, 2]
    def test_a(self): self.assertEqual([f(value) for value in self.test_values], [2, 3])
"""
    execution = run(workers, RIGHT, tests)
    assert outcomes(execution) == {"test_a": "passed"}
    assert execution.evidence.run("real").changed == ()


def test_recursion_and_signatures_are_the_programs_own(workers: Workers):
    code = "def f(n: int = 0) -> int:\n    'Doc.'\n    return 0 if n == 0 else 1 + f(n - 1)"
    tests = """
import inspect, unittest
class TestCases(unittest.TestCase):
    def test_deep(self): self.assertEqual(f(450), 450)
    def test_signature(self): self.assertEqual(str(inspect.signature(f)), "(n: int = 0) -> int")
    def test_names(self): self.assertEqual((f.__name__, f.__doc__), ("f", "Doc."))
"""
    assert set(outcomes(run(workers, code, tests)).values()) == {"passed"}


def test_exceptions_and_returned_functions_are_replayed(workers: Workers):
    code = """
def f(start):
    if start < 0: raise KeyError("below")
    def advance(by):
        nonlocal start
        start += by
        return start
    return advance
"""
    tests = """
import unittest
class TestCases(unittest.TestCase):
    def test_advances(self):
        advance = f(1)
        self.assertEqual([advance(1), advance(2)], [2, 4])
    def test_raises(self):
        with self.assertRaisesRegex(KeyError, "below"): f(-1)
"""
    execution = run(workers, code, tests)
    assert execution.evidence.run("replay").passed == {"test_advances", "test_raises"}


def test_own_classes_and_iterators_are_told(workers: Workers):
    code = "class Mine(list): pass\ndef f(x): return [Mine()] if x else iter([])"
    tests = """
import unittest
class TestCases(unittest.TestCase):
    def test_a(self): f(0), f(1)
"""
    assert set(run(workers, code, tests).evidence.run("real").foreign) == {
        "own:Mine",
        "builtins.list_iterator",
    }


def test_imported_types_are_not_the_programs_own(workers: Workers):
    code = """
import fractions, decimal, wave, collections, xml.etree.ElementTree as tree
Pair = collections.namedtuple("Pair", "a b")
def f(x): return [fractions.Fraction(1, 2), decimal.Decimal(1), tree.ElementTree(), {1: {2.0, "3"}}]
"""
    tests = "import unittest\nclass TestCases(unittest.TestCase):\n    def test_a(self): f(1)\n"
    real = run(workers, code, tests).evidence.run("real")
    assert (real.foreign, real.changed) == (("xml.etree.ElementTree.ElementTree",), ())


def test_honest_use_of_frames_is_not_told(workers: Workers):
    code = """
import collections, dataclasses, enum, logging, traceback, typing, warnings
Point = collections.namedtuple("Point", "x y")
class Kind(enum.Enum): A = 1
class Row(typing.NamedTuple): a: int
@dataclasses.dataclass
class Box: a: int
def f(x):
    logging.getLogger("f").warning("%s", x)
    warnings.warn("careful")
    try:
        raise ValueError(x)
    except ValueError:
        traceback.format_exc()
        logging.getLogger("f").exception("so")
    return x + 1
"""
    tests = "import unittest\nclass TestCases(unittest.TestCase):\n    def test_a(self): f(1)\n"
    if workers.level != "fake":
        assert run(workers, code, tests).evidence.run("real").changed == ()


# --- processes -------------------------------------------------------------------------------


def test_limits(real: Workers):
    endless = run(real, "def f(x):\n    while True: pass", run_s=1.0)
    assert (endless.end, endless.detail) == (End.TIMEOUT, "the real run took too long")
    assert run(real, "def f(x):\n    while True: pass", wall_s=1.0).end == End.TIMEOUT
    died = run(real, "import os\ndef f(x): os._exit(0)")
    assert (died.end, died.detail) == (End.EXCEPTION, "left before its tests had ended")
    killed = run(real, "import os\ndef f(x): os.kill(os.getpid(), 9)")
    assert (killed.end, killed.detail) == (End.EXCEPTION, "ended by signal 9 before its tests did")
    hungry = run(real, "def f(x): return bytearray(1 << 33)")
    assert "MemoryError" in hungry.tests[0].message
    assert run(real, RIGHT).evidence.run("replay").passed == set(METHODS)


def test_a_poison_that_hangs_is_an_outcome(real: Workers, monkeypatch: pytest.MonkeyPatch):
    tests = """
import time, unittest
class TestCases(unittest.TestCase):
    def test_waits(self):
        while f(1) != 2: time.sleep(0.01)
"""
    execution = run(real, RIGHT, tests)
    assert execution.evidence.run("poison").end == "timeout"
    assert execution.evidence.run("real").passed == {"test_waits"}


def test_cpu_of_the_runs_counts(real: Workers):
    code = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
    execution = run(real, code + RIGHT)
    assert execution.cpu_s > 0.6


def test_a_program_does_not_see_the_tests_while_it_loads(real: Workers):
    """Neither run tells the other anything: no file, no process, no text of the first."""
    code = """
import gc, os, sys
found = [name for name in os.listdir(os.getcwd())]
here = [each for each in gc.get_objects() if type(each) is str and "never_in_a_program" in each]
open("left_behind", "w").close()
def f(x): return x + 1
if found or "sandboxes.agent.unittest_child" in sys.modules: raise SystemExit(3)
"""
    tests = TESTS + "\nSECRET = 'never_in_a_program'\n"
    if real.level == "namespaces":
        assert run(real, code, tests).end == End.COMPLETED


def test_the_agent_runs_on_python_310():
    """No newer syntax: the image of BigCodeBench has 3.10."""
    folder = Path(unittests.__file__).parent
    for name in ("unittests", "unittest_child", "unittest_answers", "snapshot", "watcher"):
        ast.parse((folder / f"{name}.py").read_text(), feature_version=(3, 10))


def test_the_entry_point_keeps_its_name_where_tests_bind_it():
    code = unittests.compile_tests("x = f(1)", "f", "alias")
    assert "alias" in code.co_names and "f" not in code.co_names
    code = unittests.compile_tests("f = 1\nx = f", "f", "alias")
    assert "alias" not in code.co_names


def test_records_refuse_what_no_referee_says():
    def refused(*payloads: bytes) -> None:
        records = UnittestRecords()
        for payload in payloads[:-1]:
            records.take(payload)
        with pytest.raises(ValueError if payloads[-1][:1] != b"[" else Exception):
            records.take(payloads[-1])

    refused(b"nonsense")
    refused(b'["start"]')
    refused(b'["start", "elsewhere", "test_a"]')
    refused(b'["start", "real", 1]')
    refused(b'["stop", "real", "test_a", "passed", ""]')
    refused(b'["start", "real", "test_a"]', b'["start", "real", "test_b"]')
    refused(b'["start", "real", "test_a"]', b'["stop", "real", "test_b", "passed", ""]')
    refused(b'["ended", "real", "completed", ""]', b'["start", "real", "test_a"]')
    refused(b'["start", "real", "' + b"x" * (5 << 20) + b'"]')


# --- attacks ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def problems() -> Benchmark:
    return load("sanity-unittest", data=DataFolders.from_env())


@pytest.fixture(scope="module", params=marked("namespaces", "container"))
def judge(
    request: pytest.FixtureRequest, problems: Benchmark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judge]:
    sandbox, profile = sandbox_named(request.param), profile_named("strict")
    cache = tmp_path_factory.mktemp("truth")
    with Judge.open(sandbox, profile, cache=cache, num_workers=2) as opened:
        opened.prepare(problems.problems)
        yield opened


def submissions(benchmark: Benchmark, name: str, num_problems: int) -> list[Submission]:
    first = sorted(ATTACKS).index(name) * 7 % len(benchmark)
    turned = [*benchmark.problems[first:], *benchmark.problems[:first]]
    few = turned[: 2 if name in SLOW else num_problems]
    return [Submission(problem, ATTACKS[name].program(problem.entry_point)) for problem in few]


def test_there_are_enough_attacks():
    assert len(ATTACKS) >= 60


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_a_program(name: str):
    text = ATTACKS[name].text
    assert text.startswith("# ")
    names = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert "ENTRY" in names


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("num_problems", [NUM_PROBLEMS, pytest.param(30, marks=pytest.mark.verify)])
def test_no_attack_passes(name: str, num_problems: int, judge: Judge, problems: Benchmark):
    attempts = submissions(problems, name, num_problems)
    verdicts = list(judge.grade(attempts))
    said = [(v.problem_id, v.status, v.suites["base"].failure) for v in verdicts]
    assert len(verdicts) == len(attempts)
    assert [case for case in said if case[1] == Status.PASSED] == []
    assert [case for case in said if case[1] == Status.UNSCORED] == []
    witnesses = [Submission(p, p.solution) for p in problems.problems[:2]]
    assert [v for v in judge.grade(witnesses) if not v.passed] == []


def test_no_false_alarm(judge: Judge, problems: Benchmark):
    """All canonical solutions, again and again."""
    for _ in range(10):
        solutions = [Submission(problem, problem.solution) for problem in problems]
        assert [
            (v.problem_id, v.status, v.suites) for v in judge.grade(solutions) if not v.passed
        ] == []


HONEST = {
    "count_vowels": """
def count_vowels(text):
    found = {}
    for letter in text.lower():
        if letter in set("aeiou"):
            found[letter] = found.get(letter, 0) + 1
    return found
""",
    "second_largest": """
class TooFew(ValueError):
    pass

def second_largest(numbers):
    try:
        *_, second, _ = sorted({*numbers})
    except ValueError as error:
        raise TooFew("fewer than two") from error
    return second
""",
    "row_means": """
import warnings
import numpy as np

def row_means(matrix):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nanmean(matrix, axis=1)
""",
    "write_lines": """
from pathlib import Path

def write_lines(path, lines):
    return Path(path).write_text("".join(line + "\\n" for line in lines), encoding="utf-8")
""",
    "make_counter": """
def make_counter(start):
    state = [start - 1]
    def step():
        state[0] += 1
        return state[0]
    return step
""",
    "caesar": """
import string

def caesar(text, shift):
    s = shift % 26
    low, up = string.ascii_lowercase, string.ascii_uppercase
    table = str.maketrans(low + up, low[s:] + low[:s] + up[s:] + up[:s])
    return text.translate(table)
""",
    "remove_duplicates": """
def remove_duplicates(values):
    seen, removed = set(), 0
    for place in range(len(values) - 1, -1, -1):
        if values[place] in values[:place]:
            del values[place]
            removed += 1
    return removed
""",
    "retry": """
import logging

def retry(action, times):
    for attempt in range(1, times + 1):
        try:
            return action()
        except Exception:
            logging.exception("attempt %d", attempt)
            if attempt == times:
                raise
""",
    "to_roman": """
from enum import IntEnum

class Step(IntEnum):
    M = 1000; CM = 900; D = 500; CD = 400; C = 100; XC = 90; L = 50; XL = 40; X = 10
    IX = 9; V = 5; IV = 4; I = 1

def to_roman(number):
    if number < 1 or number > 3999:
        raise ValueError(number)
    for step in Step:
        if number > step:
            return step.name + to_roman(number - step)
        if number == step:
            return step.name
""",
    "run_command": """
import subprocess

def run_command(arguments):
    finished = subprocess.run(arguments, stdout=subprocess.PIPE, text=True)
    return (finished.returncode, finished.stdout.rstrip())
""",
}


def test_no_false_alarm_for_other_solutions(judge: Judge, problems: Benchmark):
    by_entry_point = {problem.entry_point: problem for problem in problems}
    for _ in range(3):
        honest = [Submission(by_entry_point[name], code) for name, code in HONEST.items()]
        assert [
            (v.problem_id, v.status, v.suites) for v in judge.grade(honest) if not v.passed
        ] == []


def test_known_limit_expected_values_in_the_namespace(judge: Judge, problems: Benchmark):
    """Tests and program share a module: a table of right answers there is the program's to read.

    Inherent to this kind of test, and said in agent/unittests.py. It must stay the only way.
    """
    (problem,) = [p for p in problems if p.entry_point == "to_roman"]
    code = """
def to_roman(number):
    if not 1 <= number <= 3999:
        raise ValueError
    return globals()["KNOWN"].get(number, "MMMCMXCIX")
"""
    (verdict,) = judge.grade([Submission(problem, code)])
    assert verdict.passed


def test_the_command_line_grades_them(tmp_path: Path, problems: Benchmark):
    import json

    rows = [{"task_id": p.task_id, "solution": p.solution} for p in problems.problems[:3]]
    rows[1]["solution"] = "def second_largest(numbers): return max(numbers)"
    samples = tmp_path / "samples.jsonl"
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [str(Path(sys.executable).with_name("harness")), "eval", str(samples)]
    environment = {**os.environ, "HARNESS_HOME": str(tmp_path / "out")}
    environment["HARNESS_CACHE"] = str(tmp_path / "cache")
    sandbox_named("namespaces")
    done = subprocess.run(
        [*command, "-b", "sanity-unittest", "--json"],
        env=environment, capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert unittest_child.TEST_CLASS not in done.stderr
    verdicts = [
        json.loads(line)
        for path in (tmp_path / "out").rglob("verdicts.jsonl")
        for line in path.read_text().splitlines()
    ]
    statuses = {v["problem_id"].rpartition("/")[2]: v["suites"]["base"]["status"] for v in verdicts}
    assert statuses == {
        "count_vowels": "passed",
        "second_largest": "wrong_answer",
        "write_lines": "passed",
    }
