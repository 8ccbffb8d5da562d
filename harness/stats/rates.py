"""Statistics of one run: pass@k and its interval. The unit is the problem.

The samples of one problem are not independent draws of the benchmark: the score of a problem
is the mean over its samples, the estimate is the mean over problems, and the error comes from
the spread of problem means alone, which already holds the sampling noise (Miller, arXiv
2411.00640). Formulas are short, so scipy is an oracle of the tests and no dependency.

Not here: two runs side by side (paired.py), many claims at once (multiple.py).
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING, NamedTuple

from harness.stats.distributions import check_confidence, t_critical

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MAX_CELLS = 4_000_000
"""Draws of a bootstrap that are held at a time."""


class Interval(NamedTuple):
    """Two ends, both rates in [0, 1]."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A rate in [0, 1], its interval, and how many problems it rests on."""

    value: float
    low: float
    high: float
    num_problems: int

    @property
    def half_width(self) -> float:
        """Half the length of the interval: the number after ± on a screen."""
        return (self.high - self.low) / 2


MIN_EVENTS = 10
"""Passes, or failures if they are fewer, below which a t interval over problems is too narrow: see
the simulation in docs/statistics.md."""


def is_rough(estimate: Estimate) -> bool:
    """Whether a t interval rests on too few passing or failing problems to keep its promise.

    Wilson's interval, of one sample a problem, needs no such warning.

    >>> is_rough(Estimate(0.02, 0.0, 0.05, 164)), is_rough(Estimate(0.5, 0.4, 0.6, 164))
    (True, False)
    """
    return min(estimate.value, 1 - estimate.value) * estimate.num_problems < MIN_EVENTS


def pass_at_k(num_samples: int, num_passed: int, k: int) -> float:
    """The unbiased chance that at least one of `k` samples of a problem passes.

    1 - C(n-c, k) / C(n, k), in exact integers, rounded once (Chen et al. 2021, arXiv
    2107.03374, section 2.1).

    >>> pass_at_k(10, 3, 1), pass_at_k(4, 2, 2)
    (0.3, 0.8333333333333334)

    Raises:
        ValueError: `k` is more than `num_samples` (pass@k is undefined there, not 1), below 1,
            or `num_passed` is not in [0, num_samples].
    """
    if not 0 <= num_passed <= num_samples:
        raise ValueError(f"{num_passed} of {num_samples} samples can't have passed")
    if not 1 <= k <= num_samples:
        raise ValueError(f"pass@{k} is undefined for {num_samples} samples")
    draws = math.comb(num_samples, k)
    return (draws - math.comb(num_samples - num_passed, k)) / draws


def pass_hat_k(num_samples: int, num_passed: int, k: int) -> float:
    """The unbiased chance that all of `k` samples of a problem pass: reliability, pass^k.

    C(c, k) / C(n, k) (Yao et al. 2024, arXiv 2406.12045, section 3).

    >>> pass_hat_k(10, 3, 1), pass_hat_k(4, 2, 2)
    (0.3, 0.16666666666666666)

    Raises:
        ValueError: as `pass_at_k`.
    """
    if not 0 <= num_passed <= num_samples:
        raise ValueError(f"{num_passed} of {num_samples} samples can't have passed")
    if not 1 <= k <= num_samples:
        raise ValueError(f"pass^{k} is undefined for {num_samples} samples")
    return math.comb(num_passed, k) / math.comb(num_samples, k)


def wilson(successes: float, num_trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a binomial rate (Wilson 1927; Brown, Cai, DasGupta 2001).

    `successes` may be a fraction: a sum of problem means. No trials: nothing is known.

    >>> low, high = wilson(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)

    Raises:
        ValueError: `successes` is not in [0, num_trials], or `confidence` not in (0, 1).
    """
    check_confidence(confidence)
    if not 0 <= successes <= num_trials:
        raise ValueError(f"{successes} successes in {num_trials} trials")
    if num_trials == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, shrink = successes / num_trials, 1 + z * z / num_trials
    center = (rate + z * z / (2 * num_trials)) / shrink
    variance = rate * (1 - rate) / num_trials + z * z / (4 * num_trials * num_trials)
    margin = z * math.sqrt(variance) / shrink
    # At the ends the formula gives 0 and 1 but for rounding.
    low = 0.0 if successes == 0 else max(0.0, center - margin)
    high = 1.0 if successes == num_trials else min(1.0, center + margin)
    return Interval(low, high)


def standard_error(means_P: Sequence[float], clusters_P: Sequence[Hashable] | None = None) -> float:
    """The standard error of the mean of problem means: sd / sqrt(N), or robust to clusters.

    `clusters_P` says which problems hang together: variants of one seed, one contest, one
    repository. Then it is sqrt(C/(C-1) sum_c (sum_{i in c} (x_i - mean))^2) / N (Liang & Zeger
    1986; Miller, arXiv 2411.00640, section 2.2). Each problem a cluster of its own: the same.

    >>> round(standard_error([0, 1, 1, 1]), 4), round(standard_error([0, 1, 1, 1], "aabb"), 4)
    (0.25, 0.25)

    Raises:
        ValueError: fewer than two problems or clusters.
    """
    num_problems = len(means_P)
    if clusters_P is None:
        if num_problems < 2:
            raise ValueError(f"{num_problems} problems have no standard error")
        return stdev(means_P) / math.sqrt(num_problems)
    sums: defaultdict[Hashable, list[float]] = defaultdict(list)
    mean = math.fsum(means_P) / num_problems if num_problems else 0.0
    for score, cluster in zip(means_P, clusters_P, strict=True):
        sums[cluster].append(score - mean)
    if len(sums) < 2:
        raise ValueError(f"{len(sums)} clusters have no standard error")
    squares = math.fsum(math.fsum(deviations) ** 2 for deviations in sums.values())
    return math.sqrt(len(sums) / (len(sums) - 1) * squares) / num_problems


def t_interval(
    means_P: Sequence[float],
    confidence: float = 0.95,
    clusters_P: Sequence[Hashable] | None = None,
) -> Interval:
    """Student's interval of a mean over problems (or clusters of them), not clipped.

    >>> low, high = t_interval([0, 0.5, 1, 1])
    >>> round(low, 4), round(high, 4)
    (-0.1367, 1.3867)

    Raises:
        ValueError: fewer than two problems or clusters.
    """
    check_confidence(confidence)
    error = standard_error(means_P, clusters_P)
    num_units = len(means_P) if clusters_P is None else len(set(clusters_P))
    margin = t_critical(confidence, num_units - 1) * error
    mean = fmean(means_P)
    return Interval(mean - margin, mean + margin)


def bca_interval(
    means_P: Sequence[float],
    confidence: float = 0.95,
    *,
    num_resamples: int = 9999,
    seed: int = 0,
) -> Interval:
    """The bootstrap's interval of a mean over problems, corrected for bias and skew.

    BCa (Efron 1987; Efron & Tibshirani 1993, equations 14.9 to 14.15): the percentiles of
    resampled means, moved by the bias z0 and the acceleration a, the latter from the jackknife.
    Where all means are equal it has no width: that is no evidence of certainty.

    Raises:
        ValueError: fewer than two problems, or a confidence outside (0, 1).
    """
    check_confidence(confidence)
    if len(means_P) < 2:
        raise ValueError(f"{len(means_P)} problems have no interval")
    if min(means_P) == max(means_P):
        return Interval(means_P[0], means_P[0])
    return bca_from(means_P, resampled_means(means_P, num_resamples, seed), confidence)


def bca_from(means_P: Sequence[float], resampled_B: "Floats", confidence: float) -> Interval:
    """The BCa interval of a mean, from the means of its resamples."""
    import numpy as np  # where many draws are made, and nowhere else: `harness ls` needs none

    scores_P = np.asarray(means_P, dtype=float)
    mean = scores_P.mean()
    below, upto = int((resampled_B < mean).sum()), int((resampled_B <= mean).sum())
    normal = NormalDist()
    # Half of the ties count as below. A mean that no resample or every one is below has no z0.
    share = min(max((below + upto) / 2, 0.5), len(resampled_B) - 0.5) / len(resampled_B)
    z0 = normal.inv_cdf(share)
    deviations_P = scores_P - mean  # of the jackknife, but for a factor that cancels
    skew = (deviations_P**3).sum() / (6 * (deviations_P**2).sum() ** 1.5)

    def moved(z: float) -> float:
        return normal.cdf(z0 + (z0 + z) / (1 - skew * (z0 + z)))

    z = normal.inv_cdf((1 + confidence) / 2)
    low, high = np.quantile(resampled_B, [moved(-z), moved(z)])
    return Interval(float(low), float(high))


def estimate_pass_at_k(
    counts: Sequence[tuple[int, int]], k: int, confidence: float = 0.95
) -> Estimate | None:
    """pass@k of a run, from (scored samples, passed samples) of each problem.

    Problems with no scored sample are left out. One sample a problem and k = 1: Wilson's
    interval. Otherwise a t interval on the problem means, clipped to [0, 1]; where all means
    are equal it would have no width, which is no evidence of certainty, and Wilson's interval
    on the problems, the widest that such means allow, stands in. Fewer than two problems: (0, 1).

    None where nothing was scored, or where a problem has fewer than `k` scored samples.

    >>> estimate = estimate_pass_at_k([(1, 1), (1, 0), (1, 1), (0, 0)], k=1)
    >>> round(estimate.value, 3), round(estimate.low, 3), round(estimate.high, 3)
    (0.667, 0.208, 0.939)

    Raises:
        ValueError: a count is not possible, or `k` is below 1.
    """
    check_confidence(confidence)
    if k < 1:
        raise ValueError(f"pass@{k} is undefined")
    scored = [(num_samples, num_passed) for num_samples, num_passed in counts if num_samples]
    if not scored or any(num_samples < k for num_samples, _ in scored):
        return None
    means_P = [pass_at_k(num_samples, num_passed, k) for num_samples, num_passed in scored]
    value, num_problems = fmean(means_P), len(means_P)
    if num_problems < 2:
        return Estimate(value, 0.0, 1.0, num_problems)
    one_each = all(num_samples == 1 for num_samples, _ in scored)
    if one_each or min(means_P) == max(means_P):
        interval = wilson(math.fsum(means_P), num_problems, confidence)
        return Estimate(value, *interval, num_problems)
    margin = t_critical(confidence, num_problems - 1) * stdev(means_P) / math.sqrt(num_problems)
    return Estimate(value, max(0.0, value - margin), min(1.0, value + margin), num_problems)


def resampled_means(values: Sequence[float], num_resamples: int, seed: int) -> "Floats":
    """The means of `num_resamples` draws with replacement, in blocks that fit into memory."""
    import numpy as np

    values_P = np.asarray(values, dtype=float)
    random = np.random.default_rng(seed)
    rows = max(1, _MAX_CELLS // len(values_P))
    return np.concatenate(
        [
            values_P[random.integers(0, len(values_P), (count, len(values_P)))].mean(axis=1)
            for start in range(0, num_resamples, rows)
            if (count := min(rows, num_resamples - start))
        ]
    )
