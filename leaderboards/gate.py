"""The gate of `harness eval`: new runs held against a baseline, and whether they may pass.

    gate = Gate.of(store, "parent", fail_if_worse=True, strict=False)    # before anything runs
    comparisons = gate.comparisons(runs)
    if gate.failed(comparisons): …

Not here: what a comparison is (compare.py), exit codes (harness/cli).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from harness.benchmarks import DataFolders
from harness.errors import ConfigError, NotComparable
from harness.records import EvalRun
from harness.store import Store
from leaderboards.compare import compare
from leaderboards.comparison import MARGIN, Comparison


@dataclass(frozen=True, slots=True)
class Gate:
    """What new runs are held against, as it was before they were made."""

    baselines: tuple[EvalRun, ...] = ()
    fail_if_worse: bool = False
    strict: bool = False
    """Fail also where a drop of 3 points can't be ruled out: too few problems or samples."""

    @classmethod
    def of(cls, store: Store, refs: str | None, *, fail_if_worse: bool, strict: bool) -> Self:
        """The gate that the flags ask for; `refs` are runs with commas between.

        `last` is the last run of now, not the one that is about to be made.

        Raises:
            ConfigError: a flag that needs another one.
            UserError: there is no such run.
        """
        if fail_if_worse and not refs:
            raise ConfigError("--fail-if-worse: than which run? Name it: --baseline RUN")
        if strict and not fail_if_worse:
            raise ConfigError("--strict goes with --fail-if-worse")
        baselines = tuple(store.load(ref.strip()) for ref in (refs or "").split(",") if ref.strip())
        return cls(baselines, fail_if_worse, strict)

    def comparisons(
        self, runs: Sequence[EvalRun], data: DataFolders | None = None
    ) -> list[Comparison]:
        """Each run against the baseline of its benchmark; none where there is no baseline.

        Raises:
            NotComparable: a run has no baseline that it can be held against.
        """
        if not self.baselines:
            return []
        return [compare(self._baseline_of(run), run, data=data) for run in runs]

    def failed(self, comparisons: Sequence[Comparison]) -> list[str]:
        """Why the gate does not open, a line a comparison; empty where it does."""
        if not self.fail_if_worse:
            return []
        told: list[str] = []
        for found in comparisons:
            if found.is_worse:
                told.append(f"{found.b.run} is worse than {found.a.run}")
            elif self.strict and found.may_be_worse:
                told.append(
                    f"{found.b.run}: a drop of {100 * MARGIN:.0f} points against {found.a.run} "
                    "is not ruled out (--strict)"
                )
        return told

    def _baseline_of(self, run: EvalRun) -> EvalRun:
        same = [known for known in self.baselines if known.config.benchmark == run.config.benchmark]
        if same:
            return same[0]
        if len(self.baselines) == 1:
            return self.baselines[0]
        raise NotComparable(f"{run.id}: no baseline is on {run.config.benchmark}")
