"""Student's t and the binomial, in closed forms: what the tests and intervals are made of.

Formulas are short, so scipy is an oracle of the tests and no dependency.

Not here: what is estimated or tested with them (rates.py, paired.py).
"""

import math
from statistics import NormalDist


def check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence} is not between 0 and 1")


def t_critical(confidence: float, num_degrees: int) -> float:
    """The t such that |T| <= t has probability `confidence`, for Student's T.

    Up to 1000 degrees of freedom the finite sums of Abramowitz & Stegun 26.7.3 and 26.7.4 are
    inverted by bisection; beyond, the expansion 26.7.5 around the normal quantile is closer
    than 1e-12, relative, at every confidence up to 0.999.

    >>> round(t_critical(0.95, 163), 4)
    1.9746

    Raises:
        ValueError: `num_degrees` is below 1, or `confidence` is not in (0, 1).
    """
    check_confidence(confidence)
    if num_degrees < 1:
        raise ValueError(f"Student's t has no {num_degrees} degrees of freedom")
    if num_degrees > 1000:
        return _t_expansion(NormalDist().inv_cdf((1 + confidence) / 2), num_degrees)
    # t = sqrt(v) tan(theta): the half line becomes (0, pi/2), and bisection needs no bracket.
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        if _t_central_probability(middle, num_degrees) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(num_degrees) * math.tan(low)


def t_two_sided(t: float, num_degrees: int) -> float:
    """The chance that |T| is at least `t`, for Student's T: a p-value.

    >>> round(t_two_sided(1.9746, 163), 4)
    0.05

    Raises:
        ValueError: `num_degrees` is below 1.
    """
    if num_degrees < 1:
        raise ValueError(f"Student's t has no {num_degrees} degrees of freedom")
    theta = math.atan(abs(t) / math.sqrt(num_degrees))
    return max(0.0, 1 - _t_central_probability(theta, num_degrees))


def binomial_two_sided(successes: int, num_trials: int) -> float:
    """The exact p-value of `successes` in tosses of a fair coin: both tails, in exact integers.

    >>> binomial_two_sided(0, 6), binomial_two_sided(5, 5 + 12)
    (0.03125, 0.1434631347656...)

    Raises:
        ValueError: `successes` is not in [0, num_trials].
    """
    if not 0 <= successes <= num_trials:
        raise ValueError(f"{successes} successes in {num_trials} trials")
    fewer = min(successes, num_trials - successes)
    term = tail = 1
    for position in range(fewer):
        term = term * (num_trials - position) // (position + 1)
        tail += term
    return min(1.0, 2 * tail / (1 << num_trials))


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
