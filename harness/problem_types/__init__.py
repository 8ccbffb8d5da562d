"""Problem types: which kinds of problem there are, and which kind a problem is of.

    tags = tags_of(problem)                        # frozen for published benchmarks
    tags = tag_program(prompt=…, entry_point=…, solution=…)   # made on the spot for any other
    benchmark = labelled(benchmark)                # each problem with its type and its split

A type is a property of the problem: it is fixed before any model runs and depends on no verdict.
Published benchmarks have frozen tables (task id and content → tags), so a better tagger moves no
slice of a board that is already out. docs/problem-types.md has the axes and how to audit them.

Not here: rates by type (weakness.py), and what is done about them (generators/).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.errors import UnknownName
from harness.problem_types import split as splits
from harness.problem_types.tables import content_hash, frozen, tags_of_row
from harness.problem_types.tagger import tag_program
from harness.problem_types.taxonomy import (
    DOMAINS,
    MEANING,
    OTHER,
    TAXONOMY_VERSION,
    TYPES,
    Axis,
    Difficulty,
    Evidence,
    Tags,
)
from harness.records import Benchmark, Problem, Split, Suite

__all__ = [
    "DOMAINS",
    "MEANING",
    "OTHER",
    "TAXONOMY_VERSION",
    "TYPES",
    "Axis",
    "Difficulty",
    "Evidence",
    "Tags",
    "labelled",
    "of_types",
    "steering_split",
    "tag_program",
    "tags_of",
    "type_of",
]


def tags_of(problem: Problem) -> Tags:
    """The tags of a problem of any benchmark.

    The frozen table where it has this task with this content, else `tag_program`. Where the
    problem's own row names types (`Problem.types`), the first of them is its type all the same.
    """
    row = frozen(problem.task_id, content_hash(problem.entry_point, problem.solution))
    tags = tags_of_row(row) if row else _live(problem)
    if not problem.types or problem.types[0] == tags.type:
        return tags
    own = Evidence(axis="type", tag=problem.types[0], what="the benchmark's own row")
    return tags.model_copy(update={"type": problem.types[0], "evidence": (own, *tags.evidence)})


def type_of(problem: Problem) -> str:
    """The type of a problem: `problem.types[0]` if it has any, else that of its tags."""
    if problem.types:
        return problem.types[0]
    row = frozen(problem.task_id, content_hash(problem.entry_point, problem.solution))
    return row["type"] if row else _live(problem).type


def steering_split(benchmark: Benchmark) -> Mapping[str, Split]:
    """Problem id → `steer` or `holdout`: half and half within each type, to one problem.

    Empty for the yardsticks, HumanEval and BigCodeBench-Hard in all their forms: they never
    steer and are reported whole. BigCodeBench's full set is split without its Hard problems,
    which are absent here. Depends on task ids and types alone, so that `mbpp` and `mbpp+` agree,
    and neither order nor seed matters. A problem that names its split itself keeps it.
    """
    return splits.steering_split(benchmark, {problem.id: type_of(problem) for problem in benchmark})


def labelled(benchmark: Benchmark) -> Benchmark:
    """The same benchmark, each problem with `types` (its type first) and `split` filled in.

    Content and hash are the same. A problem of a yardstick has split None.
    """
    typed = replace(
        benchmark,
        problems=tuple(
            problem if problem.types else replace(problem, types=(type_of(problem),))
            for problem in benchmark
        ),
    )
    split = steering_split(typed)
    return replace(
        typed,
        problems=tuple(replace(problem, split=split.get(problem.id)) for problem in typed),
    )


def of_types(benchmark: Benchmark, wanted: Sequence[str]) -> Benchmark:
    """The same benchmark with the problems of these types alone; name and hash stay.

    Raises:
        UnknownName: no problem of the benchmark is of one of them.
    """
    types = {problem.id: type_of(problem) for problem in benchmark}
    for name in wanted:
        if name not in types.values():
            raise UnknownName(f"type of {benchmark.name}", name, set(types.values()))
    kept = tuple(problem for problem in benchmark if types[problem.id] in wanted)
    return replace(benchmark, problems=kept)


def _live(problem: Problem) -> Tags:
    suite: Suite | None = problem.suites[0] if problem.suites else None
    return tag_program(
        prompt=problem.prompt,
        entry_point=problem.entry_point,
        solution=problem.solution,
        tests=suite.inputs if suite else (),
    )
