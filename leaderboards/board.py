"""Runs → a board: one row a checkpoint, one ranking a benchmark, ranks that ties share.

    board = make_board(Tallies().read([home]), rounds=read_rounds([home]).rounds)
    for ranking in board.rankings:
        for place in ranking.places: print(place.rank, place.row.name, place.score)

A ranking orders checkpoints by their estimate. They share a rank where a paired test on the
problems that both solved can't tell them from the leader of their tier. What is no measurement of
the whole benchmark (more than 1 % unscored, only some problems) stands below, unranked, with the
reason.

Not here: reading (tallies.py, rounds.py), the formulas (harness/stats), what it looks like
(table.py, export.py, page/).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.records import PUBLISHED, Checkpoint, Round, utc_now
from harness.stats import Estimate, estimate_pass_at_k, paired_difference, tiers
from leaderboards.pairing import task_id_of
from leaderboards.rounds import Guard
from leaderboards.tallies import Found, RunTally

if TYPE_CHECKING:  # the client that it stands beside takes a while to import
    from harness.models.endpoint import Price

MAX_UNSCORED = 0.01
"""A run with a greater share of unscored samples is not ranked."""
Contamination = Literal["checked", "unchecked"]

Rates_R_P = npt.NDArray[np.float64]
"""Runs × problems: the share of the scored samples that passed; NaN where none was scored."""


@dataclass(frozen=True, slots=True)
class Row:
    """One checkpoint: its runs of all benchmarks."""

    name: str
    """As the user called it; with some of its identity where two checkpoints are called so."""
    checkpoint: Checkpoint
    parent: str | None = None
    """Name of the checkpoint that it was trained from; None where no round says so."""
    round: int | None = None
    """Number of the round that made it."""
    decision: str | None = None
    """What that round decided of it: promoted, rejected or inconclusive."""
    dataset: str | None = None
    """SHA of what it was trained on."""

    @property
    def size(self) -> str | None:
        """Parameters, as the name has them.

        >>> from harness.records import Checkpoint
        >>> names = ("Qwen2.5-Coder-7B-Instruct", "step-400")
        >>> [Row(n, Checkpoint(kind="model", name=n, source=n, identity="")).size for n in names]
        ['7B', None]
        """
        found = re.search(r"(?<![\w.])(\d+(?:\.\d+)?[bBmM])(?![a-zA-Z0-9])", self.name)
        return found.group(1).upper() if found else None


@dataclass(frozen=True, slots=True)
class Place:
    """One run in a ranking."""

    row: Row
    tally: RunTally
    rates: Mapping[str, Estimate]
    """pass@1 by suite; `plus` is base and plus. Empty where nothing is scored."""
    rank: int | None
    """The place of its tier's leader, counted from 1; None: not ranked."""
    unranked: str
    """Why it has no rank; empty where it has one."""
    notes: tuple[str, ...]
    """What a reader of the number has to know."""
    contamination: Contamination | None
    """Whether the training data was held against this benchmark; None is not known."""
    cost: float | None
    """Of all its samples, by the user's table of prices; None is not known."""
    num_others: int = 0
    """Runs of this checkpoint on this benchmark that are not shown: earlier ones."""

    @property
    def score(self) -> Estimate | None:
        """The estimate that ranks: the last suite, with all before it."""
        return self.rates.get(self.tally.config.suites[-1]) if self.tally.config.suites else None

    @property
    def published(self) -> bool:
        return self.tally.config.profile == PUBLISHED

    @property
    def partial(self) -> bool:
        return self.tally.num_problems < self.tally.config.num_problems


@dataclass(frozen=True)
class Ranking:
    """The checkpoints on one benchmark under one grading profile, the best one first."""

    benchmark: str
    profile: str
    """Of all its runs but the published ones, which stand beside them."""
    version: str
    """Hash of the benchmark; empty where only published runs are ranked."""
    places: tuple[Place, ...]
    problems: tuple[str, ...]
    """Publishers' task IDs of all problems that any run scored, in natural order."""

    @property
    def key(self) -> str:
        return " ".join(part for part in (self.benchmark, self.profile, self.version[:8]) if part)

    @cached_property
    def rates(self) -> Rates_R_P:
        """In the order of `places` and `problems`, of the suite that ranks."""
        return _rates([place.tally for place in self.places], self.problems)

    @cached_property
    def num_informative(self) -> int:
        """Problems on which the ranked runs differ: all others say nothing about their order."""
        ranked = [n for n, place in enumerate(self.places) if place.rank is not None]
        if len(ranked) < 2:
            return 0
        rates = self.rates[ranked]
        low = np.where(np.isnan(rates), np.inf, rates).min(axis=0)
        high = np.where(np.isnan(rates), -np.inf, rates).max(axis=0)
        return int(np.count_nonzero(high > low))


@dataclass(frozen=True, slots=True)
class Board:
    """All of it."""

    rankings: tuple[Ranking, ...]
    """The one with most rows first."""
    rounds: tuple[Round, ...]
    warnings: tuple[str, ...]
    made: datetime

    @property
    def rows(self) -> list[Row]:
        """Every checkpoint once, in the order of the rankings."""
        found = {place.row.name: place.row for r in self.rankings for place in r.places}
        return list(found.values())


class _Key(NamedTuple):
    """What has to be the same for two runs to be ranked together."""

    benchmark: str
    profile: str
    version: str
    """The benchmark's hash; empty where only published runs are ranked."""


class _Extras(NamedTuple):
    """What a place knows beyond its run."""

    prices: "Mapping[str, Price]"
    guards: Mapping[str, Guard]


def make_board(
    found: Found,
    *,
    rounds: Sequence[Round] = (),
    guards: Mapping[str, Guard] | None = None,
    prices: "Mapping[str, Price] | None" = None,
    warnings: Sequence[str] = (),
    benchmark: str | None = None,
) -> Board:
    """The board of what was read.

    `guards` say by the SHA of a dataset what it was held against; `prices` are the user's, by the
    name of the model. `benchmark` leaves one alone.
    """
    rows = _rows(found.tallies, rounds)
    groups: defaultdict[_Key, list[RunTally]] = defaultdict(list)
    for tally in found.tallies:
        config = tally.config
        if benchmark in (None, config.benchmark):
            # Published files say little of their benchmark's version: they stand beside ours.
            version = "" if config.profile == PUBLISHED else config.benchmark_hash
            groups[_Key(config.benchmark, config.profile, version)].append(tally)
    extras = _Extras(prices or {}, guards or {})
    rankings = [
        _ranking(key, tallies, rows, extras) for key, tallies in _with_published(groups).items()
    ]
    rankings.sort(key=lambda ranking: (-len(ranking.places), ranking.key))
    return Board(tuple(rankings), tuple(rounds), (*found.warnings, *warnings), utc_now())


def _with_published(groups: Mapping[_Key, list[RunTally]]) -> dict[_Key, list[RunTally]]:
    """Published runs stand in the ranking of their benchmark that has most runs of our own."""
    merged = {key: list(tallies) for key, tallies in groups.items() if key.profile != PUBLISHED}
    ours = list(merged)
    for published, tallies in groups.items():
        if published.profile == PUBLISHED:
            beside = [key for key in ours if key.benchmark == published.benchmark]
            key = max(beside, key=lambda key: len(groups[key]), default=published)
            merged.setdefault(key, []).extend(tallies)
    return merged


def _row_key(checkpoint: Checkpoint) -> tuple[str, str]:
    """Files of one name are one row: a file holds one benchmark, and a model has many."""
    by_name = checkpoint.kind in ("replay", "published")
    return checkpoint.name, "" if by_name else checkpoint.identity


def _rows(tallies: Iterable[RunTally], rounds: Sequence[Round]) -> dict[tuple[str, str], Row]:
    checkpoints = {_row_key(tally.config.checkpoint): tally.config.checkpoint for tally in tallies}
    num_called = Counter(name for name, identity in checkpoints if identity)
    made_by = {made.child.identity: made for made in rounds if made.child is not None}
    rows: dict[tuple[str, str], Row] = {}
    for key, checkpoint in checkpoints.items():
        made = made_by.get(checkpoint.identity)
        clashes = num_called[checkpoint.name] > 1 and key[1]
        rows[key] = Row(
            name=f"{checkpoint.name} ({key[1][:6]})" if clashes else checkpoint.name,
            checkpoint=checkpoint,
            parent=made.parent.name if made else None,
            round=made.number if made else None,
            decision=made.decision if made else None,
            dataset=made.dataset if made else None,
        )
    return rows


def _ranking(
    key: _Key,
    tallies: Sequence[RunTally],
    rows: Mapping[tuple[str, str], Row],
    extras: "_Extras",
) -> Ranking:
    by_row: defaultdict[tuple[tuple[str, str], bool], list[RunTally]] = defaultdict(list)
    for tally in tallies:
        published = tally.config.profile == PUBLISHED
        by_row[_row_key(tally.config.checkpoint), published].append(tally)
    places: list[Place] = []
    for (row, _), runs in by_row.items():
        shown = max(runs, key=lambda tally: (tally.num_problems, tally.run.modified))
        places.append(
            Place(
                row=rows[row],
                tally=shown,
                rates=_estimates(shown),
                rank=None,
                unranked=_why_unranked(shown),
                notes=tuple(_notes(shown, key.version)),
                contamination=_contamination(rows[row], shown, extras.guards),
                cost=_cost(shown, extras.prices),
                num_others=len(runs) - 1,
            )
        )
    problems = {task_id_of(problem) for place in places for problem in place.tally.problems}
    ordered = tuple(sorted(problems, key=_natural))
    return Ranking(
        key.benchmark, key.profile, key.version, tuple(_ranked(places, ordered)), ordered
    )


def _ranked(places: Sequence[Place], problems: Sequence[str]) -> list[Place]:
    """Best first, with ranks; those without a rank at the end."""

    def by_score(place: Place) -> tuple[float, str]:
        return -place.score.value if place.score else 0.0, place.row.name

    able = sorted((place for place in places if not place.unranked), key=by_score)
    rates = _rates([place.tally for place in able], problems)
    ranked = [replace(place, rank=rank) for place, rank in zip(able, _ranks(rates), strict=True)]
    return ranked + sorted((place for place in places if place.unranked), key=by_score)


def _ranks(rates: Rates_R_P) -> list[int]:
    """The rank of each row of rates, which stand best first: the place of its tier's leader."""

    def is_below(row: int, leader: int) -> bool:
        both = ~np.isnan(rates[row]) & ~np.isnan(rates[leader])
        found = paired_difference(rates[leader][both].tolist(), rates[row][both].tolist())
        return found is not None and found.is_significant and found.value < 0

    numbers = tiers(range(len(rates)), is_below)
    return [numbers.index(number) + 1 for number in numbers]


def _natural(task: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", task)]


def _rates(tallies: Sequence[RunTally], problems: Sequence[str]) -> Rates_R_P:
    column = {problem: number for number, problem in enumerate(problems)}
    rates = np.full((len(tallies), len(problems)), np.nan)
    for row, tally in enumerate(tallies):
        for problem, counted in tally.problems.items():
            rates[row, column[task_id_of(problem)]] = counted.num_passed[-1] / counted.num_scored
    return rates


def _estimates(tally: RunTally) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for position, suite in enumerate(tally.config.suites):
        counts = [(each.num_scored, each.num_passed[position]) for each in tally.problems.values()]
        estimate = estimate_pass_at_k(counts, 1)
        if estimate is not None:
            found[suite] = estimate
    return found


def _why_unranked(tally: RunTally) -> str:
    if not tally.num_scored:
        return "nothing is scored"
    if tally.num_unscored > MAX_UNSCORED * tally.num_samples:
        return f"{tally.num_unscored / tally.num_samples:.1%} unscored"
    if tally.num_problems < tally.config.num_problems:
        return f"{tally.num_problems} of {tally.config.num_problems} problems"
    return ""


def _notes(tally: RunTally, version: str) -> list[str]:
    config = tally.config
    notes: list[str] = []
    if config.profile == PUBLISHED:
        notes.append("imported: verdicts as published, by another judge")
    if version and config.benchmark_hash != version:
        notes.append("another version of the benchmark: paired by task ID")
    return notes


def _contamination(row: Row, tally: RunTally, guards: Mapping[str, Guard]) -> Contamination | None:
    guard = guards.get(row.dataset) if row.dataset else None
    if guard is None:
        return None
    return "checked" if tally.config.benchmark in guard.benchmarks else "unchecked"


def _cost(tally: RunTally, prices: "Mapping[str, Price]") -> float | None:
    price = prices.get(tally.config.checkpoint.name)
    if price is None or tally.total_tokens is None:
        return None
    tokens_in, tokens_out = tally.total_tokens
    return (tokens_in * price.input + tokens_out * price.output) / 1e6
