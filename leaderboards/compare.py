"""Two runs, paired problem by problem: the sentence, the differences by type, the flips.

    comparison = compare(store.load("parent"), store.load("child"))
    print(comparison.sentence)
    for flip in comparison.flips: print(flip.kind, flip.task_id, flip.b.got)

B is held against A: a problem is *fixed* when B's score is higher, *broken* when A's is. The test
is chosen by the data and never by the outcome: exact McNemar with one sample a problem, else
sign flips. Types are many claims, so theirs are Holm's adjusted p-values.

Not here: which problems pair (pairing.py), how it looks (report.py), formulas (harness/stats).
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from harness import type_rates
from harness.benchmarks import DataFolders
from harness.problem_types.tables import frozen_rows
from harness.records import EvalRun, Status, Verdict
from harness.stats import (
    ALPHA,
    Estimate,
    PairedDifference,
    Variances,
    estimate_pass_at_k,
    holm,
    paired_difference,
    power,
    variance_split,
)
from leaderboards.comparison import (
    MARGIN,
    Claim,
    Comparison,
    Difference,
    Flip,
    Outcome,
    PowerNote,
    Rate,
    Side,
    Spread,
    TypeDifference,
    sentence,
)
from leaderboards.pairing import Pairs, pair, task_id_of

_DIGITS = re.compile(r"([0-9]+)")


def compare(
    run_a: EvalRun,
    run_b: EvalRun,
    *,
    types: Mapping[str, str] | None = None,
    data: DataFolders | None = None,
) -> Comparison:
    """B against A on the problems that both have scored.

    Args:
        types: task ID → type; None takes what the runs recorded and what is published.
        data: where benchmark files lie, for runs that did not record their problems' content.

    Raises:
        NotComparable: different profiles, no common suite, or nothing shared.
    """
    pairs = pair(run_a, run_b, data=data)
    known = types_of(run_a, run_b, data=data) if types is None else types
    sides = _Scored.of(run_a, pairs, 0), _Scored.of(run_b, pairs, 1)
    by_suite = {
        suite: difference_of(sides[0].scores[suite], sides[1].scores[suite])
        for suite in pairs.suites
    }
    suite = pairs.suites[-1]
    flips = _flips(sides, pairs, suite, known)
    difference = by_suite[suite]
    split = variance_split(*(side.samples[suite] for side in sides))
    return Comparison(
        sentence=sentence(difference),
        a=sides[0].side(suite, pairs.num_left_out[0]),
        b=sides[1].side(suite, pairs.num_left_out[1]),
        suite=suite,
        paired_by=pairs.by,
        difference=difference,
        by_suite=by_suite,
        by_type=_by_type(sides, pairs, suite, known),
        flips=flips,
        spread=Spread(**split._asdict()) if split else None,
        power=_power_note(sides, suite, split),
        warnings=pairs.warnings,
    )


def types_of(*runs: EvalRun, data: DataFolders | None = None) -> dict[str, str]:
    """Task ID → type, as far as it can be known: nothing is an error here.

    What a run noted comes first, then the frozen tables, then the benchmark, if it is here.
    """
    found: dict[str, str] = {}
    for run in runs:
        ids = {problem_id: task_id_of(problem_id) for problem_id, _ in run.samples}
        known = {
            task_id: kind
            for problem_id, task_id in ids.items()
            if (kind := _noted_type(run, problem_id) or _frozen_type(task_id)) is not None
        }
        if not known:
            told = type_rates.types_of(run, data=data or DataFolders.from_env())
            known = {ids[problem_id]: kind for problem_id, kind in told.items()}
        found |= known
    return found


def _noted_type(run: EvalRun, problem_id: str) -> str | None:
    noted = run.problems.get(problem_id)
    return noted.type if noted else None


def _frozen_type(task_id: str) -> str | None:
    row = frozen_rows(task_id.partition("/")[0]).get(task_id)
    return row["type"] if row else None


@dataclass(frozen=True, slots=True)
class _Scored:
    """One side: its run, and the scored samples of each shared problem, in the pairs' order."""

    run: EvalRun
    suites: tuple[str, ...]
    verdicts_P: list[list[Verdict]]
    samples: Mapping[str, list[list[float]]]
    """By suite, problem and sample: 1 where it passed that suite and all before it."""
    scores: Mapping[str, list[float]]
    """By suite and problem: the mean of its samples."""

    @classmethod
    def of(cls, run: EvalRun, pairs: Pairs, position: Literal[0, 1]) -> "_Scored":
        by_problem: defaultdict[str, list[Verdict]] = defaultdict(list)
        for verdict in run:
            if verdict.scored:
                by_problem[verdict.problem_id].append(verdict)
        verdicts_P = [
            sorted(by_problem[ids[position]], key=lambda verdict: verdict.index)
            for ids in pairs.ids
        ]
        samples = {
            suite: [
                [float(_passed_all(verdict, pairs.suites[:number])) for verdict in verdicts]
                for verdicts in verdicts_P
            ]
            for number, suite in enumerate(pairs.suites, start=1)
        }
        scores = {suite: [fmean(passed) for passed in found] for suite, found in samples.items()}
        return cls(run, pairs.suites, verdicts_P, samples, scores)

    def side(self, suite: str, num_left_out: int) -> Side:
        counts = [(len(passed), round(sum(passed))) for passed in self.samples[suite]]
        estimate = estimate_pass_at_k(counts, 1)
        assert estimate is not None, "pairs hold scored problems only"
        config = self.run.config
        return Side(
            run=self.run.id,
            path=self.run.path,
            checkpoint=config.checkpoint.name,
            benchmark=config.benchmark,
            profile=config.profile,
            rate=_rate(estimate),
            num_left_out=num_left_out,
            num_unscored=self.run.num_unscored,
        )

    def outcome(self, problem: int, suite: str, *, wanted: bool) -> Outcome:
        """What is shown of a problem: its first sample that passed (or failed), as is wanted."""
        verdicts, passed = self.verdicts_P[problem], self.samples[suite][problem]
        told = verdicts[passed.index(wanted) if wanted in passed else 0]
        asked = self.suites[: self.suites.index(suite) + 1]
        failed = [name for name in asked if name in told.suites and not _passed(told, name)]
        shown = failed[0] if failed else asked[-1]
        result = told.suites[shown]
        return Outcome(
            num_passed=round(sum(passed)),
            num_samples=len(verdicts),
            index=told.index,
            status=result.status,
            suite=shown,
            code=self.run.samples[told.key].code,
            failure=result.failure,
            stderr=told.stderr,
        )


def _passed_all(verdict: Verdict, suites: Sequence[str]) -> bool:
    return all(suite in verdict.suites and _passed(verdict, suite) for suite in suites)


def _passed(verdict: Verdict, suite: str) -> bool:
    return verdict.suites[suite].status == Status.PASSED


def _rate(estimate: Estimate) -> Rate:
    return Rate(value=estimate.value, low=estimate.low, high=estimate.high)


def difference_of(scores_a_P: Sequence[float], scores_b_P: Sequence[float]) -> Difference:
    found = paired_difference(scores_a_P, scores_b_P)
    assert found is not None, "pairs hold at least one problem"
    return Difference(
        value=found.value,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        test=found.test,
        num_problems=found.num_problems,
        num_fixed=found.num_won,
        num_broken=found.num_lost,
        num_tied=found.num_tied,
        claim=_claim(found),
    )


def _claim(difference: PairedDifference) -> Claim:
    if not difference.is_significant:
        return "inconclusive"
    return "better" if difference.value > 0 else "worse"


def _by_type(
    sides: tuple[_Scored, _Scored], pairs: Pairs, suite: str, types: Mapping[str, str]
) -> tuple[TypeDifference, ...]:
    scores_a, scores_b = (side.scores[suite] for side in sides)
    grouped: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for (problem_id, _), score_a, score_b in zip(pairs.ids, scores_a, scores_b, strict=True):
        kind = types.get(task_id_of(problem_id))
        if kind is not None:
            grouped[kind].append((score_a, score_b))
    ordered = sorted(grouped.items(), key=lambda group: (-len(group[1]), group[0]))
    rates = [(fmean(a for a, _ in scores), fmean(b for _, b in scores)) for _, scores in ordered]
    differences = [
        difference_of([a for a, _ in scores], [b for _, b in scores]) for _, scores in ordered
    ]
    adjusted = holm([difference.p_value for difference in differences])
    return tuple(
        TypeDifference(
            type=kind,
            rate_a=rate_a,
            rate_b=rate_b,
            difference=difference,
            p_holm=p_holm,
            mark=_mark(difference, p_holm),
        )
        for (kind, _), (rate_a, rate_b), difference, p_holm in zip(
            ordered, rates, differences, adjusted, strict=True
        )
    )


def _mark(difference: Difference, p_holm: float) -> Literal["claim", "exploratory", ""]:
    if difference.claim == "inconclusive":
        return ""
    return "claim" if p_holm < ALPHA else "exploratory"


def _flips(
    sides: tuple[_Scored, _Scored], pairs: Pairs, suite: str, types: Mapping[str, str]
) -> tuple[Flip, ...]:
    side_a, side_b = sides
    found: list[Flip] = []
    scores = zip(pairs.ids, side_a.scores[suite], side_b.scores[suite], strict=True)
    for number, ((_, problem_id), score_a, score_b) in enumerate(scores):
        if score_a == score_b:
            continue
        is_fixed = score_b > score_a
        task_id = task_id_of(problem_id)
        found.append(
            Flip(
                kind="fixed" if is_fixed else "broken",
                task_id=task_id,
                problem_id=problem_id,
                type=types.get(task_id),
                change=score_b - score_a,
                a=side_a.outcome(number, suite, wanted=not is_fixed),
                b=side_b.outcome(number, suite, wanted=is_fixed),
            )
        )
    found.sort(key=lambda f: (f.kind == "broken", -abs(f.change), _natural(f.task_id)))
    return tuple(found)


def _natural(task_id: str) -> list[tuple[int, str]]:
    """HumanEval/9 comes before HumanEval/10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in _DIGITS.split(task_id)]


def _power_note(
    sides: tuple[_Scored, _Scored], suite: str, split: Variances | None
) -> PowerNote | None:
    found = paired_difference(sides[0].scores[suite], sides[1].scores[suite])
    assert found is not None, "pairs hold at least one problem"
    told = power(found.sd, found.num_problems, split, wanted=MARGIN)
    if told is None:
        return None
    return PowerNote(
        wanted=MARGIN,
        num_problems=told.num_problems,
        num_samples=told.num_samples,
        detectable=told.detectable,
    )
