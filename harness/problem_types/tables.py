"""The frozen tables: task id and content → tags, for the benchmarks that the world reports.

    row = frozen("Mbpp/2", content_hash(entry_point, solution))

A table is a JSONL file beside this one, written by `make type-tables` and committed; a row is
used only while the task's program is what it was when the row was written, and once a
version is out its rows stay. What a person decided otherwise stands in corrections.toml, with the reason.

Not here: how tags are made (tagger.py).
"""

import ast
import hashlib
import json
import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple, TypedDict, cast

from harness.problem_types.taxonomy import TAXONOMY_VERSION, Difficulty, Evidence, Tags

TABLES = {"HumanEval": "humaneval", "Mbpp": "mbpp", "BigCodeBench": "bigcodebench"}
"""What stands before the slash of a task id → name of the table's file."""


class Row(TypedDict):
    """One line of a table; short, for there are 1,682."""

    id: str
    contents: list[str]
    """The content hashes that it is valid for: one a release whose code differs."""
    type: str
    io: str
    difficulty: list[int]
    """In the order of the fields of `Difficulty`."""
    domains: list[str]
    constructs: dict[str, int]
    evidence: list[list[str | bool]]
    """Axis, tag, what, decisive; constructs apart."""


class Correction(NamedTuple):
    """A person's word against the tagger's."""

    type: str
    reason: str


def content_hash(entry_point: str, solution: str) -> str:
    """What a row is valid for: the entry point's name and the lines of code of the solution.

    Docstrings, blank lines and spaces at line ends are left out: a benchmark's two prompt forms
    and a reworded prompt are the same problem. The first 16 hex digits of a sha256.
    """
    lines = solution.splitlines()
    for first, last in _docstrings(solution):
        lines[first:last] = [""] * (last - first)
    code = "\n".join(stripped for line in lines if (stripped := line.rstrip()))
    return hashlib.sha256(f"{entry_point}\n{code}".encode()).hexdigest()[:16]


def _docstrings(solution: str) -> list[tuple[int, int]]:
    """The lines of each docstring, as a slice."""
    try:
        tree = ast.parse(solution)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[tuple[int, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.append((first.lineno - 1, first.end_lineno or first.lineno))
    return found


def frozen(task_id: str, content: str) -> Row | None:
    """The row of that task, where its content is one that the row was made for."""
    row = frozen_rows(task_id.partition("/")[0]).get(task_id)
    return row if row and content in row["contents"] else None


@cache
def frozen_rows(family: str) -> dict[str, Row]:
    """Task id → row, of a family such as `Mbpp`; empty where it has no table."""
    name = TABLES.get(family)
    if name is None:
        return {}
    lines = _files().joinpath("tables", f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [cast(Row, json.loads(line)) for line in lines]
    return {row["id"]: row for row in rows}


def tags_of_row(row: Row) -> Tags:
    return Tags(
        taxonomy_version=TAXONOMY_VERSION,
        type=row["type"],
        constructs=tuple(row["constructs"]),
        io=row["io"],
        difficulty=Difficulty(**dict(zip(Difficulty.model_fields, row["difficulty"], strict=True))),
        domains=tuple(row["domains"]),
        evidence=(
            *(
                Evidence.model_validate(
                    dict(zip(("axis", "tag", "what", "decisive"), one, strict=True))
                )
                for one in row["evidence"]
            ),
            *(
                Evidence(axis="construct", tag=name, what=f"line {line}")
                for name, line in row["constructs"].items()
            ),
        ),
    )


def row_of_tags(task_id: str, contents: list[str], tags: Tags) -> Row:
    """The inverse of `tags_of_row`: what is written to a table."""
    return Row(
        id=task_id,
        contents=contents,
        type=tags.type,
        io=tags.io,
        difficulty=list(tags.difficulty.model_dump().values()),
        domains=list(tags.domains),
        constructs={
            evidence.tag: int(evidence.what.removeprefix("line "))
            for evidence in tags.evidence
            if evidence.axis == "construct"
        },
        evidence=[
            [evidence.axis, evidence.tag, evidence.what, evidence.decisive]
            for evidence in tags.evidence
            if evidence.axis != "construct"
        ],
    )


@cache
def corrections() -> dict[str, Correction]:
    """Task id → what a person decided; tables have it already."""
    said = tomllib.loads(_files().joinpath("corrections.toml").read_text(encoding="utf-8"))
    return {
        task_id: Correction(entry["type"], entry["reason"])
        for task_id, entry in cast(dict[str, dict[str, str]], said).items()
    }


def corrected(task_id: str, tags: Tags) -> Tags:
    """The tags with a person's word on top, which becomes part of the evidence."""
    correction = corrections().get(task_id)
    if correction is None:
        return tags
    by_hand = Evidence(axis="type", tag=correction.type, what=f"by hand: {correction.reason}")
    return tags.model_copy(update={"type": correction.type, "evidence": (by_hand, *tags.evidence)})


@cache
def hard_ids() -> frozenset[str]:
    """The tasks of BigCodeBench-Hard, which never steer."""
    text = _files().joinpath("tables", "bigcodebench_hard.json").read_text(encoding="utf-8")
    return frozenset(cast(list[str], json.loads(text)))


def _files() -> Traversable:
    return resources.files("harness.problem_types")
