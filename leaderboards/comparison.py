"""What a comparison of two runs says: the records that `harness compare --json` prints, in words.

`harness/schemas/compare.json` is their schema, made of them and held against them by a test.

Not here: how they come about (compare.py), tables (report.py).
"""

from typing import Literal

from harness.records import SCHEMA_VERSION, Failure, Record, Status

MARGIN = 0.03
"""The gain that the power note is about, and the drop that `--strict` wants ruled out."""

Claim = Literal["better", "worse", "inconclusive"]


class Rate(Record):
    """A rate in [0, 1] on the shared problems, and its 95 % interval."""

    value: float
    low: float
    high: float


class Side(Record):
    """One of the two runs."""

    run: str
    path: str
    checkpoint: str
    benchmark: str
    profile: str
    rate: Rate
    num_left_out: int
    """Problems of this run that have no partner, or no scored sample on either side."""
    num_unscored: int
    """Samples of this run that are unscored: our failure."""


class Difference(Record):
    """B minus A on some problems, with its 95 % interval and its p-value."""

    value: float
    low: float
    high: float
    p_value: float
    test: Literal["exact McNemar", "sign-flip permutation"]
    num_problems: int
    num_fixed: int
    num_broken: int
    num_tied: int
    claim: Claim
    """What p < 0.05 says of B."""


class TypeDifference(Record):
    """The same for one problem type."""

    type: str
    rate_a: float
    rate_b: float
    difference: Difference
    p_holm: float
    """Adjusted for the number of types: below 0.05 it is a claim."""
    mark: Literal["claim", "exploratory", ""]
    """`exploratory`: below 0.05 by itself, and not among so many types."""


class Spread(Record):
    """The variance of one sample's difference, and what problems and samples add to it."""

    total: float
    data: float
    prediction: float


class PowerNote(Record):
    """What it would take, at p < 0.05 and a power of 80 %."""

    wanted: float
    num_problems: int
    num_samples: int | None
    """None: no number is enough, or what samples vary by is not known."""
    detectable: float
    """The smallest true difference that this comparison shows."""


class Outcome(Record):
    """What one side did on a problem, by the sample that tells."""

    num_passed: int
    num_samples: int
    """Scored ones."""
    index: int
    """Of the sample that is shown: the first that failed on the worse side, else one that passed."""
    status: Status
    suite: str
    """The suite that it failed; the last one where it passed."""
    code: str
    failure: Failure | None
    stderr: str


class Flip(Record):
    """A problem on which the sides differ."""

    kind: Literal["fixed", "broken"]
    task_id: str
    problem_id: str
    """In B's run."""
    type: str | None
    change: float
    """B's score minus A's, in [-1, 1]."""
    a: Outcome
    b: Outcome


class Comparison(Record):
    """What `harness compare` says; `harness/schemas/compare.json` is its schema."""

    schema_version: int = SCHEMA_VERSION
    sentence: str
    a: Side
    b: Side
    suite: str
    """The suite that counts, with all before it."""
    paired_by: Literal["content", "task ID"]
    difference: Difference
    by_suite: dict[str, Difference]
    """The same for each shared suite, each with all before it; the last is `difference`."""
    by_type: tuple[TypeDifference, ...]
    """Commonest type first; empty where types are not known."""
    flips: tuple[Flip, ...]
    """Fixed ones first, then broken ones, the largest change first."""
    spread: Spread | None
    """None with one sample a problem, where it can't be split."""
    power: PowerNote | None
    warnings: tuple[str, ...]

    @property
    def fixed(self) -> tuple[Flip, ...]:
        return tuple(flip for flip in self.flips if flip.kind == "fixed")

    @property
    def broken(self) -> tuple[Flip, ...]:
        return tuple(flip for flip in self.flips if flip.kind == "broken")

    @property
    def is_worse(self) -> bool:
        """B is worse, and not by luck: what `--fail-if-worse` fails at."""
        return self.difference.claim == "worse"

    @property
    def may_be_worse(self) -> bool:
        """A drop of 3 points is not ruled out: what `--strict` fails at too."""
        return self.is_worse or self.difference.low < -MARGIN


# --- in words ------------------------------------------------------------------------------


def sentence(difference: Difference) -> str:
    """
    >>> from leaderboards.compare import difference_of
    >>> sentence(difference_of([0] * 12 + [1] * 152, [1] * 12 + [0] * 5 + [1] * 147))
    'Of 164, B fixes 12 and breaks 5: +4.3 points, 95% CI [−0.7, +9.2], exact McNemar p = 0.14 — not distinguishable.'
    """
    won, lost = difference.num_fixed, difference.num_broken
    if difference.test == "exact McNemar":
        flips = f"B fixes {won} and breaks {lost}"
    else:
        flips = f"B is better on {won} and worse on {lost}"
    claim = {"better": "B is better", "worse": "B is worse"}.get(
        difference.claim, "not distinguishable"
    )
    return (
        f"Of {difference.num_problems}, {flips}: {points(difference.value)} points, 95% CI "
        f"[{points(difference.low)}, {points(difference.high)}], {difference.test} "
        f"{p_text(difference.p_value)} — {claim}."
    )


def points(difference: float) -> str:
    """A difference of rates in points, with its sign.

    >>> points(0.0427), points(-0.007), points(-0.0001)
    ('+4.3', '−0.7', '0.0')
    """
    tenths = round(1000 * difference)
    sign = "+" if tenths > 0 else "−" if tenths < 0 else ""
    return f"{sign}{abs(tenths) / 10:.1f}"


def p_text(p_value: float) -> str:
    """
    >>> p_text(0.143), p_text(0.0312), p_text(0.00004)
    ('p = 0.14', 'p = 0.031', 'p < 0.001')
    """
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def power_sentence(comparison: Comparison) -> str | None:
    """What it would take to see more; None where the comparison is conclusive or says nothing."""
    note = comparison.power
    if note is None or comparison.difference.claim != "inconclusive":
        return None
    takes = f"≈ {note.num_problems:,} problems like these"
    if note.num_samples is not None:
        takes += f", or {note.num_samples} samples a problem"
    elif comparison.spread is not None:
        takes += " (no number of samples a problem is enough)"
    return (
        f"To see {points(note.wanted)} points here you need {takes}; as it is, "
        f"{points(note.detectable)} would show (4 times in 5)."
    )
