import json
from pathlib import Path

import pytest

from harness import datasets
from harness.errors import DataError, UnknownName, UserError
from harness.records import Manifest, TrainingRow

ROW = TrainingRow(
    id="t/1",
    type="list_array",
    family="fold",
    level=1,
    form="docstring",
    prompt='def add(a, b):\n    """The sum."""\n',
    entry_point="add",
    solution="def add(a, b):\n    return a + b\n",
    style="loop",
    tests=("add(1, 2) == 3", "add(0.5, float('inf')) == float('inf')"),
    signature="00",
    seed_id="7",
    teacher="fake@1",
    plan="p",
)


def manifest(**changes: object) -> Manifest:
    fields: dict[str, object] = {
        "sha256": "0",
        "request": "r",
        "plan": "p",
        "teacher": "fake@1",
        "seed": 0,
        "num_rows": 1,
        "num_proposed": 1,
        "quarantined": 0,
        "index": "i",
        **{
            name: {}
            for name in "rows_by_type wanted_by_type rows_by_level rows_by_form rows_by_style "
            "rejected contamination ast_curve guarded".split()
        },
    }
    return Manifest.model_validate(fields | changes)


def write(home: Path, made: Manifest) -> str:
    name = made.sha[: datasets.NAME_CHARS]
    folder = home / "datasets" / name
    folder.mkdir(parents=True)
    (folder / datasets.MANIFEST).write_text(made.model_dump_json())
    (folder / datasets.ROWS).write_text(ROW.model_dump_json() + "\n")
    return name


def test_a_row_is_a_problem():
    problem = datasets.problem_of(ROW, dataset="d")
    assert problem.id == "d/t/1"
    assert problem.types == ("list_array",)
    (suite,) = problem.suites
    assert suite.inputs == ((1, 2), (0.5, float("inf")))
    assert suite.expected == (3, float("inf"))


def test_a_row_whose_test_calls_another_function_is_refused():
    with pytest.raises(DataError, match="t/1.*calls mul, not add"):
        datasets.problem_of(ROW.model_copy(update={"tests": ("mul(1, 2) == 2",)}))


def test_rows_are_read_back_and_a_bad_line_is_named(tmp_path: Path):
    home = tmp_path
    name = write(home, manifest())
    found = datasets.find(home, name[:6])
    assert list(datasets.rows(found)) == [ROW]
    rows = found.path / datasets.ROWS
    rows.write_text(rows.read_text() + json.dumps({"id": "x"}) + "\n")
    with pytest.raises(DataError, match=r"rows.jsonl:2: type: Field required"):
        list(datasets.rows(found))


def test_datasets_are_found_by_name_prefix_path_and_last(tmp_path: Path):
    with pytest.raises(UserError, match="harness generate"):
        datasets.find(tmp_path, "last")
    first = write(tmp_path, manifest())
    second = write(tmp_path, manifest(seed=1))
    assert {found.name for found in datasets.datasets(tmp_path)} == {first, second}
    assert datasets.find(tmp_path, str(tmp_path / "datasets" / first)).name == first
    assert datasets.find(tmp_path, second).name == second
    with pytest.raises(UnknownName, match="unknown dataset"):
        datasets.find(tmp_path, "zz")


def test_a_torn_manifest_is_an_error_of_one_line(tmp_path: Path):
    name = write(tmp_path, manifest())
    (tmp_path / "datasets" / name / datasets.MANIFEST).write_text('{"sha256":')
    with pytest.raises(DataError, match="is no manifest"):
        datasets.datasets(tmp_path)
