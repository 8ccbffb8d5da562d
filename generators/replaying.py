"""Rows of the round before that are trained on again: a fair draw, held to all that new rows are.

They run in the sandbox and pass the decontamination once more: the index may have grown since.
"""

import hashlib
from dataclasses import dataclass

from generators import behaviour, fingerprints
from generators.candidates import Candidate, probes_of
from harness import datasets
from harness.datasets import DatasetInfo
from harness.errors import DataError
from harness.records import TrainingRow


@dataclass(frozen=True, slots=True)
class Chosen:
    """Replayed rows, as candidates."""

    candidates: tuple[Candidate, ...]
    parent: str
    """The name of the dataset that they are of."""


def choose(parent: DatasetInfo, num_rows: int, *, seed: int, types: frozenset[str]) -> Chosen:
    """So many rows of the dataset, drawn by the seed; all of them where it has fewer.

    `types` are the argument types whose behaviour is compared.

    Raises:
        DataError: the dataset can't be read.
    """

    def draw(row: TrainingRow) -> bytes:
        return hashlib.sha256(f"replay {seed} {row.id}".encode()).digest()

    drawn = sorted(datasets.rows(parent), key=draw)[:num_rows]
    return Chosen(
        tuple(candidate_of(row, place=place, types=types) for place, row in enumerate(drawn)),
        parent.name,
    )


def candidate_of(row: TrainingRow, *, place: int, types: frozenset[str]) -> Candidate:
    """The row, to be verified again.

    Raises:
        DataError: its tests can't be read.
    """
    (suite,) = datasets.problem_of(row).suites
    if suite.expected is None:
        raise DataError(f"{row.id}: its tests name no values")
    shapes = behaviour.shapes_of(suite.inputs) if row.entry_point else None
    named = behaviour.canonical(shapes) if shapes else ""
    return Candidate(
        id=row.id,
        type=row.type,
        family=row.family,
        level=row.level,
        form=row.form,
        prompt=row.prompt,
        entry_point=row.entry_point,
        solution=row.solution,
        style=row.style,
        calls=tuple(suite.inputs),
        expected=tuple(suite.expected),
        tests=row.tests,
        signature=row.signature,
        seed_id=row.seed_id,
        teacher=row.teacher,
        plan=row.plan,
        place=place,
        asked=fingerprints.prompt_words(row.prompt, constants=False),
        code=fingerprints.read_code(row.solution),
        types=named if named in types else "",
        probes=probes_of(suite.inputs, shapes) if shapes and named in types else (),
    )
