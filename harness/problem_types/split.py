"""What steers and what is reported: the deterministic split of a benchmark, stratified by type."""

import hashlib
from collections.abc import Mapping
from itertools import cycle

from harness.problem_types.tables import hard_ids
from harness.records import Benchmark, Problem, Split


def steering_split(benchmark: Benchmark, types: Mapping[str, str]) -> Mapping[str, Split]:
    """Problem id → split, for problems whose types (by id) are known; see the package."""
    chosen: dict[str, Split] = {
        problem.id: problem.split for problem in benchmark if problem.split is not None
    }
    others = [problem for problem in benchmark if problem.id not in chosen]
    # One row of problems, type after type, dealt out in turns: each type is halved to one problem,
    # and so is the whole. Task ids, since `mbpp` and `mbpp+` have the same tasks.
    in_turns = sorted(
        (problem for problem in others if not is_yardstick(problem)),
        key=lambda problem: (types[problem.id], _shuffled(problem.task_id)),
    )
    for problem, is_even in zip(in_turns, cycle((True, False)), strict=False):
        chosen[problem.id] = "steer" if is_even else "holdout"
    return {problem.id: chosen[problem.id] for problem in benchmark if problem.id in chosen}


def is_yardstick(problem: Problem) -> bool:
    """HumanEval in all its forms, and the Hard part of BigCodeBench: they never steer."""
    return problem.task_id.startswith("HumanEval/") or problem.task_id in hard_ids()


def _shuffled(task_id: str) -> str:
    return hashlib.sha256(f"steering split 1: {task_id}".encode()).hexdigest()
