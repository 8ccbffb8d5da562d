"""The split: half and half within each type, the same on every machine and for every release."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks import DataFolders, load
from harness.errors import UnknownName
from harness.problem_types import TYPES, labelled, of_types, steering_split
from harness.problem_types.tables import frozen_rows, hard_ids
from harness.records import Benchmark, Problem, Split, content_sha256


def problem(task_id: str, type_: str, benchmark: str = "b", split: Split | None = None) -> Problem:
    return Problem(
        id=f"{benchmark}/{task_id}",
        task_id=task_id,
        prompt="",
        entry_point="f",
        solution="def f(): pass",
        suites=(),
        sha256="",
        types=(type_,),
        split=split,
    )


def benchmark(*problems: Problem) -> Benchmark:
    return Benchmark(name="b", hash="", problems=problems, default_profile="strict")


typed = st.lists(st.sampled_from(TYPES[:5]), max_size=40)


@given(typed, st.randoms())
def test_each_type_is_halved_and_order_does_not_matter(types: list[str], random):
    problems = [problem(f"x/{n}", type_) for n, type_ in enumerate(types)]
    split = steering_split(benchmark(*problems))
    assert split.keys() == {one.id for one in problems}
    counts = Counter((one.types[0], split[one.id]) for one in problems)
    for type_ in set(types):
        assert abs(counts[type_, "steer"] - counts[type_, "holdout"]) <= 1
    assert abs(sum((-1) ** (half == "steer") for half in split.values())) <= 1
    random.shuffle(problems)
    assert steering_split(benchmark(*problems)) == split


def test_what_a_problem_says_of_itself_stays():
    split = steering_split(
        benchmark(*(problem(f"x/{n}", "string", split="holdout") for n in range(4)))
    )
    assert set(split.values()) == {"holdout"}


def test_yardsticks_never_steer():
    hard = sorted(hard_ids())[0]
    easy = next(task_id for task_id in frozen_rows("BigCodeBench") if task_id not in hard_ids())
    found = benchmark(problem("HumanEval/3", "string"), problem(hard, "dp"), problem(easy, "dp"))
    assert steering_split(found).keys() == {f"b/{easy}"}
    assert [one.split for one in labelled(found)] == [None, None, "steer"]


def test_bigcodebench_is_split_without_its_hard_tasks():
    rows = frozen_rows("BigCodeBench")
    problems = [problem(task_id, row["type"]) for task_id, row in rows.items()]
    split = steering_split(benchmark(*problems))
    assert Counter(split.values()) == {"steer": 496, "holdout": 496}
    by_task = {key.removeprefix("b/"): half for key, half in split.items()}
    assert content_sha256(by_task)[:16] == "d6306b22b0ec73f0", "a split that is out must not move"


def test_mbpp_in_all_forms_is_split_alike(data_folder: Path, tmp_path: Path):
    data = DataFolders(data=data_folder, cache=tmp_path)
    splits: list[dict[str, Split | None]] = []
    for name in ("mbpp", "mbpp+", "mbpp+-noextreme"):
        found = labelled(load(name, data=data))
        splits.append({one.task_id: one.split for one in found})
        assert found.hash == load(name, data=data).hash
    assert splits[0] == splits[1] == splits[2]
    assert Counter(splits[0].values()) == {"steer": 189, "holdout": 189}
    assert content_sha256(splits[0])[:16] == "35d29d1082330e29", "a split that is out must not move"


def test_problems_of_some_types():
    found = benchmark(*(problem(f"x/{n}", type_) for n, type_ in enumerate(("dp", "tuple", "dp"))))
    assert [one.task_id for one in of_types(found, ["dp"])] == ["x/0", "x/2"]
    assert len(of_types(found, ["dp", "tuple"])) == 3
    assert of_types(found, ["dp"]).hash == found.hash
    with pytest.raises(UnknownName, match="did you mean tuple"):
        of_types(found, ["tuples"])
