"""BigCodeBench on its real environment: ground truth, published verdicts, and answers that cheat.

Sixty tasks, one in nineteen, with whatever libraries they name; `make verify` takes all 1,140.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.grading import Judge, Submission, profile_named
from harness.records import Benchmark, Status
from sandboxes.process import ProcessSandbox
from sandboxes.protocol import Bundle, Job, Limits
from tests.bigcodebench import (
    SETS,
    agreement,
    benchmark_of,
    canonical,
    judging,
    number_of,
    published,
)
from tests.sandboxes.test_unittests import ATTACKS, SLOW

pytestmark = [pytest.mark.environments, pytest.mark.data, pytest.mark.slow]

NUMBERS = range(3, 1140, 19)
"""None of them waits for long."""
ATTACKED = (41, 516, 744)
"""A plain value, a figure, an answer of several parts."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def judge(environments_folder: Path, cache: Path) -> Iterator[Judge]:
    with judging(environments_folder, cache) as opened:
        yield opened


@pytest.fixture(scope="module")
def benchmark(data_folder: Path, cache: Path) -> Benchmark:
    return benchmark_of("7b-instruct", data_folder, cache)


def test_canonical_solutions_pass_again_and_raise_no_flag(judge: Judge, benchmark: Benchmark):
    problems = [problem for problem in benchmark if number_of(problem.task_id) in NUMBERS]
    assert len(problems) == 60
    judge.prepare(problems)  # twice: what fails there is refused
    verdicts = list(judge.grade(canonical(problems)))
    assert [verdict for verdict in verdicts if not verdict.passed or verdict.flags] == []


@pytest.mark.parity
@pytest.mark.parametrize("name", SETS)
def test_verdicts_are_the_published_ones(
    name: str, judge: Judge, data_folder: Path, parity_folder: Path, cache: Path
):
    benchmark = benchmark_of(name, data_folder, cache)
    pairs = [
        pair
        for pair in published(name, benchmark, parity_folder)
        if number_of(pair[0].problem.task_id) in NUMBERS
    ]
    judge.prepare([submission.problem for submission, _ in pairs])
    found = agreement(name, pairs, judge)
    assert found.different == {} and found.flagged == []
    assert found.num_equal + len(found.explained) == 60


@pytest.fixture(scope="module")
def attacked(judge: Judge, benchmark: Benchmark) -> Benchmark:
    problems = tuple(p for p in benchmark if number_of(p.task_id) in ATTACKED)
    judge.prepare(problems)
    return benchmark


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_passes(name: str, judge: Judge, attacked: Benchmark):
    """The cheats of sanity-unittest, which here have tests that know nothing of them."""
    problems = [attacked.by_task_id[f"BigCodeBench/{number}"] for number in ATTACKED]
    chosen = problems[:1] if name in SLOW else problems
    attempts = [Submission(p, ATTACKS[name].program(p.entry_point)) for p in chosen]
    verdicts = list(judge.grade(attempts))
    assert len(verdicts) == len(attempts)
    assert [v for v in verdicts if v.status in (Status.PASSED, Status.UNSCORED)] == []


def test_flags_are_told_and_not_held_against_the_answer(
    environments_folder: Path, cache: Path, benchmark: Benchmark
):
    problem = benchmark.by_task_id["BigCodeBench/41"]
    code = f"import unittest\nunittest.TestCase.more = 1\n{problem.solution}"
    for profile, passed in (("bigcodebench-0.2", False), ("bigcodebench-0.2-flags", True)):
        assert profile_named(profile).flags_only == passed
        with judging(environments_folder, cache, profile) as judge:
            judge.prepare([problem])
            (verdict,) = judge.grade([Submission(problem, code)])
        assert verdict.passed == passed
        assert bool(verdict.flags) == passed


LYING_FIGURE = """
import matplotlib.pyplot as plt

mine = set()

def lie(name, answer):
    real = getattr(plt.Axes, name)
    setattr(plt.Axes, name, lambda self: answer if id(self) in mine else real(self))

lie("get_xlabel", "Date (ordinal)")
lie("get_ylabel", "Value")
lie("get_title", "Scatterplot of Values for Each Group Over Time")

def task_func(df, groups=None):
    if "group" not in df.columns:
        raise ValueError("no such column")
    axes = plt.subplots()[1]
    mine.add(id(axes))
    return axes
"""
LYING_TABLE = """
import pandas as pd
import matplotlib.pyplot as plt

class Table(pd.DataFrame):
    def apply(self, *args, **kwargs):
        return pd.Series(["Charlie,14", "Alice,51", "Eve,60", "David,71", "Bob,92"])

def task_func(students=(), seed=42):
    axes = plt.subplots()[1]
    axes.set_xlabel("Student")
    axes.set_ylabel("Score")
    return Table({"Student": ["x"], "Score": [seed]}), axes
"""
LYING_METHOD = LYING_TABLE.replace(
    "class Table(pd.DataFrame):\n    def apply(self, *args, **kwargs):",
    "Table, really = pd.DataFrame, pd.DataFrame.apply\n"
    "def apply(self, *args, **kwargs):\n    if len(self) == 1:",
).replace(
    "def task_func",
    "    return really(self, *args, **kwargs)\nTable.apply = apply\n\ndef task_func",
)


@pytest.mark.parametrize(
    ("number", "code"), [(104, LYING_FIGURE), (86, LYING_TABLE), (86, LYING_METHOD)]
)
def test_libraries_that_lie_for_the_program(
    number: int, code: str, environments_folder: Path, cache: Path, benchmark: Benchmark
):
    """Each of these has all tests of its task pass, and none is a pass."""
    problem = benchmark.by_task_id[f"BigCodeBench/{number}"]
    for profile, passed in (("bigcodebench-0.2-flags", True), ("bigcodebench-0.2", False)):
        with judging(environments_folder, cache, profile) as judge:
            judge.prepare([problem])
            (verdict,) = judge.grade([Submission(problem, code)])
        assert verdict.passed == passed, verdict
    assert verdict.status == Status.FORBIDDEN


def seen(environments_folder: Path, code: str) -> tuple[set[str], set[str]]:
    """What the runner tells of a program: what it changed or reached for, and kinds of answers."""
    tests = (
        "import unittest\nclass TestCases(unittest.TestCase):\n    def test_it(self): task_func()"
    )
    limits = Limits(wall_s=60.0, cpu_s=60.0, input_wall_s=(20.0,))
    sandbox = ProcessSandbox("namespaces", environments=environments_folder)
    with sandbox.open("bigcodebench", 1) as workers:
        job = Job(
            "job",
            code,
            "task_func",
            Bundle.of([]),
            limits,
            kind="unittest",
            tests=tests,
            libraries="science",
        )
        (execution,) = workers.run([job])
    real = execution.evidence.run("real")
    assert [test.outcome for test in real.tests] == ["passed"], execution
    return set(real.changed), set(real.foreign)


def test_own_objects_are_found_inside_of_tables(environments_folder: Path):
    code = """
import numpy as np, pandas as pd
class Equal:
    def __eq__(self, other): return True
def task_func(): return [pd.DataFrame({"n": [1], "x": [Equal()]}), pd.Series(["text"])]
"""
    assert "own:Equal" in seen(environments_folder, code)[1]


def test_libraries_may_look_at_frames_and_who_poses_as_one_may_not(environments_folder: Path):
    honest = """
import warnings
import pandas as pd
def task_func():
    warnings.simplefilter("ignore")
    # Deprecated: pandas looks for its caller, to say where.
    return pd.to_datetime(["2020-01-01"], infer_datetime_format=True) is None
"""
    assert seen(environments_folder, honest)[0] == set()
    posing = """
import pandas as pd
code = compile("import sys\\ndef look(x): return sys._getframe() and x", pd.__file__, "exec")
names = {}
exec(code, names)
def task_func(): pd.Series([1]).apply(names["look"])
"""
    assert seen(environments_folder, posing)[0] == {"sys._getframe"}
