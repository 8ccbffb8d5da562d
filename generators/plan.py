"""Divide a budget of rows among problem types: a pure function of recorded numbers.

    plan = make_plan(weaknesses, Wanted(budget=1000, teacher="grammar@1", types=teacher.types))

Each type is routed by its shrunk rate p: below 0.1 to easier variants; above 0.9 to review (5 % of
the budget, one level harder); between, and where too little was seen to say, to rows at its level.
Little evidence is near the mean, so it tilts the budget but little, and is neither eased nor retired.
A rule weighs the types:

    failure       1 - p: for SFT, whose worked solutions teach from p = 0 (the default)
    learnability  p (1 - p), more where p has risen since the last plan: for RL, which learns
                  nothing from p near 0 or 1
    thompson      p (1 - p) of a p drawn from what is known of the type
    cost          learnability times the share of proposals that became rows last time
    uniform       all alike: the control without steering
    shuffled      the quotas of `failure`, dealt out to other types: the control of where

30 % of the budget is divided equally whatever the weights say, no type gets more than three equal
shares, and whole rows are dealt out by largest remainder. With a dataset of the round before, a
quarter of the rows is replayed from it.

Not here: measuring (harness/weakness.py), and making the rows (generate.py).
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from harness.records import DataPlan, Quota, Route, Rule, Uncovered, Weakness
from harness.weakness import KAPPA

EXPLORATION = Fraction(3, 10)
CAP = 3
"""Equal shares that one type may get."""
REPLAY_SHARE = Fraction(1, 4)
REVIEW_SHARE = Fraction(1, 20)
EASIER_BELOW, REVIEW_ABOVE = 0.1, 0.9
FIRST_LEVEL, LOWEST, HIGHEST = 2, 1, 4
PROGRESS = 1.0
"""How much a rise of p since the last plan adds to `learnability` (the lambda of the formula)."""
LEAST_PROGRESS = 0.1
"""What is left of a type's weight where p fell."""
CONTROLS: tuple[Rule, ...] = ("uniform", "shuffled")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a plan, beside the weaknesses."""

    budget: int
    teacher: str
    """`<name>@<version>`."""
    types: Sequence[str]
    """What the teacher can write."""
    rule: Rule = "failure"
    seed: int = 0
    runs: tuple[str, ...] = ()
    libraries: tuple[Weakness, ...] = ()
    """By domain of libraries, where tasks need some: no teacher here writes such."""
    previous: DataPlan | None = None
    """The plan of the round before: levels and rates go on from it."""
    parents: tuple[str, ...] = ()
    """Datasets of the rounds before, the last one first."""
    yields: Mapping[str, float] = field(default_factory=dict[str, float])
    """By type, the share of proposals that became rows; 1 where it is not known."""


class _Standing(NamedTuple):
    """What is known of one type."""

    type: str
    weakness: Weakness | None
    overall: float
    """The rate over all types."""
    level: int
    route: Route
    rise: float
    """Of the shrunk rate since the last plan."""

    @property
    def rate(self) -> float:
        """What the rules are applied to. The less was seen, the nearer it is to the overall rate."""
        return self.overall if self.weakness is None else self.weakness.shrunk


def make_plan(weaknesses: Sequence[Weakness], wanted: Wanted) -> DataPlan:
    """The plan; the same arguments give the same plan.

    Raises:
        ValueError: no budget, or a teacher of no types.
    """
    if wanted.budget < 1 or not wanted.types:
        raise ValueError("a plan needs a budget of rows and a type to spend it on")
    num_replay = math.floor(REPLAY_SHARE * wanted.budget) if wanted.parents else 0
    num_new = wanted.budget - num_replay
    standings = _standings(weaknesses, wanted)
    is_review = wanted.rule != "uniform"
    reviewed = [each for each in standings if is_review and each.route == "review"]
    active = [each for each in standings if each not in reviewed]
    num_review = math.floor(REVIEW_SHARE * num_new) if active else num_new
    num_review = num_review if reviewed else 0
    weights = _weights(active, wanted)
    num_rows = allocate(num_new - num_review, weights) | allocate(
        num_review, {each.type: 1.0 for each in reviewed}
    )
    if wanted.rule == "shuffled":
        num_rows = _dealt_out(num_rows, wanted.seed)
    shares = _Shares(num_new - num_review, weights, num_rows)
    quotas = [
        Quota(
            type=each.type,
            num_rows=num_rows[each.type],
            level=each.level,
            route=each.route,
            weight=round(weights.get(each.type, 0.0), 6),
            reason=_reason(each, wanted.rule, shares),
        )
        for each in standings
    ]
    return DataPlan(
        rule=wanted.rule,
        budget=wanted.budget,
        seed=wanted.seed,
        teacher=wanted.teacher,
        quotas=tuple(sorted(quotas, key=lambda quota: (-quota.num_rows, quota.type))),
        num_replay=num_replay,
        parents=wanted.parents,
        uncovered=uncovered(weaknesses, wanted),
        weaknesses=tuple(sorted(weaknesses, key=lambda weakness: weakness.type)),
        runs=wanted.runs,
        exploration=float(EXPLORATION),
        cap=CAP,
    )


# --- routes ----------------------------------------------------------------------------------


def _standings(weaknesses: Sequence[Weakness], wanted: Wanted) -> list[_Standing]:
    known = {weakness.type: weakness for weakness in weaknesses}
    num_problems = sum(weakness.num_problems for weakness in weaknesses)
    num_passed = sum(weakness.num_problems * weakness.rate for weakness in weaknesses)
    overall = num_passed / num_problems if num_problems else 0.5
    before = {quota.type: quota for quota in wanted.previous.quotas} if wanted.previous else {}
    rates_before = (
        {weakness.type: weakness.shrunk for weakness in wanted.previous.weaknesses}
        if wanted.previous
        else {}
    )
    standings: list[_Standing] = []
    for name in sorted(wanted.types):
        weakness = known.get(name)
        route = _route(weakness)
        level = before[name].level if name in before else FIRST_LEVEL
        level += {"easier": -1, "review": 1}.get(route, 0)
        rise = weakness.shrunk - rates_before.get(name, weakness.shrunk) if weakness else 0.0
        standings.append(
            _Standing(name, weakness, overall, min(max(level, LOWEST), HIGHEST), route, rise)
        )
    return standings


def _route(weakness: Weakness | None) -> Route:
    if weakness is None or not weakness.enough:
        return "unproven"
    if weakness.shrunk < EASIER_BELOW:
        return "easier"
    return "review" if weakness.shrunk > REVIEW_ABOVE else "generate"


def uncovered(weaknesses: Sequence[Weakness], wanted: Wanted) -> tuple[Uncovered, ...]:
    """Types and domains of libraries with failures that the teacher can't write, largest first."""
    total = sum(map(_num_failed, weaknesses))
    beyond = [each for each in weaknesses if each.type not in wanted.types]
    found = [
        Uncovered(
            type=each.type,
            share_of_failures=round(_num_failed(each) / total, 4),
            reason=_seen(each),
        )
        for each in (*beyond, *wanted.libraries)
        if _num_failed(each) > 0
    ]
    return tuple(sorted(found, key=lambda each: (-each.share_of_failures, each.type)))


def _num_failed(weakness: Weakness) -> float:
    """In problems."""
    return weakness.num_problems * (1 - weakness.rate)


# --- weights and rows ------------------------------------------------------------------------


def _weights(standings: Sequence[_Standing], wanted: Wanted) -> dict[str, float]:
    draw = random.Random(wanted.seed)
    weights: dict[str, float] = {}
    for each in standings:
        rate = each.rate
        match wanted.rule:
            case "uniform":
                weight = 1.0
            case "failure" | "shuffled":
                weight = 1 - rate
            case "thompson":
                drawn = draw.betavariate(*_beta(each))
                weight = drawn * (1 - drawn)
            case "learnability" | "cost":
                weight = rate * (1 - rate) * max(LEAST_PROGRESS, 1 + PROGRESS * each.rise)
                if wanted.rule == "cost":
                    weight *= wanted.yields.get(each.type, 1.0)
        weights[each.type] = max(weight, 0.0)
    return weights


def _beta(standing: _Standing) -> tuple[float, float]:
    """Parameters of what is known of the type's rate: the trials seen, and those of the shrinkage."""
    seen = standing.weakness.num_problems if standing.weakness else 0
    trials = KAPPA + seen
    rate = min(max(standing.rate, 1e-3), 1 - 1e-3)
    return rate * trials, (1 - rate) * trials


def allocate(num_rows: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Whole rows by weight, with the exploration floor and the cap, by largest remainder.

    They add up to `num_rows`; a larger weight never gets fewer; ties go by name. Weights that
    are all 0 are equal ones.

    >>> allocate(10, {"dp": 3.0, "regex": 1.0})
    {'dp': 7, 'regex': 3}
    """
    if not weights:
        return {}
    num_types = len(weights)
    exact = {name: Fraction(weight) for name, weight in weights.items()}
    total = sum(exact.values())
    shares = {
        name: (1 - EXPLORATION) * (weight / total if total else Fraction(1, num_types))
        + EXPLORATION / num_types
        for name, weight in exact.items()
    }
    shares = _capped(shares, Fraction(CAP, num_types))
    most = max(1, CAP * num_rows // num_types)
    rows = {name: min(most, math.floor(share * num_rows)) for name, share in shares.items()}
    by_remainder = sorted(
        shares, key=lambda name: (rows[name] - shares[name] * num_rows, -shares[name], name)
    )
    left = num_rows - sum(rows.values())
    while left:
        for name in by_remainder:
            if left and rows[name] < most:
                rows[name] += 1
                left -= 1
    return rows


def _capped(shares: dict[str, Fraction], cap: Fraction) -> dict[str, Fraction]:
    """No share above the cap; what is cut off goes to the others in proportion."""
    held: set[str] = set()
    while above := [name for name, share in shares.items() if share > cap and name not in held]:
        held.update(above)
        free = {name: share for name, share in shares.items() if name not in held}
        room = 1 - cap * len(held)
        if not free:
            return dict.fromkeys(shares, Fraction(1, len(shares)))
        scale = room / sum(free.values())
        shares = {name: cap if name in held else shares[name] * scale for name in shares}
    return shares


def _dealt_out(num_rows: Mapping[str, int], seed: int) -> dict[str, int]:
    """The same quotas for other types."""
    names = sorted(num_rows)
    dealt = [num_rows[name] for name in names]
    random.Random(seed).shuffle(dealt)
    return dict(zip(names, dealt, strict=True))


# --- reasons ---------------------------------------------------------------------------------


class _Shares(NamedTuple):
    budget: int
    weights: Mapping[str, float]
    num_rows: Mapping[str, int]

    @property
    def most(self) -> int:
        return max(1, CAP * self.budget // max(1, len(self.weights)))


def _reason(standing: _Standing, rule: Rule, shares: _Shares) -> str:
    weakness = standing.weakness
    seen = "no problem of it was measured" if weakness is None else _seen(weakness)
    match standing.route:
        case "review" if rule != "uniform":
            what = f"solved as far as this tells: review only, at level {standing.level}"
        case "easier":
            what = f"hardly ever solved: easier variants, level {standing.level}"
        case "unproven":
            what = "too little to retire or ease it, so its shrunk rate tilts the budget a little"
            if weakness is None:
                what = "weighs like the average type"
        case _:
            what = f"rows at level {standing.level}"
    if rule == "uniform":
        return f"{seen}; {what}; an equal share"
    if rule == "shuffled":
        return f"{seen}; a quota dealt out by chance, as a control"
    if standing.route == "review":
        return f"{seen}; {what}"
    total = sum(shares.weights.values())
    part = shares.weights[standing.type] / total if total else 1 / len(shares.weights)
    bound = ""
    if len(shares.weights) > CAP and shares.num_rows[standing.type] >= shares.most:
        bound = f", held at the cap of {CAP} equal shares"
    return f"{seen}; {what}; {part:.1%} by {rule}{bound}"


def _seen(weakness: Weakness) -> str:
    text = (
        f"passes {weakness.rate:.0%} of {weakness.num_problems} problems "
        f"(90 % interval {weakness.low:.0%} to {weakness.high:.0%}; shrunk {weakness.shrunk:.0%})"
    )
    if weakness.commonest_status is not None:
        text += f", fails mostly by {weakness.commonest_status.value}"
    return text
