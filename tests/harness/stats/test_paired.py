"""Paired tests against scipy and statsmodels, and what holds for all scores."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (scipy and statsmodels have no types)

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.power import NormalIndPower

from harness.stats import (
    Variances,
    mcnemar,
    paired_bootstrap,
    paired_difference,
    paired_t,
    power,
    sign_flip,
    variance_split,
    wilson,
)

counts = st.integers(0, 60)
scores = st.integers(0, 4).map(lambda passed: passed / 4)
pairs = st.lists(st.tuples(scores, scores), min_size=2, max_size=40)
bits = st.integers(0, 1).map(float)


@given(counts, counts)
def test_mcnemar_is_that_of_statsmodels(num_won: int, num_lost: int):
    table = [[7, num_won], [num_lost, 9]]
    expected = mcnemar_of_statsmodels(table, exact=True).pvalue if num_won + num_lost else 1.0
    assert mcnemar(num_won, num_lost) == pytest.approx(min(1.0, expected), abs=1e-9)


def test_what_it_takes_to_be_significant():
    """The table of the design: discordant problems, and the smallest net win below 0.05."""
    smallest = {
        discordant: min(
            (
                won - lost
                for won in range(discordant + 1)
                if won >= (lost := discordant - won) and mcnemar(won, lost) < 0.05
            ),
            default=None,
        )
        for discordant in (5, 6, 8, 10, 15, 20, 30, 40, 60)
    }
    expected = {5: None, 6: 6, 8: 8, 10: 8, 15: 9, 20: 10, 30: 12, 40: 14, 60: 18}
    # Of ten flips nine to one is a net win of 8: 10 to 0 is not needed.
    assert smallest == expected


@given(pairs)
def test_the_paired_t_test_is_that_of_scipy(found: list[tuple[float, float]]):
    differences = [b - a for a, b in found]
    p_value = paired_t(differences)
    if len(set(differences)) > 1:
        expected = scipy.stats.ttest_rel([b for _, b in found], [a for a, _ in found]).pvalue
        assert p_value == pytest.approx(expected, abs=1e-9)
    else:
        assert p_value == (1.0 if differences[0] == 0 else 0.0)


@settings(max_examples=40)
@given(st.lists(scores.map(lambda score: score * 2 - 1), min_size=2, max_size=9))
def test_sign_flips_are_those_of_scipy(differences: list[float]):
    expected = scipy.stats.permutation_test(
        (np.array(differences), np.zeros(len(differences))),
        lambda a, b: np.mean(a - b),
        permutation_type="samples",
        n_resamples=np.inf,
    ).pvalue
    assert sign_flip(differences) == pytest.approx(min(1.0, expected), abs=1e-9)


@given(st.lists(st.integers(-10, 10).map(lambda tenths: tenths / 10), max_size=10))
def test_sign_flips_are_all_patterns_counted(differences: list[float]):
    observed = abs(math.fsum(differences))
    sums = [
        abs(math.fsum(sign * abs(d) for sign, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    share = sum(total >= observed - 1e-9 for total in sums) / len(sums)
    assert sign_flip(differences) == pytest.approx(share, abs=1e-9)


@given(counts, counts, st.integers(0, 100))
def test_sign_flips_of_one_sample_are_mcnemar(num_won: int, num_lost: int, num_tied: int):
    differences = [1.0] * num_won + [-1.0] * num_lost + [0.0] * num_tied
    assert sign_flip(differences) == pytest.approx(mcnemar(num_won, num_lost), abs=1e-9)


def test_sign_flips_that_are_too_many_to_count_are_drawn():
    """Scores on no common grid: by draws, with a seed, and never 0."""
    random = np.random.default_rng(5)
    differences = random.normal(0.1, 1, 200).tolist()
    drawn = sign_flip(differences, num_draws=20_000, seed=1)
    assert drawn == sign_flip(differences, num_draws=20_000, seed=1)
    assert drawn == pytest.approx(paired_t(differences), abs=0.02)
    assert sign_flip([abs(d) for d in differences], num_draws=999) == 1 / 1000


def test_a_thousand_problems_of_uneven_samples_are_counted_exactly():
    """Seven and ten samples a problem: the grid is 1/70, and no seed is in the p-value."""
    random = np.random.default_rng(7)
    a = random.binomial(10, 0.5, 1140) / 10
    b = random.binomial(7, 0.5, 1140) / 7
    differences = (b - a).tolist()
    assert sign_flip(differences, seed=1) == sign_flip(differences, seed=2)
    assert sign_flip(differences) == pytest.approx(paired_t(differences), abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_the_paired_bootstrap_is_that_of_scipy_on_the_same_draws(seed: int):
    random = np.random.default_rng(seed)
    differences = random.choice([-1.0, 0.0, 0.0, 0.5, 1.0], 60)
    theirs = scipy.stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=999,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    ours = paired_bootstrap(differences.tolist(), num_resamples=999, seed=seed)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(pairs)
def test_a_difference_turned_round_is_its_mirror(found: list[tuple[float, float]]):
    a, b = zip(*found, strict=True)
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert there is not None and back is not None
    assert (there.value, there.low, there.high) == pytest.approx(
        (-back.value, -back.high, -back.low), abs=1e-12
    )
    assert there.p_value == pytest.approx(back.p_value, abs=1e-12)
    assert (there.num_won, there.num_lost) == (back.num_lost, back.num_won)


@given(pairs)
def test_every_difference_holds_its_value_and_none_is_without_width(
    found: list[tuple[float, float]],
):
    a, b = zip(*found, strict=True)
    difference = paired_difference(a, b)
    assert difference is not None
    assert difference.low <= difference.value + 1e-12
    assert difference.value <= difference.high + 1e-12
    assert difference.high - difference.low > 0
    assert 0 < difference.p_value <= 1
    assert difference.num_won + difference.num_lost + difference.num_tied == len(found)


@given(st.lists(st.tuples(bits, bits), min_size=2, max_size=80))
def test_one_sample_a_problem_is_tested_by_mcnemar(found: list[tuple[float, float]]):
    a, b = zip(*found, strict=True)
    difference = paired_difference(a, b)
    assert difference is not None and difference.test == "exact McNemar"
    differences = np.subtract(b, a)
    if differences.std() > 0:
        low, high = scipy.stats.t.interval(
            0.95, len(found) - 1, differences.mean(), scipy.stats.sem(differences)
        )
        assert difference[1:3] == pytest.approx((max(-1, low), min(1, high)), abs=1e-9)


def test_no_flips_is_no_proof_of_equality():
    difference = paired_difference([1.0] * 164, [1.0] * 164)
    assert difference is not None
    unseen = wilson(0, 164).high
    assert difference[:4] == pytest.approx((0, -unseen, unseen, 1))


def test_one_problem_and_none():
    assert paired_difference([], []) is None
    one = paired_difference([0.0], [1.0])
    assert one is not None and one[:4] == (1.0, -1.0, 1.0, 1.0)
    assert not one.is_significant


def test_sides_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        paired_difference([1.0], [1.0, 0.0])


def test_the_variance_is_split_into_what_it_was_made_of():
    """Problems with known rates: what the parts are, and what they come out as."""
    random = np.random.default_rng(11)
    num_problems, k = 4000, 5
    rates_a = random.beta(1, 1, num_problems)
    rates_b = np.clip(rates_a + random.normal(0, 0.1, num_problems), 0, 1)
    a, b = (random.random((num_problems, k)) < rates[:, None] for rates in (rates_a, rates_b))
    split = variance_split(a.astype(float).tolist(), b.astype(float).tolist())
    assert split is not None
    noise = (rates_a * (1 - rates_a) + rates_b * (1 - rates_b)).mean()
    assert split.prediction == pytest.approx(noise, rel=0.03)
    assert split.data == pytest.approx((rates_b - rates_a).var(), abs=0.006)
    assert split.total == split.data + split.prediction


def test_with_one_sample_a_problem_there_is_nothing_to_split():
    assert variance_split([[1.0], [0.0]], [[0.0], [0.0]]) is None
    assert variance_split([[1.0, 0.0]], [[0.0, 0.0]]) is None


@pytest.mark.parametrize("sd,wanted", [(0.32, 0.03), (0.6, 0.05), (0.2, 0.01)])
def test_the_power_note_is_the_sample_size_of_a_z_test(sd: float, wanted: float):
    note = power(sd, 164, wanted=wanted)
    assert note is not None
    # One sample: statsmodels takes ratio=0 for it. It counts both tails, we the one that matters.
    size = NormalIndPower().solve_power(wanted / sd, power=0.8, alpha=0.05, ratio=0)
    assert note.num_problems == pytest.approx(size, rel=0.002, abs=1)


def test_samples_help_as_far_as_problems_allow():
    split = Variances(total=0.35, data=0.05, prediction=0.3)
    note = power(0.59, 1140, split)
    assert note is not None and note.num_samples is not None
    reach = scipy.stats.norm.ppf(0.975) + scipy.stats.norm.ppf(0.8)

    def detectable(k: int) -> float:
        return reach * math.sqrt((0.05 + 0.3 / k) / 1140)

    assert detectable(note.num_samples) <= 0.03 < detectable(note.num_samples - 1)
    few = power(0.59, 164, split)  # 164 problems are too few for any number of samples
    assert few is not None and few.num_samples is None


def test_no_spread_has_no_power_note():
    assert power(0.0, 164) is None
    assert power(0.3, 1) is None
    with pytest.raises(ValueError, match="not above 0"):
        power(0.3, 164, wanted=0.0)
