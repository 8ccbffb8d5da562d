"""No row twice: within a round, and across the rounds whose index is loaded.

    seen = Seen(); seen.load(parent / "index.jsonl")
    reason = seen.reason(row_keys)     "" or duplicate prompt | code | meaning, near duplicate
    if not reason: seen.add(row_keys)

Equal are rows with the same words in the prompt, the same syntax up to names, or the same semantic
signature. Near are prompts whose 5-word shingles have a Jaccard similarity of 0.7 or more, as
MinHash (128 permutations) estimates it.

Not here: benchmarks, which rows must not repeat either (decontaminate.py).
"""

import base64
import importlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError, UserError

SHINGLE = 5
"""Words."""
NUM_PERMUTATIONS = 128
THRESHOLD = 0.7
SEED, SCHEME = 1, "affine32"
VERSION = "1"
"""Changes when rows could get other keys."""

NearKey: TypeAlias = NDArray[np.uint32]
"""The MinHash values of a prompt."""


@dataclass(frozen=True, slots=True)
class RowKeys:
    """What a row is known by."""

    prompt: str
    """Its words in a line."""
    code: str
    signature: str
    near: NearKey


def near_key(words: Sequence[str]) -> NearKey:
    """The MinHash values of the prompt with these words.

    Raises:
        UserError: datasketch, of the extra `generate`, is not installed.
    """
    shingles = [
        " ".join(words[start : start + SHINGLE]).encode()
        for start in range(max(1, len(words) - SHINGLE + 1))
    ]
    minhash = _minhash()
    minhash.update_batch(shingles)
    return minhash.hashvalues.astype(np.uint32)


@cache
def _permutations() -> Any:
    """Drawn once: that takes longer than all the rest."""
    drawn = _datasketch().MinHash(num_perm=NUM_PERMUTATIONS, seed=SEED, scheme=SCHEME)
    return drawn.permutations


def _minhash(values: NearKey | None = None) -> Any:
    return _datasketch().MinHash(
        num_perm=NUM_PERMUTATIONS,
        seed=SEED,
        scheme=SCHEME,
        hashvalues=values,
        permutations=_permutations(),
    )


def _datasketch() -> Any:
    """The library, without types; it brings scipy along, so it waits until it is needed."""
    try:
        return importlib.import_module("datasketch")
    except ModuleNotFoundError:
        raise UserError(
            "making data needs datasketch: pip install 'code-harness[generate]'"
        ) from None


class Seen:
    """What there is already."""

    def __init__(self) -> None:
        self._prompts: set[str] = set()
        self._codes: set[str] = set()
        self._signatures: set[str] = set()
        self._near = _datasketch().MinHashLSH(threshold=THRESHOLD, num_perm=NUM_PERMUTATIONS)
        self._keys: list[NearKey] = []

    def __len__(self) -> int:
        return len(self._keys)

    def reason(self, row: RowKeys) -> str:
        """Why the row is not new; empty where it is."""
        if row.signature in self._signatures:
            return "duplicate meaning"
        if row.prompt in self._prompts:
            return "duplicate prompt"
        if row.code in self._codes:
            return "duplicate code"
        numbers: list[int] = self._near.query(_minhash(row.near))
        for number in numbers:
            num_equal = np.count_nonzero(self._keys[number] == row.near)
            if num_equal >= THRESHOLD * NUM_PERMUTATIONS:
                return "near duplicate"
        return ""

    def add(self, row: RowKeys) -> None:
        self._prompts.add(row.prompt)
        self._codes.add(row.code)
        self._signatures.add(row.signature)
        self._near.insert(len(self._keys), _minhash(row.near))
        self._keys.append(row.near)

    def load(self, path: Path) -> None:
        """Add the rows of an index that `line_of` wrote.

        Raises:
            DataError: it can't be read, or is of other rules.
        """
        try:
            lines = path.read_text("utf-8").splitlines()
        except OSError as error:
            raise DataError(f"{path}: can't be read: {error.strerror}") from None
        for number, line in enumerate(lines, start=1):
            try:
                self.add(read_line(line))
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"{path}:{number}: is no line of an index: {error}") from None


def line_of(row: RowKeys) -> str:
    """A row's keys as a line of an index."""
    values = base64.b64encode(row.near.tobytes()).decode()
    fields = {
        "version": VERSION,
        "prompt": row.prompt,
        "code": row.code,
        "signature": row.signature,
        "near": values,
    }
    return json.dumps(fields) + "\n"


def read_line(line: str) -> RowKeys:
    """What `line_of` wrote.

    Raises:
        ValueError: another version's, or torn.
    """
    fields = json.loads(line)
    if fields["version"] != VERSION:
        raise ValueError(f"made by rules {fields['version']}, and these are {VERSION}")
    near = np.frombuffer(base64.b64decode(fields["near"]), dtype=np.uint32)
    return RowKeys(fields["prompt"], fields["code"], fields["signature"], near)


def load_all(paths: Iterable[Path]) -> Seen:
    """What the rounds before have, from their indexes."""
    seen = Seen()
    for path in paths:
        seen.load(path)
    return seen
