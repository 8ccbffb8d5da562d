"""All cheats on all problems of the sanity benchmark: none passes, and no witness is lost."""

import ast
import sys
from collections.abc import Iterator

import pytest

from harness.benchmarks import DataFolders, load
from harness.grading import Judge, Submission, profile_named
from harness.records import Benchmark, Status
from sandboxes.process import ProcessSandbox, why_no_namespaces
from tests.sandboxes.attacks.cheats import CHEATS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or why_no_namespaces() is not None,
    reason=f"no namespaces here: {why_no_namespaces()}",
)
PROBLEMS_EACH = 2


@pytest.fixture(scope="module")
def sanity() -> Benchmark:
    return load("sanity", data=DataFolders.from_env())


@pytest.fixture(scope="module", params=["strict", "evalplus-0.3.1"])
def judge(
    request: pytest.FixtureRequest, sanity: Benchmark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judge]:
    cache = tmp_path_factory.mktemp("truth")
    profile = profile_named(request.param)
    with Judge.open(ProcessSandbox("namespaces"), profile, cache=cache, num_workers=2) as opened:
        opened.prepare(sanity.problems)
        yield opened


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_is_a_program(name: str):
    """One that does not even parse would prove nothing."""
    tree = ast.parse(CHEATS[name]("wanted"))
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert "wanted" in names


def assert_none_passes(judge: Judge, submissions: list[Submission], names: list[str]) -> None:
    """Grade, and then see the canonical solutions pass on the same workers."""
    verdicts = list(judge.grade(submissions))
    assert len(verdicts) == len(submissions)
    said = [(v.problem_id, names[v.index], v.status, v.stderr) for v in verdicts]
    assert [case for case in said if case[2] == Status.PASSED] == []
    assert [case for case in said if case[2] == Status.UNSCORED] == []
    problems = {submission.problem.id: submission.problem for submission in submissions}
    witnesses = [Submission(problem, problem.solution) for problem in problems.values()]
    assert [v.problem_id for v in judge.grade(witnesses) if not v.passed] == []


def test_no_cheat_passes(judge: Judge, sanity: Benchmark):
    """Each cheat on a few problems, so that each problem has a few cheats."""
    names = sorted(CHEATS)
    few = [
        (sanity.problems[(PROBLEMS_EACH * index + n) % len(sanity.problems)], index)
        for index in range(len(names))
        for n in range(PROBLEMS_EACH)
    ]
    assert {problem.id for problem, _ in few} == {problem.id for problem in sanity.problems}
    submissions = [
        Submission(problem, CHEATS[names[index]](problem.entry_point), index)
        for problem, index in few
    ]
    assert_none_passes(judge, submissions, names)


@pytest.mark.slow
def test_no_cheat_passes_anywhere(judge: Judge, sanity: Benchmark):
    names = sorted(CHEATS)
    submissions = [
        Submission(problem, CHEATS[name](problem.entry_point), index)
        for problem in sanity.problems
        for index, name in enumerate(names)
    ]
    assert_none_passes(judge, submissions, names)
