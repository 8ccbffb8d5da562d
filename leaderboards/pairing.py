"""Which problems of two runs are the same, and what may differ without hurting the comparison.

    pairs = pair(run_a, run_b)          # raises NotComparable, with the reason

Comparability is decided problem by problem: the same content, the same suite, the same profile.
A published run (harness import) is paired by task ID, with a warning, unless its file names the
hash of the other's benchmark. How replies were written may differ, and is what people compare; it is said in a warning.

Not here: scores and tests (compare.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import benchmarks
from harness.benchmarks import DataFolders
from harness.errors import NotComparable, UserError
from harness.published import UNKNOWN
from harness.records import PUBLISHED, EvalRun, RunConfig

PARITY: Mapping[str, str] = {
    "HumanEval": "evalplus",
    "Mbpp": "evalplus",
    "BigCodeBench": "bigcodebench",
}
"""Family of task IDs → how the profiles begin that give its publisher's verdicts."""

_WRITTEN = (
    "prompt_form",
    "system",
    "temperature",
    "top_p",
    "max_tokens",
    "think_marks",
    "quantization",
    "dtype",
    "engine",
    "extra",
)
"""What is said of two runs whose replies were written in different ways."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The problems that two runs share."""

    ids: tuple[tuple[str, str], ...]
    """(problem ID in A, problem ID in B), in A's order; both have a scored sample."""
    by: Literal["content", "task ID"]
    """What tells that two problems are the same."""
    suites: tuple[str, ...]
    """The suites that both were graded on, in order."""
    num_left_out: tuple[int, int]
    """Problems of A and of B that have no partner, or no scored sample on either side."""
    warnings: tuple[str, ...]


def pair(run_a: EvalRun, run_b: EvalRun, *, data: DataFolders | None = None) -> Pairs:
    """The problems that both runs have scored.

    `data` is where the benchmarks of runs lie that were made before runs recorded what their
    problems contain; None: such runs pair only with others of the same benchmark and hash.

    Raises:
        NotComparable: different profiles, no common suite, or nothing shared: one line.
    """
    warnings = list(_check_profiles(run_a.config, run_b.config))
    suites = _shared_suites(run_a.config, run_b.config)
    by: Literal["content", "task ID"] = "content"
    if _same_benchmark(run_a.config, run_b.config):
        keys_a, keys_b = ({key: key for key in _problem_ids(run)} for run in (run_a, run_b))
    elif PUBLISHED in (run_a.config.profile, run_b.config.profile):
        by = "task ID"
        keys_a, keys_b = (_by_task_id(run) for run in (run_a, run_b))
        warnings.append("paired by task ID: what the published problems contain is not known")
    else:
        keys_a, keys_b = (_by_content(run, data) for run in (run_a, run_b))
    scored_a, scored_b = (_scored_ids(run) for run in (run_a, run_b))
    ids = tuple(
        (problem_a, keys_b[key])
        for key, problem_a in keys_a.items()
        if key in keys_b and problem_a in scored_a and keys_b[key] in scored_b
    )
    if not ids:
        raise NotComparable(
            f"{run_a.id} and {run_b.id} share no scored problem: one is on "
            f"{run_a.config.benchmark}, the other on {run_b.config.benchmark}"
        )
    warnings += _differences(run_a, run_b)
    left_out = (len(_problem_ids(run_a)) - len(ids), len(_problem_ids(run_b)) - len(ids))
    return Pairs(ids, by, suites, left_out, tuple(warnings))


def task_id_of(problem_id: str) -> str:
    """The publisher's task ID.

    >>> task_id_of("humaneval+/HumanEval/3"), task_id_of("jsonl:/data/mine.jsonl/7")
    ('HumanEval/3', '7')
    """
    benchmark, _, task_id = problem_id.partition("/")
    if ":" in benchmark:  # jsonl:/some/where/problems.jsonl/ID
        return problem_id.rpartition("/")[2]
    return task_id


def _problem_ids(run: EvalRun) -> dict[str, None]:
    return dict.fromkeys(problem_id for problem_id, _ in run.samples)


def _scored_ids(run: EvalRun) -> set[str]:
    return {verdict.problem_id for verdict in run if verdict.scored}


def _by_task_id(run: EvalRun) -> dict[str, str]:
    return {task_id_of(problem_id): problem_id for problem_id in _problem_ids(run)}


def _by_content(run: EvalRun, data: DataFolders | None) -> dict[str, str]:
    if run.problems:
        hashes = {problem_id: noted.sha256 for problem_id, noted in run.problems.items()}
    else:
        hashes = _hashes_from_benchmark(run.config, data)
    return {
        hashes[problem_id]: problem_id for problem_id in _problem_ids(run) if problem_id in hashes
    }


def _hashes_from_benchmark(config: RunConfig, data: DataFolders | None) -> dict[str, str]:
    try:
        benchmark = benchmarks.load(config.benchmark, data=data or DataFolders.from_env())
    except UserError as error:
        raise NotComparable(
            f"{config.benchmark}: what its problems contain is in neither the run nor a file "
            f"here ({error})"
        ) from None
    if benchmark.hash != config.benchmark_hash:
        raise NotComparable(f"{config.benchmark} is not what it was when the run was made")
    return {problem.id: problem.sha256 for problem in benchmark}


def _same_benchmark(a: RunConfig, b: RunConfig) -> bool:
    """The hash says what the problems contain, so that their IDs are enough."""
    is_known = a.benchmark_hash != UNKNOWN
    return is_known and (a.benchmark, a.benchmark_hash) == (b.benchmark, b.benchmark_hash)


def _check_profiles(a: RunConfig, b: RunConfig) -> list[str]:
    """Warnings; refuses profiles whose verdicts mean different things."""
    if a.profile == b.profile:
        return []
    published, other = (a, b) if a.profile == PUBLISHED else (b, a)
    if published.profile == PUBLISHED and _is_parity(other):
        return [
            f"the published verdicts are held against our own under {other.profile}, which "
            "gives the same ones but for the named deviations"
        ]
    raise NotComparable(
        f"the profiles differ, and with them what a pass is: {a.profile} and {b.profile}. "
        "`harness regrade RUN --profile P` grades the same replies again"
    )


def _is_parity(config: RunConfig) -> bool:
    return config.profile.startswith(tuple(PARITY.values()))


def _shared_suites(a: RunConfig, b: RunConfig) -> tuple[str, ...]:
    """The suites that both begin with: a suite counts as passed with all before it."""
    shared: list[str] = []
    for suite_a, suite_b in zip(a.suites, b.suites, strict=False):
        if suite_a != suite_b:
            break
        shared.append(suite_a)
    if not shared:
        raise NotComparable(f"no suite in common: {', '.join(a.suites)} and {', '.join(b.suites)}")
    return tuple(shared)


def _differences(run_a: EvalRun, run_b: EvalRun) -> list[str]:
    """One line for all that differs in how the replies were written and graded."""
    a, b = run_a.config, run_b.config
    told: list[str] = []
    if a.generation and b.generation:
        for name in _WRITTEN:
            old, new = getattr(a.generation, name), getattr(b.generation, name)
            if old != new:
                told.append(f"{name.replace('_', ' ')} {_shown(old)} → {_shown(new)}")
    elif a.generation or b.generation:
        told.append("how the replies were written is recorded on one side only")
    for name in ("extraction", "grader_version", "environment"):
        old, new = getattr(a, name), getattr(b, name)
        if old != new and PUBLISHED not in (a.profile, b.profile):
            told.append(f"{name.replace('_', ' ')} {_shown(old)} → {_shown(new)}")
    if len(a.suites) != len(b.suites):
        told.append(f"suites {', '.join(a.suites)} → {', '.join(b.suites)}: the shared ones count")
    counts_a, counts_b = (len(run) / max(1, len(_problem_ids(run))) for run in (run_a, run_b))
    if counts_a != counts_b:
        told.append(f"samples a problem {counts_a:.3g} → {counts_b:.3g}")
    return [f"what differs: {'; '.join(told)}"] if told else []


def _shown(value: object) -> str:
    text = str(value) if value not in (None, {}) else "none"
    return text if len(text) <= 40 else f"{text[:39]}…"
