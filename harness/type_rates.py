"""A run by problem type: which types its problems are of, and how it did on each.

    types = types_of(run, data=DataFolders.from_settings(settings))
    for row in by_type(run, types): print(row.type, row.rate)

Types are not recorded in a run: they are the benchmark's, and looked up when a run is shown.

Not here: what steers the loop (weakness.py pools runs, keeps to a split and marks what is too
little), and what a screen looks like (types_screen.py).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import benchmarks
from harness.benchmarks.data import DataFolders
from harness.errors import UserError
from harness.problem_types import labelled, type_of
from harness.problem_types.tables import frozen_rows
from harness.records import Benchmark, EvalRun, Problem, Verdict
from harness.stats import Estimate, estimate_pass_at_k
from harness.summary import rate_as_json
from harness.weakness import shrunk_rate


@dataclass(frozen=True, slots=True)
class TypeRate:
    """One line of the table by type."""

    type: str
    rate: Estimate | None
    """pass@1 with its 95 % interval, all suites together; None where nothing is scored."""
    num_samples: int
    num_unscored: int
    """Samples that are not graded yet, or that we failed to grade."""

    def as_json(self) -> dict[str, object]:
        rate = rate_as_json(self.rate) if self.rate else {}
        return {**rate, "samples": self.num_samples, "unscored": self.num_unscored}


def types_of(run: EvalRun, *, data: DataFolders) -> Mapping[str, str]:
    """Problem id → type, for the problems of a run whose types can be known here.

    Where the benchmark's file is not on this machine the frozen tables say so by task id; a
    benchmark of somebody's own that is not here any more has no types, which is no error.
    """
    ids = {problem_id for problem_id, _ in run.samples}
    try:
        problems = benchmark_of(run, data=data)
    except UserError:
        task_ids = {problem_id: problem_id.partition("/")[2] for problem_id in ids}
        return {
            problem_id: row["type"]
            for problem_id, task_id in task_ids.items()
            if (row := frozen_rows(task_id.partition("/")[0]).get(task_id))
        }
    return {problem.id: type_of(problem) for problem in problems if problem.id in ids}


def benchmark_of(run: EvalRun, *, data: DataFolders) -> Benchmark:
    """The benchmark that a run was made on.

    Raises:
        UserError: it is not here, or is not what it was when the run was made.
    """
    benchmark = benchmarks.load(run.config.benchmark, data=data)
    if benchmark.hash != run.config.benchmark_hash:
        raise UserError(
            f"{benchmark.name} is not what it was when {run.id} was made: "
            f"hash {run.config.benchmark_hash[:8]} → {benchmark.hash[:8]}"
        )
    return benchmark


def labelled_problems(runs: Sequence[EvalRun], *, data: DataFolders) -> Mapping[str, Problem]:
    """The problems of these runs by id, with type and split: what `weaknesses` wants.

    Raises:
        UserError: as `benchmark_of`.
    """
    found: dict[str, Problem] = {}
    for run in runs:
        found |= {problem.id: problem for problem in labelled(benchmark_of(run, data=data))}
    return found


def by_type(run: EvalRun, types: Mapping[str, str]) -> list[TypeRate]:
    """One row a type, the weakest first by the rate drawn towards that of the whole run.

    Problems without a type are left out.
    """
    samples = Counter(types[problem_id] for problem_id, _ in run.samples if problem_id in types)
    scored: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in run:
        if verdict.scored and verdict.problem_id in types:
            scored[types[verdict.problem_id]].append(verdict)
    num_scored = sum(map(len, scored.values()))
    num_passed = sum(verdict.passed for verdicts in scored.values() for verdict in verdicts)
    overall = num_passed / num_scored if num_scored else 0.0

    def weakest_first(row: TypeRate) -> tuple[float, str]:
        verdicts = scored[row.type]
        passed = sum(verdict.passed for verdict in verdicts)
        return shrunk_rate(passed, len(verdicts), overall=overall), row.type

    rows = [
        TypeRate(type_, _rate(scored[type_]), count, count - len(scored[type_]))
        for type_, count in samples.items()
    ]
    return sorted(rows, key=weakest_first)


def _rate(verdicts: Sequence[Verdict]) -> Estimate | None:
    counts = Counter(verdict.problem_id for verdict in verdicts)
    passed = Counter(verdict.problem_id for verdict in verdicts if verdict.passed)
    return estimate_pass_at_k([(n, passed[problem]) for problem, n in counts.items()], 1)
