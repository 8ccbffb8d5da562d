"""The built-in benchmark of unittest files: what each problem must have to be of use."""

import ast
import sys

import pytest

from harness.benchmarks import DataFolders, guess, load
from harness.records import Problem

BENCHMARK = load("sanity-unittest", data=DataFolders.from_env())


def test_names():
    assert len(BENCHMARK) == 30
    assert BENCHMARK.default_profile == "strict"
    assert guess(problem.task_id for problem in BENCHMARK) == "sanity-unittest"
    assert len({problem.entry_point for problem in BENCHMARK}) == 30


@pytest.mark.parametrize("problem", BENCHMARK.problems, ids=lambda problem: problem.entry_point)
def test_a_problem(problem: Problem):
    (suite,) = problem.suites
    assert problem.types and len(suite) >= 2
    assert problem.prompt.rstrip().endswith('"""')
    for text in (problem.prompt + "    ...\n", problem.solution, suite.unittest):
        imported = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
        }
        assert imported <= sys.stdlib_module_names | {"numpy"}


def test_unittest_is_used_in_many_ways():
    tests = "\n".join(problem.suites[0].unittest for problem in BENCHMARK)
    for way in (
        *("def setUp(", "def tearDown(", "def setUpClass(", "subTest(", "addCleanup("),
        *("patch(", "mock_open(", "Mock(", "patch.dict(", "side_effect", "assert_called_once"),
        *("assertRaises(", "assertRaisesRegex(", "assertLogs(", "assertAlmostEqual("),
        *("tempfile.", "redirect_stdout", "numpy.testing", "assert_allclose"),
    ):
        assert way in tests, way
