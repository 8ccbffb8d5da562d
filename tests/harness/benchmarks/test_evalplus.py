"""The EvalPlus files, held against the publisher's numbers and the publisher's own code."""

import gc
import gzip
import json
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from evalplus.data.mbpp import mbpp_deserialize_inputs, mbpp_serialize_inputs
from evalplus.eval import compatible_eval_result

from harness import benchmarks
from harness.benchmarks import evalplus
from harness.benchmarks.data import DataFolders, published
from harness.errors import DataError, UnknownName
from harness.records import (
    Benchmark,
    Checkpoint,
    EvalRun,
    Failure,
    Problem,
    RunConfig,
    Sample,
    Status,
    Suite,
    SuiteResult,
    Verdict,
)


@pytest.fixture(scope="module")
def folders(data_folder: Path) -> DataFolders:
    return DataFolders(data=data_folder, cache=data_folder / "no-such-cache")


@pytest.fixture(scope="module")
def mbpp(folders: DataFolders) -> Benchmark:
    return evalplus.load("mbpp+", data=folders)


def raw_rows(data_folder: Path, name: str) -> list[dict]:
    content = gzip.decompress((data_folder / published(name).file_name).read_bytes())
    return [json.loads(line) for line in content.splitlines()]


def exact(value: object) -> object:
    """The value with every type in it, so that [1] differs from (1,) and True from 1."""
    if isinstance(value, list | tuple):
        return type(value), [exact(element) for element in value]
    if isinstance(value, set):
        return set, {(type(element), element) for element in value}
    if isinstance(value, dict):
        return dict, [(exact(key), exact(inner)) for key, inner in value.items()]
    return type(value), repr(value)


# What evaluation.md and the publisher state.
PUBLISHED = [
    ("humaneval+", 164, 1570, 122_683, "fe585eb4df8c88d844eeb463ea4d0302"),
    ("humaneval+-mini", 164, None, 1_107, "401e75ad986361dccc7afecb4121e295"),
    ("humaneval+-noextreme", 164, 1570, 122_504, "413980104ee0339c147ac09653cee3db"),
    ("mbpp+", 378, 1174, 39_841, "ee43ecabebf20deef4bb776a405ac5b1"),
    ("mbpp+-noextreme", 378, 1174, 39_636, "85d8d7a406c0686e80353e676189bfee"),
]


@pytest.mark.parametrize(("name", "num_problems", "num_base", "num_plus", "md5"), PUBLISHED)
def test_what_the_publisher_counts_is_there(
    folders: DataFolders,
    name: str,
    num_problems: int,
    num_base: int | None,
    num_plus: int,
    md5: str,
) -> None:
    benchmark = benchmarks.load(name, data=folders)
    assert (benchmark.name, benchmark.hash, len(benchmark)) == (name, md5, num_problems)
    assert benchmark.default_profile == "evalplus-0.3.1"
    assert sum(len(problem.suite("plus")) for problem in benchmark) == num_plus
    if num_base is not None:
        assert sum(len(problem.suite("base")) for problem in benchmark) == num_base


@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_base_benchmarks_are_the_base_suites_of_the_same_file(
    folders: DataFolders, name: str
) -> None:
    base, whole = (evalplus.load(each, data=folders) for each in (name, f"{name}+"))
    assert base.hash == whole.hash
    for alone, both in zip(base, whole, strict=True):
        assert [suite.name for suite in alone.suites] == ["base"]
        assert alone.suites[0] == both.suites[0]
        assert alone.sha256 != both.sha256, "other tests, another problem"


def test_fields_come_from_the_row(data_folder: Path, folders: DataFolders, mbpp: Benchmark) -> None:
    humaneval = evalplus.load("humaneval+", data=folders)
    for benchmark, family in ((humaneval, "humaneval"), (mbpp, "mbpp")):
        for problem, row in zip(benchmark, raw_rows(data_folder, benchmark.name), strict=True):
            assert problem.task_id == row["task_id"]
            assert problem.id == f"{benchmark.name}/{row['task_id']}"
            assert problem.prompt == row["prompt"]
            assert problem.solution == row["prompt"] + row["canonical_solution"]
            assert problem.entry_point == row["entry_point"]
            assert (problem.atol, problem.family) == (row["atol"], family)
    assert {p.task_id for p in humaneval if p.atol} == {f"HumanEval/{n}" for n in (2, 4, 32)}
    assert len(mbpp.by_task_id["Mbpp/793"].suite("plus")) == 0, "their one row with no inputs"


@pytest.mark.parametrize("name", ["humaneval+", "mbpp+", "mbpp+-noextreme"])
def test_inputs_are_those_of_evalplus(data_folder: Path, folders: DataFolders, name: str) -> None:
    benchmark = evalplus.load(name, data=folders)
    for problem, row in zip(benchmark, raw_rows(data_folder, name), strict=True):
        for suite in problem.suites:
            theirs = row[f"{suite.name}_input"]
            if problem.family == "mbpp":
                theirs = mbpp_deserialize_inputs(row["task_id"], theirs)
            ours = suite.inputs
            assert len(ours) == len(theirs)
            for our_call, their_call in zip(ours, theirs, strict=True):
                assert type(our_call) is tuple
                assert exact(list(our_call)) == exact(list(their_call)), problem.task_id


# Tasks that left MBPP+ with v0.2.0, with an input of the kind that each had.
GONE = {
    115: [[[[1, 2], [], {}]]],
    143: [[[1, 2], ["a"]]],
    307: [[["HELLO", 5, [], True], 2, 50]],
    399: [[[1, 2], [3, 4]]],
    400: [[[[1, 2], [3, 4]]]],
    401: [[[[1, 3], [4, 5]], [[6, 7], [3, 9]]]],
    417: [[[["x", "y"], ["x", "z"]]]],
    438: [[[[5, 6], [1, 2]]]],
    444: [[[[6, 24, 12], [7, 9]], 6]],
    617: [[[3, 4], 11]],
}


@pytest.mark.parametrize(("number", "inputs"), GONE.items())
def test_tasks_that_left_the_set_are_converted_as_well(number: int, inputs: list) -> None:
    theirs = mbpp_deserialize_inputs(f"Mbpp/{number}", json.loads(json.dumps(inputs)))
    ours = evalplus._arguments(f"Mbpp/{number}", inputs)
    assert [exact(list(call)) for call in ours] == [exact(list(call)) for call in theirs]
    assert exact(list(ours[0])) != exact(inputs[0]), "or the example shows nothing"


def test_the_table_names_every_task_that_evalplus_converts() -> None:
    inputs = [[[[[1, 2]], [[3]]], [[4], [5]]]]
    for number in range(1, 1000):
        if number not in evalplus.MBPP_CONVERTERS:
            assert mbpp_deserialize_inputs(f"Mbpp/{number}", inputs) is inputs, number
    assert len(evalplus.MBPP_CONVERTERS) == 62


def test_identity_is_what_is_asked_and_tested(folders: DataFolders) -> None:
    whole = evalplus.load("humaneval+", data=folders)
    fewer = evalplus.load("humaneval+-noextreme", data=folders)
    mini = evalplus.load("humaneval+-mini", data=folders)
    assert len({problem.sha256 for problem in whole}) == 164
    for other, num_same in ((fewer, 157), (mini, 1)):
        same = [left.suites == right.suites for left, right in zip(whole, other, strict=True)]
        assert same == [
            left.sha256 == right.sha256 for left, right in zip(whole, other, strict=True)
        ]
        assert sum(same) == num_same


def test_loading_takes_less_than_a_second_and_leaves_the_collector_on(folders: DataFolders) -> None:
    """0.3 s on a quiet machine; the least of three, since others work here too."""
    for name in ("humaneval+", "mbpp+"):
        elapsed_s: list[float] = []
        for _ in range(3):
            started = time.perf_counter()
            evalplus.load(name, data=folders)
            elapsed_s.append(time.perf_counter() - started)
            assert gc.isenabled()
        assert min(elapsed_s) < 1.0, name


def one_line(error: BaseException) -> str:
    assert "\n" not in str(error)
    return str(error)


def test_a_missing_file_says_what_to_type(tmp_path: Path) -> None:
    folders = DataFolders(data=tmp_path / "shared", cache=tmp_path / "cache")
    with pytest.raises(DataError) as told:
        evalplus.load("mbpp", data=folders)
    said = one_line(told.value)
    assert "MbppPlus-v0.2.0.jsonl.gz" in said
    assert str(tmp_path / "shared") in said
    assert str(tmp_path / "cache") in said
    assert "`harness data pull mbpp+`" in said


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b'{"task_id": "HumanEval/0"}\n'), b"<html>not found</html>", b""],
    ids=["other", "no gzip", "empty"],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / published("humaneval+").file_name
    path.write_bytes(content)
    with pytest.raises(DataError) as told:
        evalplus.load("humaneval+", data=DataFolders(data=tmp_path, cache=tmp_path / "cache"))
    said = one_line(told.value)
    assert str(path) in said
    assert "`harness data pull humaneval+`" in said


def test_a_torn_file_is_refused(data_folder: Path, tmp_path: Path) -> None:
    name = published("mbpp+").file_name
    (tmp_path / name).write_bytes((data_folder / name).read_bytes()[:-1000])
    with pytest.raises(DataError, match="not a whole gzip file"):
        evalplus.load("mbpp+", data=DataFolders(data=None, cache=tmp_path))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("humaneval_plus", "humaneval+"),
        ("humanevalplus", "humaneval+"),
        ("HumanEval+", "humaneval+"),
        ("HumanEvalPlus-Mini", "humaneval+-mini"),
        ("human_eval", "humaneval"),
        ("MBPP", "mbpp"),
        ("mbpp_plus", "mbpp+"),
    ],
)
def test_the_spellings_of_the_peers_are_understood(
    folders: DataFolders, spelling: str, name: str
) -> None:
    assert benchmarks.load(spelling, data=folders).name == name


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    folders = DataFolders(data=None, cache=tmp_path)
    with pytest.raises(UnknownName, match=r"did you mean humaneval\+\?"):
        benchmarks.load("humanevl+", data=folders)
    with pytest.raises(UnknownName, match=r"there are: bigcodebench, .*humaneval, .*jsonl:PATH"):
        benchmarks.load("codecontests", data=folders)
    with pytest.raises(UnknownName, match=r"did you mean jsonl:shop\.jsonl\?"):
        benchmarks.load("shop.jsonl", data=folders)


def test_ids_tell_the_benchmark() -> None:
    assert benchmarks.guess(["Mbpp/2", "Mbpp/3", "HumanEval/0"]) == "mbpp+"
    assert benchmarks.guess(["sanity/parse_span"]) == "sanity"
    assert benchmarks.guess(["BigCodeBench/0"]) == "bigcodebench"
    assert benchmarks.guess(["two-sum"]) is None


# The writer of EvalPlus's results.


def problem(task_id: str, inputs: Iterable[tuple], *, plus: Iterable[tuple] | None = ()) -> Problem:
    suites = [Suite("base", tuple(inputs))]
    if plus is not None:
        suites.append(Suite("plus", tuple(plus)))
    return Problem(
        id=f"mbpp+/{task_id}",
        task_id=task_id,
        prompt="",
        entry_point="f",
        solution="",
        suites=tuple(suites),
        sha256=task_id,
        family="mbpp",
    )


def suite_result(status: Status, test: int | None = None) -> SuiteResult:
    failure = None if test is None else Failure(test=test, input="", expected="", got="")
    return SuiteResult(status=status, num_tests=2, num_run=1, num_passed=0, failure=failure)


def run_of(*graded: tuple[str, int, dict[str, SuiteResult]]) -> EvalRun:
    config = RunConfig(
        checkpoint=Checkpoint(kind="replay", name="m", source="m.jsonl", identity="0"),
        benchmark="mbpp+",
        benchmark_hash="abc",
        profile="evalplus-0.3.1",
        extraction="none",
        grader_version="1",
        environment="test",
        num_problems=2,
        suites=("base", "plus"),
    )
    samples = [
        Sample(problem_id=f"mbpp+/{task_id}", index=index, code=f"# {task_id} {index}")
        for task_id, index, _ in graded
    ]
    verdicts = [
        Verdict(
            problem_id=f"mbpp+/{task_id}",
            index=index,
            suites=suites,
            profile="evalplus-0.3.1",
            grader_version="1",
        )
        for task_id, index, suites in graded
    ]
    return EvalRun(
        id="run",
        path="",
        config=config,
        samples={sample.key: sample for sample in samples},
        verdicts={verdict.key: verdict for verdict in verdicts},
    )


def benchmark_of(*problems: Problem) -> Benchmark:
    return Benchmark(name="mbpp+", hash="abc", problems=problems, default_profile="evalplus-0.3.1")


def test_results_have_evalplus_form_and_the_benchmarks_order() -> None:
    passed, failed = suite_result(Status.PASSED), suite_result(Status.WRONG_ANSWER, test=1)
    run = run_of(
        ("Mbpp/3", 10, {"base": passed, "plus": passed}),
        ("Mbpp/3", 9, {"base": failed, "plus": suite_result(Status.TIMEOUT, test=0)}),
        ("Mbpp/2", 0, {"base": passed, "plus": suite_result(Status.OUT_OF_MEMORY)}),
    )
    ours = benchmark_of(
        problem("Mbpp/2", [(1,), (2,)], plus=[(3,)]),
        problem("Mbpp/3", [((1, 2), "a"), ([(3,)], "b")], plus=[({"k": (1,)},)]),
        problem("Mbpp/4", []),
    )
    results = json.loads(json.dumps(evalplus.eval_results(ours, run)))
    assert results["hash"] == "abc"
    assert results["date"] == run.config.created.strftime("%Y-%m-%d %H:%M")
    assert list(results["eval"]) == ["Mbpp/2", "Mbpp/3"]
    assert results["eval"]["Mbpp/2"] == [
        {
            "task_id": "Mbpp/2",
            "solution": "# Mbpp/2 0",
            "base_status": "pass",
            "plus_status": "fail",
            "base_fail_tests": [],
            "plus_fail_tests": [],
        }
    ]
    ninth, tenth = results["eval"]["Mbpp/3"]
    assert (ninth["solution"], tenth["solution"]) == ("# Mbpp/3 9", "# Mbpp/3 10")
    assert (ninth["base_status"], ninth["plus_status"]) == ("fail", "timeout")
    assert ninth["base_fail_tests"] == [[[[3]], "b"]]
    assert ninth["plus_fail_tests"] == [[{"k": [1]}]]
    # Their own reader takes it for a result of today's form.
    assert compatible_eval_result(results) == results


def test_base_only_runs_have_no_plus_status_and_unscored_samples_are_left_out() -> None:
    run = run_of(
        ("Mbpp/2", 0, {"base": suite_result(Status.SYNTAX_ERROR)}),
        ("Mbpp/2", 1, {"base": suite_result(Status.UNSCORED)}),
        ("Mbpp/3", 0, {"base": suite_result(Status.UNSCORED)}),
    )
    ours = benchmark_of(problem("Mbpp/2", [(1,)], plus=None), problem("Mbpp/3", [(1,)], plus=None))
    results = evalplus.eval_results(ours, run)
    assert list(results["eval"]) == ["Mbpp/2"]
    (only,) = results["eval"]["Mbpp/2"]
    assert (only["base_status"], only["plus_status"]) == ("fail", None)


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        (115, [[[[1, 2], []]]]),
        (124, [["-1.50", "1j"]]),
        (252, [["1+2j"], [3]]),
        (2, [[[3, 4], [5]]]),
    ],
)
def test_failed_inputs_are_written_as_evalplus_writes_them(number: int, stored: list) -> None:
    task_id = f"Mbpp/{number}"
    theirs = mbpp_serialize_inputs(
        task_id, mbpp_deserialize_inputs(task_id, json.loads(json.dumps(stored)))
    )
    ours = benchmark_of(problem(task_id, evalplus._arguments(task_id, stored)))
    for test, expected in enumerate(theirs):
        run = run_of((task_id, 0, {"base": suite_result(Status.WRONG_ANSWER, test=test)}))
        results = evalplus.eval_results(ours, run)
        written = json.dumps(results["eval"][task_id][0]["base_fail_tests"])
        assert written == json.dumps([expected])
