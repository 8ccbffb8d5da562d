"""The bundled benchmark: whole, and in one piece with its replies.

That canonical solutions pass is the truth gate's to say, in a sandbox.
"""

import ast
from collections import Counter

import pytest

from harness.benchmarks import sanity
from harness.extraction import defines
from harness.records import Benchmark


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return sanity.load()


def test_every_problem_has_both_suites_and_explicit_values(benchmark: Benchmark) -> None:
    assert (benchmark.name, benchmark.default_profile) == ("sanity", "strict")
    assert len(benchmark) >= 20
    for problem in benchmark:
        assert problem.task_id.startswith("sanity/")
        assert problem.id == f"sanity/{problem.task_id}"
        assert [suite.name for suite in problem.suites] == ["base", "plus"]
        for suite in problem.suites:
            assert suite.expected is not None
            assert len(suite.expected) == len(suite) > 0
        assert problem.types, "the taxonomy has to say what it exercises"


def test_prompts_and_solutions_are_programs_that_define_the_entry_point(
    benchmark: Benchmark,
) -> None:
    for problem in benchmark:
        assert defines(problem.solution, problem.entry_point), problem.task_id
        assert problem.entry_point in problem.prompt
        ast.parse(problem.prompt + "    pass\n")


def test_no_two_problems_are_the_same(benchmark: Benchmark) -> None:
    assert len({problem.sha256 for problem in benchmark}) == len(benchmark)
    assert len({problem.prompt for problem in benchmark}) == len(benchmark)


def test_every_problem_has_a_reply_and_every_kind_is_there(benchmark: Benchmark) -> None:
    replies = sanity.replies()
    assert {reply.task_id for reply in replies} == set(benchmark.by_task_id)
    kinds = Counter(reply.kind for reply in replies)
    assert kinds["right"] > len(replies) // 2
    assert {"wrong", "hostile", "syntax", "no_code"} <= set(kinds)
