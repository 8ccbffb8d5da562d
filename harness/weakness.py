"""Weaknesses: what a checkpoint is bad at, by problem type, from what its runs recorded.

    benchmark = labelled(benchmarks.load("mbpp+", data=…))
    found = weaknesses([run], {problem.id: problem for problem in benchmark}, split="steer")

A type of ten problems that looks worst is mostly luck: of twelve equal types, the three that
scored lowest rise by 6 to 15 points when nothing is done about them. So each rate is drawn towards
the rate over all types, the less the more was seen of it, and a type of which too little was
seen is marked as not enough to act upon alone.

Not here: what is done about a weakness (generators/), which type a problem is of
(problem_types/), the difference of two runs (stats.py).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean

from harness.problem_types import type_of
from harness.records import EvalRun, Problem, Split, Status, Verdict, Weakness
from harness.stats import estimate_pass_at_k

KAPPA = 20.0
"""Samples' worth of the rate over all types that each type's own rate is mixed with."""
MIN_SAMPLES = 30
"""Scored samples below which a type never triggers anything alone."""
MIN_PROBLEMS = 8
"""The same for problems, since many samples of three problems tell about three problems."""
CONFIDENCE = 0.90


def weaknesses(
    runs: Sequence[EvalRun],
    problems: Mapping[str, Problem],
    *,
    split: Split | None = "steer",
    kappa: float = KAPPA,
    min_samples: int = MIN_SAMPLES,
) -> tuple[Weakness, ...]:
    """One Weakness a type, the weakest (by the shrunk rate) first; `other` is among them.

    `runs` are those of one checkpoint, pooled: on several benchmarks, or several runs on one.
    `problems` has every problem of theirs, by id. `split` keeps the problems of that split,
    None keeps all. Unscored samples are left out.

    shrunk = (passed + kappa · rate over all types) / (scored + kappa), in samples.

    Raises:
        ValueError: a run's problem is not in `problems`, or a split is asked for and the
            problems have no types yet (`problem_types.labelled` fills both in).
    """
    if kappa < 0:
        raise ValueError(f"kappa is {kappa}, and must not be negative")
    by_type: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in chain.from_iterable(runs):
        problem = problems.get(verdict.problem_id)
        if problem is None:
            raise ValueError(f"{verdict.problem_id} is not among the problems")
        if split is not None and not problem.types:
            raise ValueError(f"{problem.id} has no type yet: problem_types.labelled fills it in")
        if verdict.scored and split in (None, problem.split):
            by_type[type_of(problem)].append(verdict)
    scored = list(chain.from_iterable(by_type.values()))
    overall = fmean(verdict.passed for verdict in scored) if scored else 0.0
    found = [
        _weakness(type_, verdicts, overall=overall, kappa=kappa, min_samples=min_samples)
        for type_, verdicts in by_type.items()
    ]
    return tuple(sorted(found, key=lambda weakness: (weakness.shrunk, weakness.type)))


def shrunk_rate(
    num_passed: int, num_samples: int, *, overall: float, kappa: float = KAPPA
) -> float:
    """A rate drawn towards `overall`, as if `kappa` samples of that rate had been seen before.

    The posterior mean of a Beta(kappa · overall, kappa · (1 - overall)) prior.

    >>> round(shrunk_rate(0, 4, overall=0.6), 3), round(shrunk_rate(0, 400, overall=0.6), 3)
    (0.5, 0.029)
    """
    trials = num_samples + kappa
    return (num_passed + kappa * overall) / trials if trials else overall


def _weakness(
    type_: str, verdicts: Sequence[Verdict], *, overall: float, kappa: float, min_samples: int
) -> Weakness:
    num_samples = Counter(verdict.problem_id for verdict in verdicts)
    num_passed = Counter(verdict.problem_id for verdict in verdicts if verdict.passed)
    counts = [(count, num_passed[problem_id]) for problem_id, count in num_samples.items()]
    rate = estimate_pass_at_k(counts, 1, confidence=CONFIDENCE)
    assert rate is not None, "a type is here because a sample of it was scored"
    failed = Counter(verdict.status for verdict in verdicts if not verdict.passed)
    commonest = max(Status, key=lambda status: failed[status]) if failed else None
    return Weakness(
        type=type_,
        num_problems=len(counts),
        num_samples=len(verdicts),
        rate=rate.value,
        low=rate.low,
        high=rate.high,
        shrunk=shrunk_rate(num_passed.total(), len(verdicts), overall=overall, kappa=kappa),
        commonest_status=commonest,
        enough=len(verdicts) >= min_samples and len(counts) >= MIN_PROBLEMS,
    )
