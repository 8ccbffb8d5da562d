"""What `doctor --determinism` says; that it asks and grades for real is in test_docs.py."""

from pathlib import Path

import pytest

from harness.config import SamplingSettings, Settings
from harness.determinism import Determinism, measure
from harness.errors import UserError


def found(*, differing: int, flipping: int, scores: tuple[float, ...]) -> str:
    return Determinism(
        benchmark="sanity",
        engine="local",
        dtype="bfloat16",
        num_problems=50,
        num_repeats=3,
        num_differing=differing,
        num_flipping=flipping,
        first_at=40.0 if differing else None,
        scores=scores,
    ).describe()


def test_it_says_what_it_means_for_a_score():
    same = found(differing=0, flipping=0, scores=(0.5, 0.5, 0.5))
    assert "50 problems of sanity, greedily, 3 times" in same and "came out the same" in same
    differ = found(differing=4, flipping=0, scores=(0.5, 0.5, 0.5))
    assert "4 replies differ (8.0%" in differ and "no verdict flips: the score is 50.0%" in differ
    flips = found(differing=4, flipping=2, scores=(0.5, 0.54, 0.52))
    assert "2 verdicts flip" in flips and "between 50.0% and 54.0%" in flips
    assert "4.0 points" in flips


def test_what_it_cannot_measure(tmp_path: Path):
    settings = Settings(home=tmp_path / "home", cache=tmp_path / "cache")
    with pytest.raises(UserError, match="recorded replies"):
        measure("fake:demo", "sanity", settings=settings)
    drawn = settings.model_copy(update={"sampling": SamplingSettings(temperature=0.5)})
    with pytest.raises(UserError, match="leave sampling.temperature at 0"):
        measure("fake:demo", "sanity", settings=drawn)
