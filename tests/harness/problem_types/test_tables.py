"""The frozen tables: what they hold, that they are what the tagger says, and that nothing moves."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders, load
from harness.problem_types import TAXONOMY_VERSION, TYPES, tags_of, type_of
from harness.problem_types.tables import (
    TABLES,
    content_hash,
    corrections,
    frozen,
    frozen_rows,
    hard_ids,
    row_of_tags,
    tags_of_row,
)
from harness.records import Problem, content_sha256
from tests import type_tables
from tests.harness.problem_types.renaming import new_names, renamed

FROZEN = {
    ("HumanEval", 1): "08d0d3c5d31e9751",
    ("Mbpp", 1): "34f84fa237146f14",
    ("BigCodeBench", 1): "011f3ed3d026e243",
}
"""Of family and taxonomy version: the hash of its types. What is out stays as it is; when a type
has to move, TAXONOMY_VERSION grows and its lines are added here."""
SIZES = {"HumanEval": 164, "Mbpp": 378, "BigCodeBench": 1140}
HOSTILE = (
    "matrix date heap prime sort digit regex tuples words area recursion binary queue groups vowel"
).split()
"""Names that would be heard if names were listened to."""


@pytest.fixture
def data(data_folder: Path, tmp_path: Path) -> DataFolders:
    return DataFolders(data=data_folder, cache=tmp_path)


@pytest.mark.parametrize("family", TABLES)
def test_no_slice_moves(family: str):
    rows = frozen_rows(family)
    assert len(rows) == SIZES[family]
    assert {row["type"] for row in rows.values()} <= set(TYPES)
    types = {task_id: row["type"] for task_id, row in rows.items()}
    assert content_sha256(types)[:16] == FROZEN[family, TAXONOMY_VERSION]


@pytest.mark.parametrize("family", ["HumanEval", "Mbpp"])
def test_hardly_anything_is_other(family: str):
    types = Counter(row["type"] for row in frozen_rows(family).values())
    assert types["other"] / types.total() <= 0.02


@pytest.mark.parametrize("family", TABLES)
def test_a_table_is_what_tagger_and_corrections_say(family: str, data: DataFolders):
    """Corrections name what a person decided; all else is the tagger's at this version."""
    assert type_tables.rows(family, data) == list(frozen_rows(family).values())
    assert corrections().keys() <= {task_id for one in TABLES for task_id in frozen_rows(one)}


@pytest.mark.parametrize(
    "family", ["HumanEval", "Mbpp", pytest.param("BigCodeBench", marks=pytest.mark.slow)]
)
def test_tags_of_a_whole_benchmark_are_deaf_to_names(family: str, data: DataFolders):
    for task in type_tables.tasks(family, data):
        new = new_names(
            task.solution,
            task.prompt,
            name=lambda place: HOSTILE[place % 15] + (str(place // 15) if place >= 15 else ""),
        )
        entry_point = new[task.entry_point]
        prompt = re.sub(rf"\b{task.entry_point}\(", f"{entry_point}(", renamed(task.prompt, new))
        plain = task._replace(prompt=renamed(task.prompt, {}), solution=renamed(task.solution, {}))
        other = plain._replace(
            prompt=prompt, entry_point=entry_point, solution=renamed(task.solution, new)
        )
        assert other.tags() == plain.tags(), task.id


def test_domains_are_those_that_the_publisher_gives(data_folder: Path):
    given = json.loads((data_folder / "BigCodeBench-task2domain.json").read_text())
    rows = frozen_rows("BigCodeBench")
    assert {task_id: row["domains"] for task_id, row in rows.items()} == {
        task_id: sorted(set(domains)) for task_id, domains in given.items()
    }
    hard = json.loads((data_folder / "BigCodeBench-Hard-ids.json").read_text())
    assert hard_ids() == set(hard) and len(hard) == 148


def test_both_forms_of_a_library_task_are_one_content(data: DataFolders):
    for task in type_tables.bigcodebench(data)[::20]:
        forms = {
            content_hash("task_func", task[form] + task["canonical_solution"])
            for form in ("complete_prompt", "code_prompt")
        }
        assert len(forms) == 1
        loaded_otherwise = task["code_prompt"] + "\n\n" + task["canonical_solution"] + "  \n"
        assert frozen(task["task_id"], "task_func", loaded_otherwise)
        assert not frozen(task["task_id"], "task_func", loaded_otherwise + "\nprint()")


def test_a_content_is_code_and_entry_point():
    solution = 'def f(x):\n    """One."""\n    return x\n'
    same = content_hash("f", solution)
    assert (
        content_hash("f", 'def f(x):\n\n    """Another\n    prompt."""\n    return x   \n') == same
    )
    assert content_hash("g", solution) != same
    assert content_hash("f", solution.replace("return x", "return -x")) != same
    assert content_hash("f", "def f(:") == content_hash("f", "def f(:\n")


def test_rows_and_tags_are_the_same_thing():
    for family in TABLES:
        for row in list(frozen_rows(family).values())[:40]:
            assert row_of_tags(row["id"], row["contents"], tags_of_row(row)) == row


@pytest.mark.data
def test_the_table_is_for_its_content_alone(data: DataFolders):
    problem = load("humaneval+", data=data).by_task_id["HumanEval/61"]
    assert tags_of(problem) == tags_of_row(frozen_rows("HumanEval")["HumanEval/61"])
    assert type_of(problem) == "stack_queue"
    mended = replace(problem, solution="import re\n" + problem.solution + "\nre.compile('x')\n")
    assert type_of(mended) == tags_of(mended).type == "regex"


def test_the_types_of_a_row_win(data: DataFolders):
    problem = load("mbpp+", data=data).by_task_id["Mbpp/2"]
    assert type_of(problem) == "set_unique"
    own = replace(problem, types=("our own name", "string"))
    assert type_of(own) == tags_of(own).type == "our own name"
    assert tags_of(own).evidence[0].what == "the benchmark's own row"
    assert tags_of(own).evidence[1:] == tags_of(problem).evidence


def test_the_types_of_sanity_are_its_own():
    problems: tuple[Problem, ...] = load("sanity", data=DataFolders.from_env({})).problems
    assert all(type_of(problem) == problem.types[0] for problem in problems)
    live = Counter(
        tags_of(replace(problem, types=())).type == problem.types[0] for problem in problems
    )
    assert live[True] >= 48, "the tagger agreed with the authors of sanity on 51 of 68"
