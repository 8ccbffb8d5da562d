"""The frozen tables of problem types, written anew: what `make type-tables` runs.

    HARNESS_DATA=… .venv/bin/python -m tests.type_tables            write them
    HARNESS_DATA=… .venv/bin/python -m tests.type_tables --check    say what would change

BigCodeBench is read from its file and not through its loader, so that a table depends on the
publisher's bytes alone. A change to a table that is out wants a new TAXONOMY_VERSION.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.benchmarks import DataFolders, load
from harness.problem_types import Tags, tables, tag_program
from harness.problem_types.tables import Row, content_hash, corrected, row_of_tags

BIGCODEBENCH = "BigCodeBench-v0.1.4.jsonl.gz"
BIGCODEBENCH_BEFORE = "BigCodeBench-v0.1.0_hf.jsonl.gz"
"""Ten tasks of it were mended later; they are in the same slice before and after."""
FOLDER = Path(tables.__file__).parent / "tables"


class Task(NamedTuple):
    """What the tagger is given."""

    id: str
    prompt: str
    entry_point: str
    solution: str
    tests: tuple[tuple[object, ...], ...] = ()
    earlier: str | None = None
    """The solution in an earlier release, where it is another one."""

    @property
    def contents(self) -> list[str]:
        solutions = [self.solution, *([self.earlier] if self.earlier else [])]
        hashes = [content_hash(self.entry_point, solution) for solution in solutions]
        return list(dict.fromkeys(hashes))

    def tags(self) -> Tags:
        return tag_program(
            prompt=self.prompt,
            entry_point=self.entry_point,
            solution=self.solution,
            tests=self.tests,
        )


def tasks(family: str, data: DataFolders) -> Iterator[Task]:
    """All tasks of a family, in the publisher's order."""
    if family == "BigCodeBench":
        before = {task["task_id"]: task for task in bigcodebench(data, BIGCODEBENCH_BEFORE)}
        for task in bigcodebench(data):
            prompt = task["complete_prompt"]
            was = before[task["task_id"]]
            yield Task(
                task["task_id"],
                prompt,
                task["entry_point"],
                prompt + task["canonical_solution"],
                earlier=was["complete_prompt"] + was["canonical_solution"],
            )
        return
    for problem in load({"HumanEval": "humaneval+", "Mbpp": "mbpp+"}[family], data=data):
        yield Task(
            problem.task_id,
            problem.prompt,
            problem.entry_point,
            problem.solution,
            problem.suite("base").inputs,
        )


def bigcodebench(data: DataFolders, file_name: str = BIGCODEBENCH) -> list[dict[str, str]]:
    with gzip.open(data.find(file_name), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rows(family: str, data: DataFolders) -> list[Row]:
    """What the tagger and the corrections say now."""
    return [
        row_of_tags(task.id, task.contents, corrected(task.id, task.tags()))
        for task in tasks(family, data)
    ]


def main() -> None:
    data = DataFolders.from_env()
    for family, name in tables.TABLES.items():
        file = FOLDER / f"{name}.jsonl"
        old = {row["id"]: row for row in map(json.loads, file.read_text().splitlines())}
        new = rows(family, data)
        for row in new:
            was = old.get(row["id"])
            if was and was["type"] != row["type"]:
                print(f"{row['id']}: {was['type']} → {row['type']}")
        num_changed = sum(old.get(row["id"]) != row for row in new)
        print(f"{name}: {len(new)} rows, {num_changed} changed")
        if "--check" not in sys.argv:
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in new]
            file.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
