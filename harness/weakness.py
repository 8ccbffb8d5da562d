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

from collections.abc import Mapping, Sequence

from harness.records import EvalRun, Problem, Split, Weakness

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
    raise NotImplementedError
