"""What steers and what is reported: the deterministic split of a benchmark, stratified by type."""

import hashlib
from collections.abc import Mapping
from itertools import cycle

from harness.problem_types.tables import hard_ids
from harness.records import Benchmark, Problem, Split


def steering_split(benchmark: Benchmark, types: Mapping[str, str]) -> Mapping[str, Split]:
    """Problem id → split, for problems whose types (by id) are known; see the package."""
    own: dict[str, Split] = {
        problem.id: problem.split for problem in benchmark if problem.split is not None
    }
    others = [problem for problem in benchmark if problem.id not in own]
    # One row of problems, type after type, dealt out in turns: each type is halved to one problem,
    # and so is the whole. Task ids, since `mbpp` and `mbpp+` have the same tasks.
    in_turns = sorted(
        (problem for problem in others if not is_yardstick(problem)),
        key=lambda problem: (types[problem.id], _shuffled(problem.task_id)),
    )
    turns: cycle[Split] = cycle(("steer", "holdout"))
    dealt: dict[str, Split] = {
        problem.id: turn for problem, turn in zip(in_turns, turns, strict=False)
    }
    dealt.update(own)
    return {problem.id: dealt[problem.id] for problem in benchmark if problem.id in dealt}


def is_yardstick(problem: Problem) -> bool:
    """HumanEval in all its forms, and the Hard part of BigCodeBench: they never steer."""
    return problem.task_id.startswith("HumanEval/") or problem.task_id in hard_ids()


def _shuffled(task_id: str) -> str:
    return hashlib.sha256(f"steering split 1: {task_id}".encode()).hexdigest()
