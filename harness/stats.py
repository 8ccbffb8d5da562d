"""Statistics of one run: pass@k and its interval. The unit is the problem.

The samples of one problem are not independent draws of the benchmark: the score of a problem
is the mean over its samples, the estimate is the mean over problems, and the error comes from
the spread of problem means alone, which already holds the sampling noise (Miller, arXiv
2411.00640). Formulas are short, so scipy is an oracle of the tests and no dependency.

Not here: paired comparison of two runs, tiers and many-types corrections; they come with the
verbs that need them.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple


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


def wilson(successes: float, num_trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a binomial rate (Wilson 1927; Brown, Cai, DasGupta 2001).

    `successes` may be a fraction: a sum of problem means. No trials: nothing is known.

    >>> low, high = wilson(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)

    Raises:
        ValueError: `successes` is not in [0, num_trials], or `confidence` not in (0, 1).
    """
    _check_confidence(confidence)
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


def t_critical(confidence: float, num_degrees: int) -> float:
    """The t such that |T| <= t has probability `confidence`, for Student's T.

    Up to 100 degrees of freedom the finite sums of Abramowitz & Stegun 26.7.3 and 26.7.4 are
    inverted by bisection; beyond, the expansion 26.7.5 around the normal quantile is closer
    than 1e-8, relative, at every confidence up to 0.999.

    >>> round(t_critical(0.95, 163), 4)
    1.9746

    Raises:
        ValueError: `num_degrees` is below 1, or `confidence` is not in (0, 1).
    """
    _check_confidence(confidence)
    if num_degrees < 1:
        raise ValueError(f"Student's t has no {num_degrees} degrees of freedom")
    if num_degrees > 100:
        return _t_expansion(NormalDist().inv_cdf((1 + confidence) / 2), num_degrees)
    # t = sqrt(v) tan(theta): the half line becomes (0, pi/2), and bisection needs no bracket.
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        if _t_central_probability(middle, num_degrees) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(num_degrees) * math.tan(low)


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
    _check_confidence(confidence)
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


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence} is not between 0 and 1")


def _t_central_probability(theta: float, num_degrees: int) -> float:
    """P(|T| <= sqrt(v) tan(theta)), v degrees of freedom (Abramowitz & Stegun 26.7.3, 26.7.4)."""
    odd = num_degrees % 2
    cosine, sine = math.cos(theta), math.sin(theta)
    # Odd v: cos + 2/3 cos^3 + 2·4/(3·5) cos^5 + …; even v: 1 + 1/2 cos^2 + 1·3/(2·4) cos^4 + …
    term, total = (cosine, cosine) if odd else (1.0, 1.0)
    for power in range(2 + odd, num_degrees - 1, 2):
        term *= cosine * cosine * (power - 1) / power
        total += term
    if num_degrees == 1:
        return 2 * theta / math.pi
    return 2 / math.pi * (theta + sine * total) if odd else sine * total


def _t_expansion(z: float, num_degrees: int) -> float:
    """The t quantile around the normal quantile z (Abramowitz & Stegun 26.7.5), four terms."""
    v = num_degrees
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )
