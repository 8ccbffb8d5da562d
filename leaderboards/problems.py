"""What a board knows of problems beyond verdicts: their statements, types and tags.

    about = describe(board, data=DataFolders.from_env())
    about["humaneval+"]["HumanEval/3"].type

A benchmark whose file is not at hand costs its statements and types, never the board.

Not here: what the types are (harness/problem_types).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness import benchmarks, problem_types
from harness.benchmarks import DataFolders
from harness.errors import UserError
from harness.records import Problem
from leaderboards.board import Board


@dataclass(frozen=True, slots=True)
class About:
    """One problem."""

    prompt: str
    type: str
    tags: tuple[str, ...]


def describe(board: Board, *, data: DataFolders) -> dict[str, Mapping[str, About]]:
    """By benchmark and task ID, as far as the benchmarks' files are at hand."""
    found: dict[str, Mapping[str, About]] = {}
    for name in {ranking.benchmark for ranking in board.rankings}:
        try:
            benchmark = benchmarks.load(name, data=data)
        except UserError:
            continue
        found[name] = {
            problem.task_id: About(problem.prompt, problem_types.type_of(problem), _tags(problem))
            for problem in benchmark
        }
    return found


def _tags(problem: Problem) -> tuple[str, ...]:
    tags = problem_types.tags_of(problem)
    return (tags.type, *(name for name in tags.domains if name != "General"), *tags.constructs)
