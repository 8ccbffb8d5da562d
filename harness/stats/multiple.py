"""Many claims at once: corrections of p-values, and ranks that rows share.

Not here: the p-values themselves (paired.py).
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

Row = TypeVar("Row")


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: for claims (Holm 1979).

    Those below alpha hold together, with at most the chance alpha that any of them is false.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]

    Raises:
        ValueError: a p-value is not in [0, 1].
    """
    order = _ascending(p_values)
    adjusted, highest = [0.0] * len(order), 0.0
    for rank, position in enumerate(order):
        highest = max(highest, (len(order) - rank) * p_values[position])
        adjusted[position] = min(1.0, highest)
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that control the share of false finds: for exploration.

    Benjamini & Hochberg 1995. Of those below alpha, at most the share alpha is false on average.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]

    Raises:
        ValueError: a p-value is not in [0, 1].
    """
    order = _ascending(p_values)
    adjusted, lowest = [0.0] * len(order), 1.0
    for rank in range(len(order), 0, -1):
        position = order[rank - 1]
        lowest = min(lowest, len(order) * p_values[position] / rank)
        adjusted[position] = lowest
    return adjusted


def tiers(rows: Sequence[Row], is_below: Callable[[Row, Row], bool]) -> list[int]:
    """The tier of each row, from 1, of rows that are sorted from the best down.

    The first row leads the first tier; a row opens a new tier, and leads it, when
    `is_below(row, leader)`: when its paired test against the leader says so. A tier is what
    its leader can't be told from, and not a claim that its rows are equal.

    >>> tiers([61, 60, 52, 51], lambda row, leader: leader - row > 5)
    [1, 1, 2, 2]
    """
    numbers: list[int] = []
    leader: Row | None = None
    for row in rows:
        if leader is None or is_below(row, leader):
            leader = row
            numbers.append(numbers[-1] + 1 if numbers else 1)
        else:
            numbers.append(numbers[-1])
    return numbers


def _ascending(p_values: Sequence[float]) -> list[int]:
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie in [0, 1]: {list(p_values)}")
    return sorted(range(len(p_values)), key=lambda position: p_values[position])
