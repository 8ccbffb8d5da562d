"""Two runs on the same problems: always paired, because the problems are the larger noise.

    difference = paired_difference(scores_a_P, scores_b_P)     # B minus A
    power(difference.sd, len(scores_a_P), variances)           # what it would take to see more

Scores are means over a problem's samples, in the same order on both sides.

Not here: which problems are paired (leaderboards/compare.py), many types at once (multiple.py).
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist, fmean, stdev
from typing import Literal, NamedTuple

from harness.stats.distributions import (
    binomial_two_sided,
    check_confidence,
    t_critical,
    t_two_sided,
)
from harness.stats.rates import Interval, resampled_means, wilson

ALPHA = 0.05
"""A difference with a p-value below this is called one."""

_MAX_CELLS = 400_000
_MAX_DENOMINATOR = 10_000


class PairedDifference(NamedTuple):
    """The mean over problems of B's score minus A's, its interval and its p-value."""

    value: float
    low: float
    high: float
    p_value: float
    test: Literal["exact McNemar", "sign-flip permutation"]
    num_problems: int
    num_won: int
    """Problems on which B's score is higher."""
    num_lost: int
    sd: float
    """Standard deviation of the differences; 0 where all are equal."""

    @property
    def num_tied(self) -> int:
        return self.num_problems - self.num_won - self.num_lost

    @property
    def is_significant(self) -> bool:
        return self.p_value < ALPHA


class Variances(NamedTuple):
    """What one sample's difference of one problem varies by, in two parts that add up."""

    total: float
    data: float
    """Between problems: what more problems average out, and more samples don't."""
    prediction: float
    """Between samples of one problem, of both runs: what more samples average out too."""


class Power(NamedTuple):
    """What a comparison can see, with 80 % chance at p < 0.05."""

    detectable: float
    """The smallest true difference that this many problems and samples show."""
    num_problems: int
    """Problems that the wanted difference needs, with as many samples as now."""
    num_samples: int | None
    """Samples a problem that it needs on the problems there are; None where no number is
    enough, or where the noise of samples is not known because there is one a problem."""


def paired_difference(
    scores_a_P: Sequence[float], scores_b_P: Sequence[float], confidence: float = 0.95
) -> PairedDifference | None:
    """B minus A with a t interval over problems; None where there is no problem.

    The p-value is McNemar's exact one where every score is 0 or 1 (one sample a problem), else
    that of a sign-flip permutation. Equal differences on all problems have no spread; then the
    interval allows what Wilson's does not rule out: a share u = wilson(0, n).high of problems
    that differ as much as they can. One problem: nothing is known, (-1, 1).

    >>> won, lost = [(0, 1)] * 12, [(1, 0)] * 5
    >>> difference = paired_difference(*zip(*won, *lost, *[(1, 1)] * 147))
    >>> [round(100 * x, 1) for x in difference[:3]], round(difference.p_value, 2)
    ([4.3, -0.7, 9.2], 0.14)

    Raises:
        ValueError: the sides have different lengths.
    """
    differences_P = [b - a for a, b in zip(scores_a_P, scores_b_P, strict=True)]
    num_problems = len(differences_P)
    if not differences_P:
        return None
    value = fmean(differences_P)
    won = sum(difference > 0 for difference in differences_P)
    lost = sum(difference < 0 for difference in differences_P)
    is_binary = all(score in (0, 1) for score in (*scores_a_P, *scores_b_P))
    p_value = mcnemar(won, lost) if is_binary else sign_flip(differences_P)
    sd = stdev(differences_P) if num_problems > 1 else 0.0
    low, high = -1.0, 1.0
    if num_problems > 1 and sd > 0:
        margin = t_critical(confidence, num_problems - 1) * sd / math.sqrt(num_problems)
        low, high = max(-1.0, value - margin), min(1.0, value + margin)
    elif num_problems > 1:
        unseen = wilson(0, num_problems, confidence).high
        low, high = (1 - unseen) * value - unseen, (1 - unseen) * value + unseen
    return PairedDifference(
        value=value,
        low=low,
        high=high,
        p_value=p_value,
        test="exact McNemar" if is_binary else "sign-flip permutation",
        num_problems=num_problems,
        num_won=won,
        num_lost=lost,
        sd=sd,
    )


def mcnemar(num_won: int, num_lost: int) -> float:
    """McNemar's exact p-value: under no difference, each discordant problem is a fair coin.

    (McNemar 1947; exact: the binomial test.) Five or fewer discordant problems show nothing.

    >>> mcnemar(12, 5), mcnemar(5, 0)
    (0.1434631347656..., 0.0625)
    """
    return binomial_two_sided(min(num_won, num_lost), num_won + num_lost)


def paired_t(differences_P: Sequence[float]) -> float:
    """The p-value of the paired t test: 1 where all differences are 0, 0 where all are equal.

    >>> round(paired_t([1] * 12 + [-1] * 5 + [0] * 147), 4)
    0.0896

    Raises:
        ValueError: fewer than two problems.
    """
    if len(differences_P) < 2:
        raise ValueError(f"{len(differences_P)} problems have no t test")
    mean, sd = fmean(differences_P), stdev(differences_P)
    if sd == 0:
        return 1.0 if mean == 0 else 0.0
    return t_two_sided(mean / sd * math.sqrt(len(differences_P)), len(differences_P) - 1)


def paired_bootstrap(
    differences_P: Sequence[float],
    confidence: float = 0.95,
    *,
    num_resamples: int = 9999,
    seed: int = 0,
) -> Interval:
    """The percentile interval of the mean difference, resampling problems (Efron 1979).

    Both runs' scores of a problem are drawn together: that is what makes it paired.

    Raises:
        ValueError: there is no problem, or a confidence outside (0, 1).
    """
    check_confidence(confidence)
    if not differences_P:
        raise ValueError("no problems have no interval")
    import numpy as np

    means_B = resampled_means(differences_P, num_resamples, seed)
    low, high = np.quantile(means_B, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def sign_flip(differences_P: Sequence[float], *, num_draws: int = 99_999, seed: int = 0) -> float:
    """The p-value of the sign-flip permutation test of a mean difference of 0.

    Were there no difference, every problem's could as well have the other sign: p is the share
    of the 2^N sign patterns whose sum is at least as far from 0 (Fisher 1935, section 21).
    Scores of k samples are multiples of 1/k, so the sums lie on a grid and all patterns are
    counted at once, one convolution a problem. Where the grid is too fine, `num_draws` patterns
    are drawn, and p is (1 + as far) / (1 + drawn), which never claims too much.

    >>> sign_flip([1, 1, 1, 0]), sign_flip([0.5, 0.5, -0.25])
    (0.25, 0.5)
    """
    flippable = [abs(difference) for difference in differences_P if difference]
    if not flippable:
        return 1.0
    observed = abs(math.fsum(differences_P))
    grid = _on_a_grid(flippable)
    if grid is not None:
        return _exact_sign_flip(grid, differences_P)
    import numpy as np

    sizes_P = np.asarray(flippable)
    random = np.random.default_rng(seed)
    num_as_far, rows = 0, max(1, _MAX_CELLS // len(flippable))
    # A pattern that mirrors the observed one is as far, whatever its last bit says.
    limit = observed * (1 - 1e-12)
    for start in range(0, num_draws, rows):
        count = min(rows, num_draws - start)
        signs = random.integers(0, 2, (count, len(flippable)), dtype=np.int8) * 2 - 1
        num_as_far += int((np.abs(signs @ sizes_P) >= limit).sum())
    return (1 + num_as_far) / (1 + num_draws)


class _Grid(NamedTuple):
    step: Fraction
    sizes: list[int]
    """The differences that are not 0, without their signs, in steps."""


def _on_a_grid(sizes: Sequence[float]) -> _Grid | None:
    """The differences as whole multiples of one step; None where that is too fine to count."""
    denominator = 1
    for size in set(sizes):
        near = Fraction(size).limit_denominator(_MAX_DENOMINATOR)
        if abs(float(near) - size) > 1e-12:
            return None
        denominator = math.lcm(denominator, near.denominator)
        if denominator > _MAX_DENOMINATOR:
            return None
    steps = [round(size * denominator) for size in sizes]
    return _Grid(Fraction(1, denominator), steps) if sum(steps) <= _MAX_CELLS else None


def _exact_sign_flip(grid: _Grid, differences_P: Sequence[float]) -> float:
    """The share of sign patterns whose sum is as far from 0, by the distribution of the sum."""
    import numpy as np

    total = sum(grid.sizes)
    # chance[s] is that of the sum 2 s - total: each problem adds its size, or does not.
    chance = np.zeros(total + 1)
    chance[0] = 1.0
    reach = 0
    for size in grid.sizes:
        reach += size
        chance[: reach + 1] *= 0.5
        chance[size : reach + 1] += chance[: reach + 1 - size].copy()
    observed = abs(round(math.fsum(differences_P) / float(grid.step)))
    fewest = (total - observed) // 2  # the observed sum itself is one of the grid
    tail = float(chance[: fewest + 1].sum())
    return min(1.0, 2 * tail) if observed else 1.0


def variance_split(
    samples_a: Sequence[Sequence[float]], samples_b: Sequence[Sequence[float]]
) -> Variances | None:
    """The variance of one sample's difference, split into that of problems and of samples.

    One row of scores a problem on each side. By the law of total variance, with unbiased parts:
    prediction = mean_i(s2_A,i + s2_B,i), data = var_i(mean_B,i - mean_A,i) less what of the
    former is left in the means, total = data + prediction (Wang, arXiv 2512.21326). `data` may
    come out slightly below 0, as unbiased estimates do. None where a problem has fewer than two
    samples on a side: the noise of one sample can't be told from that of problems.

    Raises:
        ValueError: the sides have different numbers of problems.
    """
    pairs = list(zip(samples_a, samples_b, strict=True))
    if len(pairs) < 2 or any(len(a) < 2 or len(b) < 2 for a, b in pairs):
        return None
    noises = [(_variance(a), len(a), _variance(b), len(b)) for a, b in pairs]
    prediction = fmean(var_a + var_b for var_a, _, var_b, _ in noises)
    left = fmean(var_a / num_a + var_b / num_b for var_a, num_a, var_b, num_b in noises)
    data = _variance([fmean(b) - fmean(a) for a, b in pairs]) - left
    return Variances(data + prediction, data, prediction)


def _variance(values: Sequence[float]) -> float:
    """As `statistics.variance`, which is exact in fractions, and slow a thousand times over."""
    mean = fmean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def power(
    sd: float,
    num_problems: int,
    variances: Variances | None = None,
    *,
    wanted: float = 0.03,
) -> Power | None:
    """What it takes to see a true difference of `wanted`, and what can be seen as it is.

    n = ((z_0.975 + z_0.8) sd / wanted)^2, the sample size of a paired test at p < 0.05 and a
    power of 80 %; in k, the same with sd^2 = data + prediction / k. None where all differences
    are equal, or there are fewer than two: their spread is not known.

    >>> power(0.32, 164)
    Power(detectable=0.0700..., num_problems=894, num_samples=None)

    Raises:
        ValueError: `wanted` is not above 0.
    """
    if wanted <= 0:
        raise ValueError(f"a difference of {wanted} is not above 0")
    if sd == 0 or num_problems < 2:
        return None
    reach = NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(0.8)
    num_samples = None
    if variances is not None:
        left_for_samples = num_problems * (wanted / reach) ** 2 - max(0.0, variances.data)
        if left_for_samples > 0:
            num_samples = max(1, math.ceil(variances.prediction / left_for_samples))
    return Power(
        detectable=reach * sd / math.sqrt(num_problems),
        num_problems=math.ceil((reach * sd / wanted) ** 2),
        num_samples=num_samples,
    )
