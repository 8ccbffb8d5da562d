"""Statistics against scipy and statsmodels, and properties that hold for all counts."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (scipy and statsmodels have no types)

import itertools

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from harness.stats import (
    bca_interval,
    estimate_pass_at_k,
    pass_at_k,
    pass_hat_k,
    standard_error,
    t_interval,
    wilson,
)

CONFIDENCES = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


@st.composite
def problem_counts(draw: st.DrawFn, min_samples: int = 0) -> tuple[int, int]:
    num_samples = draw(st.integers(min_samples, 12))
    return num_samples, draw(st.integers(0, num_samples))


@given(problem_counts(min_samples=1), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_pass(counts: tuple[int, int], data: st.DataObject):
    num_samples, num_passed = counts
    k = data.draw(st.integers(1, min(num_samples, 4)))
    draws = list(itertools.combinations(range(num_samples), k))
    share = sum(min(draw) < num_passed for draw in draws) / len(draws)
    assert pass_at_k(num_samples, num_passed, k) == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize("num_samples,num_passed,k", [(200, 3, 100), (200, 0, 1), (1000, 999, 10)])
def test_pass_at_k_is_the_estimator_of_the_codex_paper(num_samples: int, num_passed: int, k: int):
    if num_samples - num_passed < k:
        published = 1.0
    else:
        published = 1.0 - np.prod(
            1.0 - k / np.arange(num_samples - num_passed + 1, num_samples + 1)
        )
    assert pass_at_k(num_samples, num_passed, k) == pytest.approx(published, rel=1e-9)


def test_pass_at_k_is_exact_where_floats_would_overflow_or_cancel():
    assert pass_at_k(10_000, 1, 5_000) == 0.5
    assert pass_at_k(10**15, 1, 1) == 1e-15


@pytest.mark.parametrize("num_samples,num_passed,k", [(4, 4, 5), (0, 0, 1), (4, 2, 0), (4, 5, 1)])
def test_pass_at_k_refuses_what_is_undefined(num_samples: int, num_passed: int, k: int):
    with pytest.raises(ValueError, match=r"undefined|can't have passed"):
        pass_at_k(num_samples, num_passed, k)


@given(st.integers(1, 2000), st.data(), st.sampled_from(CONFIDENCES))
def test_wilson_is_that_of_statsmodels(num_trials: int, data: st.DataObject, confidence: float):
    successes = data.draw(st.integers(0, num_trials))
    low, high = proportion_confint(successes, num_trials, alpha=1 - confidence, method="wilson")
    assert wilson(successes, num_trials, confidence) == pytest.approx((low, high), abs=1e-9)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_its_rate_and_stays_in_the_unit_interval(num_trials: int, data: st.DataObject):
    successes = data.draw(st.integers(0, num_trials))
    low, high = wilson(successes, num_trials)
    assert 0 <= low <= successes / num_trials <= high <= 1
    assert (low == 0) == (successes == 0)
    assert (high == 1) == (successes == num_trials)


def test_wilson_of_nothing_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("successes,num_trials,confidence", [(2, 1, 0.9), (-1, 1, 0.9), (1, 1, 1)])
def test_wilson_refuses_the_impossible(successes: int, num_trials: int, confidence: float):
    with pytest.raises(ValueError, match=r"successes|confidence"):
        wilson(successes, num_trials, confidence)


def test_one_sample_a_problem_has_wilsons_interval():
    estimate = estimate_pass_at_k([(1, 1)] * 112 + [(1, 0)] * 52, k=1)
    assert estimate is not None
    assert estimate.num_problems == 164
    assert estimate.value == pytest.approx(112 / 164)
    assert estimate[1:3] == pytest.approx(proportion_confint(112, 164, method="wilson"))
    assert estimate.half_width == pytest.approx(0.0706, abs=1e-4)


@given(st.lists(problem_counts(min_samples=2), min_size=2, max_size=60), st.integers(1, 2))
def test_many_samples_have_the_t_interval_of_problem_means(counts: list[tuple[int, int]], k: int):
    means_P = [pass_at_k(*problem, k) for problem in counts]
    estimate = estimate_pass_at_k(counts, k)
    assert estimate is not None
    assert estimate.value == pytest.approx(np.mean(means_P))
    if len(set(means_P)) > 1:
        scale = scipy.stats.sem(means_P)
        low, high = scipy.stats.t.interval(0.95, len(counts) - 1, np.mean(means_P), scale)
        assert estimate[1:3] == pytest.approx((max(low, 0), min(high, 1)), rel=1e-6, abs=1e-12)


@given(st.lists(problem_counts(), max_size=40), st.integers(1, 6))
def test_every_estimate_holds_its_value_and_none_is_without_width(
    counts: list[tuple[int, int]], k: int
):
    estimate = estimate_pass_at_k(counts, k)
    scored = [num_samples for num_samples, _ in counts if num_samples]
    assert (estimate is None) == (not scored or min(scored) < k)
    if estimate is not None:
        assert estimate.num_problems == len(scored)
        # Means are summed and divided in floats: a last bit beyond an end is no error.
        assert -1e-12 <= estimate.low <= estimate.value + 1e-12
        assert estimate.value - 1e-12 <= estimate.high <= 1 + 1e-12
        assert estimate.half_width > 0


def test_all_problems_solved_by_all_samples_is_no_certainty():
    estimate = estimate_pass_at_k([(4, 4)] * 20, k=1)
    assert estimate is not None
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(proportion_confint(20, 20, method="wilson")[0])


def test_fewer_than_two_problems_know_nothing():
    assert estimate_pass_at_k([(8, 2), (0, 0)], k=1) == (0.25, 0.0, 1.0, 1)
    assert estimate_pass_at_k([(0, 0)], k=1) is None
    assert estimate_pass_at_k([], k=1) is None


def test_an_estimate_refuses_k_below_one():
    with pytest.raises(ValueError, match="pass@0 is undefined"):
        estimate_pass_at_k([], k=0)


@given(problem_counts(min_samples=1), st.data())
def test_pass_hat_k_is_the_share_of_draws_that_all_pass(
    counts: tuple[int, int], data: st.DataObject
):
    num_samples, num_passed = counts
    k = data.draw(st.integers(1, min(num_samples, 4)))
    draws = list(itertools.combinations(range(num_samples), k))
    share = sum(max(draw) < num_passed for draw in draws) / len(draws)
    assert pass_hat_k(num_samples, num_passed, k) == pytest.approx(share, rel=1e-12)
    assert pass_hat_k(num_samples, num_passed, k) <= pass_at_k(num_samples, num_passed, k)


@pytest.mark.parametrize("num_samples,num_passed,k", [(4, 4, 5), (4, 2, 0), (4, 5, 1)])
def test_pass_hat_k_refuses_what_is_undefined(num_samples: int, num_passed: int, k: int):
    with pytest.raises(ValueError, match=r"undefined|can't have passed"):
        pass_hat_k(num_samples, num_passed, k)


scores = st.lists(st.integers(0, 10).map(lambda passed: passed / 10), min_size=3, max_size=60)


@given(scores)
def test_the_standard_error_is_that_of_scipy(means_P: list[float]):
    assert standard_error(means_P) == pytest.approx(scipy.stats.sem(means_P), rel=1e-9, abs=1e-12)


@given(scores, st.data())
def test_the_error_of_clusters_is_that_of_statsmodels(means_P: list[float], data: st.DataObject):
    labels = st.lists(st.integers(0, 5), min_size=len(means_P), max_size=len(means_P))
    clusters_P = data.draw(labels.filter(lambda drawn: len(set(drawn)) > 1))
    fit = sm.OLS(means_P, np.ones(len(means_P))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(clusters_P)}
    )
    assert standard_error(means_P, clusters_P) == pytest.approx(fit.bse[0], rel=1e-9, abs=1e-12)


@given(scores)
def test_clusters_of_one_problem_each_change_nothing(means_P: list[float]):
    alone = standard_error(means_P, range(len(means_P)))
    assert alone == pytest.approx(standard_error(means_P), rel=1e-9, abs=1e-12)


def test_copies_of_problems_tell_nothing_new():
    """Each problem four times: the naive error halves, the robust one stays."""
    means_P = [0.0, 0.2, 0.5, 0.9, 1.0, 1.0, 0.3, 0.7]
    copies, clusters = means_P * 4, list(range(8)) * 4
    assert standard_error(copies) < 0.6 * standard_error(means_P)
    assert standard_error(copies, clusters) == pytest.approx(standard_error(means_P))


@given(scores)
def test_the_t_interval_is_that_of_scipy(means_P: list[float]):
    scale = scipy.stats.sem(means_P)
    low, high = t_interval(means_P)
    if scale > 1e-9:
        expected = scipy.stats.t.interval(0.95, len(means_P) - 1, np.mean(means_P), scale)
        assert (low, high) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    else:
        assert low == pytest.approx(high)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_bca_is_that_of_scipy_on_the_same_draws(seed: int, confidence: float):
    random = np.random.default_rng(seed)
    means_P = random.binomial(10, random.beta(0.5, 1.5, 40)) / 10
    theirs = scipy.stats.bootstrap(
        (means_P,),
        np.mean,
        n_resamples=999,
        method="BCa",
        confidence_level=confidence,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    ours = bca_interval(means_P.tolist(), confidence, num_resamples=999, seed=seed)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_bca_of_a_skewed_sample_reaches_further_to_its_tail():
    means_P = [0.0] * 30 + [0.5] * 5 + [1.0] * 5
    low, high = bca_interval(means_P)
    mean = np.mean(means_P)
    assert high - mean > mean - low > 0


def test_bca_of_equal_scores_has_no_width():
    assert bca_interval([0.5] * 10) == (0.5, 0.5)


@pytest.mark.parametrize("interval", [t_interval, bca_interval, standard_error])
def test_one_problem_has_no_interval(interval):
    with pytest.raises(ValueError, match="1 problems have no"):
        interval([0.5])


def test_one_cluster_has_no_standard_error():
    with pytest.raises(ValueError, match="1 clusters"):
        standard_error([0.0, 1.0, 1.0], "aaa")
