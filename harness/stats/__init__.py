"""Statistics of what was measured: rates, two runs side by side, many at once.

    estimate_pass_at_k([(1, 1), (1, 0)], k=1)          one run: a rate and its interval
    paired_difference(scores_a_P, scores_b_P)          two runs on the same problems
    tiers(rows, is_below)                              a board: who shares a rank

The unit is the problem: the score of a problem is the mean over its samples, the estimate is the
mean over problems, and errors come from the spread over problems. `docs/statistics.md` says which
test is used when, and how well each keeps what it promises.

    distributions   Student's t and the binomial
    rates           pass@k, standard errors, Wilson, t and BCa intervals
    paired          McNemar, paired t and bootstrap, sign flips; the variance split; power
    multiple        Holm, Benjamini-Hochberg, tiers

Not here: which verdicts are compared with which (leaderboards/compare.py).
"""

from harness.stats.distributions import binomial_two_sided, t_critical, t_two_sided
from harness.stats.multiple import benjamini_hochberg, holm, tiers
from harness.stats.paired import (
    ALPHA,
    PairedDifference,
    Power,
    Variances,
    mcnemar,
    paired_bootstrap,
    paired_difference,
    paired_t,
    power,
    sign_flip,
    variance_split,
)
from harness.stats.rates import (
    MIN_EVENTS,
    Estimate,
    Interval,
    bca_interval,
    estimate_pass_at_k,
    is_rough,
    pass_at_k,
    pass_hat_k,
    standard_error,
    t_interval,
    wilson,
)

__all__ = [
    "ALPHA",
    "MIN_EVENTS",
    "Estimate",
    "Interval",
    "PairedDifference",
    "Power",
    "Variances",
    "bca_interval",
    "benjamini_hochberg",
    "binomial_two_sided",
    "estimate_pass_at_k",
    "holm",
    "is_rough",
    "mcnemar",
    "paired_bootstrap",
    "paired_difference",
    "paired_t",
    "pass_at_k",
    "pass_hat_k",
    "power",
    "sign_flip",
    "standard_error",
    "t_critical",
    "t_interval",
    "t_two_sided",
    "tiers",
    "variance_split",
    "wilson",
]
