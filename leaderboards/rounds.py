"""The rounds of a training loop, as its `round.json` files record them.

    HOME/rounds/<loop>/<n>/round.json        one records.Round

Not here: running a round (harness/loop.py), and how its lineage is drawn (page/lineage.py).
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from harness.records import Round

ROUND = "round.json"


class FoundRounds(NamedTuple):
    """What was read, and one line for each round that could not be."""

    rounds: list[Round]
    warnings: list[str]


class Guard(NamedTuple):
    """What a dataset was held against before anything was trained on it."""

    benchmarks: frozenset[str]
    num_kept_out: int
    """Rows that matched an evaluation problem, and are not in it."""


class _Manifest(BaseModel):
    """As much of a dataset's manifest.json as a board reads."""

    guarded: dict[str, int]
    contamination: dict[str, int]
    quarantined: int = 0


def read_guards(homes: Sequence[Path], rounds: Sequence[Round]) -> dict[str, Guard]:
    """By the SHA of the datasets of these rounds; one that is not there, or can't be read, is
    left out: then it is not known.
    """
    guards: dict[str, Guard] = {}
    for sha in {made.dataset for made in rounds if made.dataset}:
        for home in homes:
            path = home / "datasets" / sha[:16] / "manifest.json"
            with suppress(OSError, ValidationError):
                manifest = _Manifest.model_validate_json(path.read_bytes())
                num_kept_out = sum(manifest.contamination.values()) + manifest.quarantined
                guards[sha] = Guard(frozenset(manifest.guarded), num_kept_out)
    return guards


def read_rounds(homes: Sequence[Path]) -> FoundRounds:
    """All rounds of all homes, by loop and number."""
    found: dict[tuple[str, int, str, str], Round] = {}
    warnings: list[str] = []
    for home in homes:
        for path in sorted((home / "rounds").rglob(ROUND)):
            try:
                made = Round.model_validate_json(path.read_bytes())
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "file"
                warnings.append(f"left out: {path}: {where}: {first['msg']}")
            except OSError as error:
                warnings.append(f"left out: {path}: {error.strerror}")
            else:
                child = made.child.identity if made.child else ""
                found[made.loop, made.number, made.arm, child] = made
    return FoundRounds([found[key] for key in sorted(found)], warnings)
