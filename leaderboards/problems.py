"""What a board knows of problems beyond verdicts: their statements, types and tags.

    about = describe(board, data=DataFolders.from_env())
    about["humaneval+"]["HumanEval/3"].type

A benchmark whose file is not at hand costs its statements and types, never the board.

Not here: what the types are (harness/problem_types).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from pydantic import ValidationError

from harness import benchmarks, problem_types
from harness.benchmarks import DataFolders
from harness.errors import UserError
from harness.records import Problem, ProblemNotes
from harness.stats import Estimate, estimate_pass_at_k
from harness.store import PROBLEMS
from leaderboards.board import Board, Ranking
from leaderboards.pairing import task_id_of


@dataclass(frozen=True, slots=True)
class About:
    """One problem."""

    prompt: str
    type: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Typed:
    """A ranking with what is known of its problems."""

    ranking: Ranking
    about: Mapping[str, About]
    """By task ID; empty where the benchmark's file is not at hand."""

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The types that its problems have, the most frequent one first."""
        counts: dict[str, int] = {}
        for task in self.ranking.problems:
            if task in self.about:
                counts[self.about[task].type] = counts.get(self.about[task].type, 0) + 1
        return tuple(sorted(counts, key=lambda kind: (-counts[kind], kind)))

    @cached_property
    def columns(self) -> Mapping[str, list[int]]:
        """Type → the numbers of its problems."""
        columns: dict[str, list[int]] = {kind: [] for kind in self.types}
        for number, task in enumerate(self.ranking.problems):
            if task in self.about:
                columns[self.about[task].type].append(number)
        return columns

    @cached_property
    def by_type(self) -> list[list[Estimate | None]]:
        """Runs × types: pass@1."""
        numbers = {task: number for number, task in enumerate(self.ranking.problems)}
        kinds = {column: kind for kind, columns in self.columns.items() for column in columns}
        rows: list[list[Estimate | None]] = []
        for place in self.ranking.places:
            counts: dict[str, list[tuple[int, int]]] = {kind: [] for kind in self.types}
            for problem, tally in place.tally.problems.items():
                kind = kinds.get(numbers[task_id_of(problem)])
                if kind is not None:
                    counts[kind].append((tally.num_scored, tally.num_passed[-1]))
            rows.append([estimate_pass_at_k(counts[kind], 1) for kind in self.types])
        return rows


def describe(board: Board, *, data: DataFolders) -> dict[str, Mapping[str, About]]:
    """By benchmark and task ID, as far as the benchmarks' files are at hand."""
    found: dict[str, Mapping[str, About]] = {}
    for name in {ranking.benchmark for ranking in board.rankings}:
        try:
            benchmark = benchmarks.load(name, data=data)
        except UserError:
            found[name] = _noted([r for r in board.rankings if r.benchmark == name])
            continue
        found[name] = {
            problem.task_id: About(problem.prompt, problem_types.type_of(problem), _tags(problem))
            for problem in benchmark
        }
    return found


def _noted(rankings: Sequence[Ranking]) -> dict[str, About]:
    """What runs themselves noted of their problems: their types, where the benchmark had them."""
    for path in (place.tally.run.path for ranking in rankings for place in ranking.places):
        with suppress(OSError, ValidationError):
            notes = ProblemNotes.model_validate_json((path / PROBLEMS).read_bytes())
            return {
                task_id_of(problem): About("", note.type, ())
                for problem, note in notes.problems.items()
                if note.type is not None
            }
    return {}


def _tags(problem: Problem) -> tuple[str, ...]:
    tags = problem_types.tags_of(problem)
    return (tags.type, *(name for name in tags.domains if name != "General"), *tags.constructs)
