"""LiveCodeBench's problems through real sandboxes: a dozen of ours, right and wrong programs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import benchmarks
from harness.benchmarks.data import DataFolders
from harness.grading import Judge, Submission, Twins, profile_named
from harness.grading.livecodebench import PRELUDE, whole_program
from harness.records import Benchmark, Failure, Status, Verdict
from tests.livecodebench_problems import PROBLEMS, write
from tests.sandboxes.jobs import marked, sandbox_named

# Its own limit of 6 s an input is long to wait for, and no other rule depends on it.
QUICK = replace(profile_named("livecodebench"), min_time_limit_s=2.0)
BY_ID = {problem.id: problem for problem in PROBLEMS}


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = write(tmp_path_factory.mktemp("lcb") / "own.jsonl")
    return benchmarks.load(f"livecodebench:{path}", data=DataFolders(None, path.parent))


@pytest.fixture(scope="module", params=marked("namespaces", "container"))
def judge(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judge]:
    cache = tmp_path_factory.mktemp("cache")
    sandbox = sandbox_named(request.param)
    with Judge.open(sandbox, QUICK, cache=cache, num_workers=2) as opened:
        yield opened


def graded(judge: Judge, benchmark: Benchmark, programs: list[tuple[str, str]]) -> list[Verdict]:
    """Verdicts on (task id, program), in that order."""
    judge.prepare(list(benchmark))
    submissions = [
        Submission(benchmark.by_task_id[task_id], code, index)
        for index, (task_id, code) in enumerate(programs)
    ]
    verdicts = judge.grade(judge.slowest_first(submissions), Twins())
    return sorted(verdicts, key=lambda verdict: verdict.index)


def test_right_programs_pass(judge: Judge, benchmark: Benchmark):
    programs = [(problem.id, code) for problem in PROBLEMS for code in problem.right]
    for (task_id, code), verdict in zip(programs, graded(judge, benchmark, programs), strict=True):
        assert verdict.passed, (task_id, code, verdict)
        assert list(verdict.suites) == ["public", "private"]
        for name, result in verdict.suites.items():
            tests = getattr(BY_ID[task_id], name)
            assert result.num_passed == result.num_tests == len(tests)


def test_wrong_programs_fail_where_and_as_they_should(judge: Judge, benchmark: Benchmark):
    cases = [
        (problem.id, code, status) for problem in PROBLEMS for code, status in problem.wrong.items()
    ]
    verdicts = graded(judge, benchmark, [(task_id, code) for task_id, code, _ in cases])
    for (task_id, code, status), verdict in zip(cases, verdicts, strict=True):
        is_private = status.startswith("private:")
        where = (task_id, code, verdict)
        assert verdict.suites["public"].status == ("passed" if is_private else status), where
        assert verdict.suites["private"].status != Status.PASSED or not is_private, where
        assert verdict.status == status.removeprefix("private:"), where


def test_a_failure_shows_input_output_and_where(judge: Judge, benchmark: Benchmark):
    (verdict,) = graded(judge, benchmark, [("ours_lines", "print(1)\nprint(2)\nprint(4)")])
    assert verdict.suites["public"].failure == Failure(
        test=0, input="3", expected="1\n2\n3\n", got="line 3: 1\n2\n4\n"
    )
    assert verdict.suites["private"].failure == Failure(
        test=0, input="1", expected="1", got="3 lines instead of 1: 1\n2\n4\n"
    )


def test_the_strict_profile_takes_no_number_for_another(benchmark: Benchmark, tmp_path: Path):
    strict = replace(profile_named("strict"), min_time_limit_s=2.0)
    programs = [
        ("ours_half", BY_ID["ours_half"].right[0]),
        ("ours_sum", BY_ID["ours_sum"].right[1]),
    ]
    with Judge.open(sandbox_named("namespaces"), strict, cache=tmp_path, num_workers=1) as judge:
        half, total = graded(judge, benchmark, programs)
    assert half.status == Status.WRONG_ANSWER  # 2.0 is not 2
    assert total.passed


def test_what_the_runner_puts_around_a_program(benchmark: Benchmark):
    twice = benchmark.by_task_id["ours_twice"]
    method, function = BY_ID["ours_twice"].right[:2]
    assert whole_program(Submission(twice, function)) == PRELUDE + function
    assert whole_program(Submission(twice, method)).endswith("\n\ntwice = Solution().twice\n")
    scope: dict[str, object] = {}
    exec(PRELUDE, scope)
    assert {"List", "Counter", "heappush", "isqrt", "reduce", "sys", "datetime"} <= scope.keys()
    assert PRELUDE.count("\n") == 1
