"""Corrections of p-values against statsmodels; tiers."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (statsmodels has no types)

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.stats import benjamini_hochberg, holm, tiers

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@pytest.mark.parametrize("adjust,method", [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
@given(found=p_values)
def test_adjusted_p_values_are_those_of_statsmodels(adjust, method: str, found: list[float]):
    assert adjust(found) == pytest.approx(multipletests(found, method=method)[1], abs=1e-9)


@given(p_values, st.randoms(use_true_random=False))
def test_holm_is_the_stricter_one_and_order_does_not_matter(found: list[float], random):
    strict, mild = holm(found), benjamini_hochberg(found)
    assert all(p - 1e-12 <= b <= h + 1e-12 for p, b, h in zip(found, mild, strict, strict=True))
    shuffled = list(found)
    random.shuffle(shuffled)
    assert sorted(holm(shuffled)) == sorted(strict)


def test_nothing_to_correct():
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_what_is_no_p_value_is_refused(adjust):
    with pytest.raises(ValueError, match="p-values lie in"):
        adjust([0.5, 1.5])


def test_a_tier_is_what_its_leader_is_not_told_from():
    """Not what its last row is not told from: a chain of small steps is no tie."""
    rows = [60, 58, 56, 54, 52, 50]
    assert tiers(rows, lambda row, leader: leader - row > 5) == [1, 1, 1, 2, 2, 2]
    assert tiers(rows, lambda row, leader: leader - row > 100) == [1] * 6
    assert tiers(rows, lambda row, leader: True) == [1, 2, 3, 4, 5, 6]
    assert tiers([], lambda row, leader: True) == []


@given(st.lists(st.integers(0, 100)), st.integers(0, 100))
def test_tiers_never_fall_back(rows: list[int], gap: int):
    numbers = tiers(sorted(rows, reverse=True), lambda row, leader: leader - row > gap)
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, max(numbers, default=0) + 1))
