"""Student's t and the binomial against scipy."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (scipy has no types)

import math

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import binomial_two_sided, t_critical, t_two_sided

CONFIDENCES = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
DEGREES = (*range(1, 130), 163, 377, 999, 1000, 1001, 1139, 10**4, 10**5)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_t_critical_is_that_of_scipy(confidence: float):
    for num_degrees in (*DEGREES, 10**8):
        expected = scipy.stats.t.ppf((1 + confidence) / 2, num_degrees)
        assert t_critical(confidence, num_degrees) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("confidence,num_degrees", [(0.95, 0), (0.0, 5), (1.0, 5), (math.nan, 5)])
def test_t_critical_refuses_the_undefined(confidence: float, num_degrees: int):
    with pytest.raises(ValueError, match=r"degrees of freedom|confidence"):
        t_critical(confidence, num_degrees)


@given(st.floats(-50, 50), st.sampled_from(DEGREES))
def test_the_p_value_of_t_is_that_of_scipy(t: float, num_degrees: int):
    expected = 2 * scipy.stats.t.sf(abs(t), num_degrees)
    assert t_two_sided(t, num_degrees) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 400), st.data())
def test_the_binomial_p_value_is_that_of_scipy(num_trials: int, data: st.DataObject):
    successes = data.draw(st.integers(0, num_trials))
    expected = scipy.stats.binomtest(successes, num_trials).pvalue if num_trials else 1.0
    assert binomial_two_sided(successes, num_trials) == pytest.approx(expected, abs=1e-9)


def test_a_fair_coin_of_many_tosses_does_not_overflow():
    assert binomial_two_sided(5000, 10_000) == 1.0
    assert 0 < binomial_two_sided(4800, 10_000) < 1e-4


@pytest.mark.parametrize("successes,num_trials", [(-1, 4), (5, 4)])
def test_the_binomial_refuses_the_impossible(successes: int, num_trials: int):
    with pytest.raises(ValueError, match="trials"):
        binomial_two_sided(successes, num_trials)


def test_no_degrees_of_freedom_have_no_p_value():
    with pytest.raises(ValueError, match="degrees of freedom"):
        t_two_sided(1.0, 0)
