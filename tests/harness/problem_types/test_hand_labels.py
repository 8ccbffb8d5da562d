"""How far the tagger and a person agree: sixty problems twice, labelled from the prompts alone.

The first sixty were labelled before there was a tagger, and it was mended by them; the second
sixty were labelled before that, and looked at afterwards. So the second figure is the honest one.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.problem_types import TYPES
from harness.problem_types.tables import frozen_rows

LABELS = json.loads((Path(__file__).parent / "hand_labels.json").read_text())


class Agreement(NamedTuple):
    share: float
    kappa: float


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Cohen's kappa: agreement beyond that of two who draw from their own shares of labels."""
    share = sum(one == other for one, other in pairs) / len(pairs)
    ours, theirs = (Counter(labels) for labels in zip(*pairs, strict=True))
    by_chance = sum(count * theirs[label] for label, count in ours.items()) / len(pairs) ** 2
    return Agreement(share, (share - by_chance) / (1 - by_chance))


def pairs(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    rows = frozen_rows("HumanEval") | frozen_rows("Mbpp")
    return [(label, rows[task_id]["type"]) for task_id, label in labels.items()]


@pytest.mark.parametrize(("name", "share", "kappa"), [("first", 0.85, 0.8), ("second", 0.75, 0.7)])
def test_the_tagger_agrees_with_a_person(name: str, share: float, kappa: float):
    labels = LABELS[name]
    assert len(labels) == 60 and set(labels.values()) <= set(TYPES)
    found = agreement(pairs(labels))
    assert found.share >= share and found.kappa >= kappa


def test_kappa_of_known_tables():
    # 2 x 2: 20 and 15 on the diagonal, 5 and 10 off it: kappa is 0.4.
    table = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    assert agreement(table) == pytest.approx((0.7, 0.4))
