"""Datasets of verified training problems: where they lie, what they hold, a row as a Problem.

    HOME/datasets/<16 hex of the manifest>/rows.jsonl        one records.TrainingRow a line
                                           manifest.json     records.Manifest
                                           plan.json         records.DataPlan
                                           quarantine.jsonl  rows that behave like a benchmark's
                                           index.jsonl       what later datasets must not repeat

    for row in rows(find(home, "last")): problem = problem_of(row)

`datasets.load_dataset("json", data_files=…)` reads rows.jsonl as it is.

Not here: making them (generators/), and training on them (trainers/).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from harness.benchmarks import jsonl
from harness.errors import DataError, UnknownName, UserError
from harness.records import Manifest, Problem, TrainingRow

ROWS, MANIFEST, PLAN = "rows.jsonl", "manifest.json", "plan.json"
QUARANTINE, INDEX = "quarantine.jsonl", "index.jsonl"
NAME_CHARS = 16
"""Of the manifest's sha, in the name of the folder."""
STDIO_NAME = "run"
"""What the program is called in the tests of a row whose form is `stdio`."""


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A dataset on disk."""

    name: str
    path: Path
    manifest: Manifest
    modified: datetime
    """When it was finished, UTC."""


def datasets(home: Path) -> list[DatasetInfo]:
    """All finished datasets of a home, the newest at the end.

    Raises:
        DataError: a manifest can't be read.
    """
    found: list[DatasetInfo] = []
    for path in (home / "datasets").glob(f"*/{MANIFEST}"):
        if not path.parent.name.startswith("."):
            modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            found.append(
                DatasetInfo(path.parent.name, path.parent, read_manifest(path.parent), modified)
            )
    return sorted(found, key=lambda dataset: (dataset.modified, dataset.name))


def find(home: Path, ref: str) -> DatasetInfo:
    """A dataset: `last`, its name, a unique prefix of it, or the path of its folder.

    Raises:
        UnknownName: there is no such dataset.
        UserError: there are several, or there is none at all.
    """
    if (Path(ref) / MANIFEST).is_file():
        path = Path(ref).resolve()
        modified = datetime.fromtimestamp((path / MANIFEST).stat().st_mtime, UTC)
        return DatasetInfo(path.name, path, read_manifest(path), modified)
    known = datasets(home)
    if not known:
        raise UserError(f"there are no datasets in {home}: `harness generate` makes one")
    if ref == "last":
        return known[-1]
    found = [dataset for dataset in known if dataset.name.startswith(ref[:NAME_CHARS])]
    if not found:
        raise UnknownName("dataset", ref, [dataset.name for dataset in known])
    if len(found) > 1:
        names = ", ".join(dataset.name for dataset in found)
        raise UserError(f"dataset {ref!r} is ambiguous: it may be {names}")
    return found[0]


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a dataset's folder.

    Raises:
        DataError: it is missing or malformed.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}") from None
    except ValidationError as error:
        raise DataError(f"{path}: is no manifest: {error.errors()[0]['msg']}") from None


def rows(dataset: DatasetInfo | Path) -> Iterator[TrainingRow]:
    """The rows of a dataset, or of a rows.jsonl, in the order of the file.

    Raises:
        DataError: the file is missing, or a line is no row.
    """
    path = dataset.path / ROWS if isinstance(dataset, DatasetInfo) else dataset
    for number, line in jsonl.numbered_lines(jsonl.read_text(path)):
        try:
            yield TrainingRow.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise DataError(f"{path}:{number}: {field}: {first['msg']}") from None


def problem_of(row: TrainingRow, *, dataset: str = "dataset") -> Problem:
    """The row as a Problem with one suite, `base`, graded like any other (profile `strict`).

    Raises:
        DataError: its tests are no expressions.
    """
    where = f"{dataset}/{row.id}"
    if row.form == "stdio":
        raise DataError(f"{where}: a program that reads standard input can't be graded yet")
    return jsonl.problem_from_row(
        {
            "id": row.id,
            "prompt": row.prompt,
            "entry_point": row.entry_point,
            "solution": row.solution,
            "types": [row.type],
            "tests": {"base": list(row.tests)},
        },
        benchmark=dataset,
        where=where,
    )
