"""Any two places of a ranking, problem by problem: what the page's comparison says.

All pairs at once: wins and losses are products of matrices, and the rest follows from them by the
same formulas as `harness.stats.paired_difference`, which a test holds this against. With several
samples a problem the permutation test is dear: then only pairs that people ask for are tested
(with the best, with the parent, with neighbours).

Not here: the paired report of two runs with their programs (compare.py), the formulas
(harness/stats).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.stats import ALPHA, holm, mcnemar, sign_flip, t_critical, wilson
from leaderboards.board import Rates_R_P
from leaderboards.comparison import Difference, p_text, sentence
from leaderboards.drill import Json
from leaderboards.problems import Typed

MAX_PAIRS = 1600
"""Of one ranking; beyond, each place with the best, its parent and its neighbours."""
Counts_R_R = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """A and B on the problems that both have: B minus A."""

    a: int
    b: int
    num_problems: int
    num_won: int
    """Problems on which B is better."""
    num_lost: int
    difference: tuple[float, float, float]
    """With its 95 % interval."""
    p_value: float
    test: Literal["exact McNemar", "sign-flip permutation"]
    by_type: tuple[float | None, ...]
    """p by type, Holm-adjusted; None where no problem of the type is shared."""

    def turned(self) -> "Pair":
        """The same, A minus B."""
        value, low, high = self.difference
        difference = (-value, -high, -low)
        return Pair(
            self.b, self.a, self.num_problems, self.num_lost, self.num_won,
            difference, self.p_value, self.test, self.by_type,
        )  # fmt: skip


class TypeLine(NamedTuple):
    """One type of a comparison."""

    name: str
    num_problems: int
    rate_a: float
    rate_b: float
    won: int
    lost: int
    claim: str


def pair_sentence(pair: Pair) -> str:
    """The comparison in one sentence; the page's script says the same of any other pair."""
    value, low, high = pair.difference
    claim = "inconclusive" if pair.p_value >= ALPHA else "better" if value > 0 else "worse"
    return sentence(
        Difference(
            value=value,
            low=low,
            high=high,
            p_value=pair.p_value,
            test=pair.test,
            num_problems=pair.num_problems,
            num_fixed=pair.num_won,
            num_broken=pair.num_lost,
            num_tied=pair.num_problems - pair.num_won - pair.num_lost,
            claim=claim,
        )
    )


def pair_json(pair: Pair) -> dict[str, Json]:
    """What the page's script needs of it; the flips themselves it finds in the verdicts."""
    return {
        "w": pair.num_won,
        "l": pair.num_lost,
        "d": [round(number, 5) for number in pair.difference],
        "p": float(f"{pair.p_value:.3g}"),
        "test": pair.test,
        "t": [None if p is None else float(f"{p:.3g}") for p in pair.by_type] or None,
    }


def pairs_of(typed: Typed) -> dict[str, Pair]:
    """The pairs of a ranking that the page can speak of, by `a,b`, a before b."""
    places = typed.ranking.places
    num_places = len(places)
    rates = typed.ranking.rates
    one_each = [bool(np.isin(row[~np.isnan(row)], (0.0, 1.0)).all()) for row in rates]
    wanted = [(a, b) for a in range(num_places) for b in range(a + 1, num_places)]
    if len(wanted) > (MAX_PAIRS if all(one_each) else MAX_PAIRS // 8):
        names = {place.row.name: number for number, place in enumerate(places)}
        parents = [(names.get(place.row.parent or ""), n) for n, place in enumerate(places)]
        kin = {(min(n, p), max(n, p)) for p, n in parents if p is not None and p != n}
        wanted = [(a, b) for a, b in wanted if a == 0 or b == a + 1 or (a, b) in kin]
    columns = [typed.columns[kind] for kind in typed.types]
    binary = [(a, b) for a, b in wanted if one_each[a] and one_each[b]]
    graded = [(a, b) for a, b in wanted if not (one_each[a] and one_each[b])]
    found = [*_binary_pairs(rates, columns, binary), *_graded_pairs(rates, columns, graded)]
    return {f"{pair.a},{pair.b}": pair for pair in found}


def type_lines(typed: Typed, pair: Pair) -> list[TypeLine]:
    """By type, for those who read without JavaScript."""
    rates_a, rates_b = typed.ranking.rates[pair.a], typed.ranking.rates[pair.b]
    found: list[TypeLine] = []
    for kind, p_value in zip(typed.types, pair.by_type, strict=True):
        columns = _shared(rates_a, rates_b, typed.columns[kind])
        if columns and p_value is not None:
            a, b = rates_a[columns], rates_b[columns]
            claim = f"{p_text(p_value)} *" if p_value < ALPHA else p_text(p_value)
            won, lost = int((b > a).sum()), int((b < a).sum())
            found.append(
                TypeLine(kind, len(columns), float(a.mean()), float(b.mean()), won, lost, claim)
            )
    return found


def flips(typed: Typed, pair: Pair) -> tuple[list[str], list[str]]:
    """The problems that B fixes, and those that it breaks, by task ID."""
    rates_a, rates_b = typed.ranking.rates[pair.a], typed.ranking.rates[pair.b]
    names = typed.ranking.problems
    fixed = [names[n] for n in np.flatnonzero(rates_b > rates_a)]
    return fixed, [names[n] for n in np.flatnonzero(rates_b < rates_a)]


def _shared(
    rates_a: npt.NDArray[np.float64], rates_b: npt.NDArray[np.float64], columns: Sequence[int]
) -> list[int]:
    return [n for n in columns if not (math.isnan(rates_a[n]) or math.isnan(rates_b[n]))]


def _binary_pairs(
    rates: Rates_R_P, types: Sequence[Sequence[int]], wanted: Sequence[tuple[int, int]]
) -> Iterator[Pair]:
    """One sample a problem: everything follows from the problems won and lost."""
    passed, failed = (rates == 1.0).astype(np.float64), (rates == 0.0).astype(np.float64)
    won, shared = _won_and_shared(passed, failed)
    by_type = [_won_and_shared(passed[:, columns], failed[:, columns]) for columns in types]
    for a, b in wanted:
        num_problems = int(shared[a, b])
        if not num_problems:
            continue
        num_won, num_lost = int(won[a, b]), int(won[b, a])
        value = (num_won - num_lost) / num_problems
        squares = num_won + num_lost - num_problems * value * value
        p_values = [
            _mcnemar(int(won_t[a, b]), int(won_t[b, a])) if shared_t[a, b] else None
            for won_t, shared_t in by_type
        ]
        yield Pair(
            a=a,
            b=b,
            num_problems=num_problems,
            num_won=num_won,
            num_lost=num_lost,
            difference=_interval(value, squares, num_problems),
            p_value=_mcnemar(num_won, num_lost),
            test="exact McNemar",
            by_type=_adjusted(p_values),
        )


def _won_and_shared(passed: Rates_R_P, failed: Rates_R_P) -> tuple[Counts_R_R, Counts_R_R]:
    """[a, b]: problems that b passed and a failed, and problems that both have."""
    scored = passed + failed
    return failed @ passed.T, scored @ scored.T


_mcnemar = lru_cache(maxsize=1 << 16)(mcnemar)


def _graded_pairs(
    rates: Rates_R_P, types: Sequence[Sequence[int]], wanted: Sequence[tuple[int, int]]
) -> Iterator[Pair]:
    """Several samples a problem."""
    for a, b in wanted:
        differences = rates[b] - rates[a]
        known = differences[~np.isnan(differences)]
        if not known.size:
            continue
        p_values: list[float | None] = []
        for columns in types:
            of_type = differences[list(columns)]
            of_type = of_type[~np.isnan(of_type)]
            p_values.append(sign_flip(of_type.tolist()) if of_type.size else None)
        value = float(known.mean())
        both = rates[[a, b]][:, ~np.isnan(differences)]
        is_binary = bool(np.isin(both, (0.0, 1.0)).all())  # then both tests are one
        yield Pair(
            a=a,
            b=b,
            num_problems=known.size,
            num_won=int((known > 0).sum()),
            num_lost=int((known < 0).sum()),
            difference=_interval(value, float(((known - value) ** 2).sum()), known.size),
            p_value=sign_flip(known.tolist()),
            test="exact McNemar" if is_binary else "sign-flip permutation",
            by_type=_adjusted(p_values),
        )


def _interval(value: float, squares: float, num_problems: int) -> tuple[float, float, float]:
    """The t interval of a mean difference, from the sum of squares around it."""
    if num_problems < 2:
        return value, -1.0, 1.0
    if squares <= 1e-12:  # all alike: what Wilson's interval does not rule out
        unseen = wilson(0, num_problems).high
        return value, (1 - unseen) * value - unseen, (1 - unseen) * value + unseen
    margin = _t(num_problems - 1) * math.sqrt(squares / (num_problems - 1) / num_problems)
    return value, max(-1.0, value - margin), min(1.0, value + margin)


@lru_cache(maxsize=4096)
def _t(num_degrees: int) -> float:
    return t_critical(0.95, num_degrees)


def _adjusted(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return tuple(None if p is None else next(adjusted) for p in p_values)
