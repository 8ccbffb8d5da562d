"""What a run says: rates with their intervals, recomputed from its verdicts each time.

Not here: the formulas (stats.py), what a screen looks like (screen.py).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import PUBLISHED, EvalRun, Status, Verdict
from harness.stats import Estimate, estimate_pass_at_k, is_rough


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run says, recomputed from its verdicts."""

    run: EvalRun
    num_problems: int
    """Problems with at least one sample."""
    pass_at: Mapping[int, Mapping[str, Estimate]]
    """k → suite → estimate, for every k that all scored problems have samples for. A suite
    counts as passed with all before it: `plus` is base and plus, as EvalPlus reports it."""
    by_status: Mapping[Status, int]
    cpu_s: float

    @property
    def rough(self) -> list[str]:
        """The rates whose t interval rests on too few problems: it is likely too narrow.

        One sample a problem, or rates of 0 and 1, have Wilson's interval, which needs no warning.
        """
        if self.run.num_scored <= self.num_problems:
            return []
        return [
            f"{suite} pass@{k}"
            for k, by_suite in self.pass_at.items()
            for suite, rate in by_suite.items()
            if 0 < rate.value < 1 and is_rough(rate)
        ]

    def as_json(self) -> dict[str, object]:
        config = self.run.config
        rates = {
            f"pass@{k}": {suite: rate_as_json(rate) for suite, rate in by_suite.items()}
            for k, by_suite in self.pass_at.items()
        }
        return {
            "run": self.run.id,
            "benchmark": config.benchmark,
            "profile": config.profile,
            "checkpoint": config.checkpoint.name,
            "problems": self.num_problems,
            "benchmark_problems": config.num_problems,
            "samples": len(self.run),
            "scored": self.run.num_scored,
            "unscored": self.run.num_unscored,
            **rates,
            "by_status": {status.value: count for status, count in self.by_status.items()},
            "level": sorted({verdict.level for verdict in self.run}),
            "seconds": None if config.profile == PUBLISHED else round(self.cpu_s, 2),
            "path": self.run.path,
        }


def rate_as_json(rate: Estimate) -> dict[str, float]:
    """A rate in [0, 1], its 95 % interval, and the number of problems that it rests on."""
    return {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.num_problems}


def summary(run: EvalRun) -> Summary:
    """pass@k with intervals for every k up to the samples a problem, and the rest of the screen."""
    suites = run.config.suites
    scored = [verdict for verdict in run if verdict.scored]
    num_scored = Counter(verdict.problem_id for verdict in scored)
    pass_at: dict[int, dict[str, Estimate]] = {}
    for k in range(1, min(num_scored.values(), default=0) + 1):
        for position, suite in enumerate(suites, start=1):
            passed = Counter(
                verdict.problem_id for verdict in scored if _passed(verdict, suites[:position])
            )
            counts = [(count, passed[problem]) for problem, count in num_scored.items()]
            estimate = estimate_pass_at_k(counts, k)
            if estimate is not None:
                pass_at.setdefault(k, {})[suite] = estimate
    statuses = Counter(verdict.status for verdict in run)
    return Summary(
        run=run,
        num_problems=len({problem_id for problem_id, _ in run.samples}),
        pass_at=pass_at,
        by_status={status: count for status in Status if (count := statuses[status])},
        cpu_s=sum(verdict.cpu_s for verdict in run),
    )


def _passed(verdict: Verdict, suites: Sequence[str]) -> bool:
    results = verdict.suites
    return all(suite in results and results[suite].status == Status.PASSED for suite in suites)
