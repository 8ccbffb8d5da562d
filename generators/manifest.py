"""Datasets in the making, on disk: what is decided is written, and a kill loses a unit at most.

    with Draft.open(home, request) as draft:
        for entry in draft.entries: ...              what was decided before the kill
        draft.append(entry)
        draft.finish(manifest, plan)                 HOME/datasets/<16 hex>/

A draft is HOME/datasets/.part-<request>/journal.jsonl, one unit's decisions a line, appended whole;
a torn last line is a unit that is decided again. The finished folder appears under its name at
once, with all its files, or not at all.

Not here: reading datasets (harness/datasets.py), and deciding (generate.py).
"""

import fcntl
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from harness.datasets import INDEX, MANIFEST, NAME_CHARS, PLAN, QUARANTINE, ROWS, DatasetInfo, find
from harness.errors import DataError, StorageError, UserError
from harness.records import DataPlan, Manifest, Record, TrainingRow

JOURNAL = "journal.jsonl"


class Outcome(Record):
    """What became of one candidate."""

    row: TrainingRow | None = None
    """Of what was accepted or put into quarantine."""
    keys: str = ""
    """What later rows are compared with (dedupe.line_of); of accepted rows alone."""
    reason: str = ""
    """Why it was rejected; empty for an accepted row."""
    level: str = ""
    """At which it matched an evaluation problem."""
    problem: str = ""
    """The evaluation problem that it matched, or that its code is most like."""
    likeness: float = 0.0
    """Of its code to that problem's, where it is on the curve."""

    @property
    def accepted(self) -> bool:
        return self.row is not None and not self.reason


class Entry(Record):
    """One line of the journal: a unit of a type, decided."""

    type: str
    """Empty: the replayed rows."""
    unit: int
    outcomes: tuple[Outcome, ...]


class Draft:
    """A dataset in the making, held by the one process that makes it."""

    def __init__(self, folder: Path, descriptor: int, entries: list[Entry]) -> None:
        self.folder = folder
        self.entries = entries
        """All that is decided, in order."""
        self._descriptor = descriptor
        self._is_finished = False

    @classmethod
    @contextmanager
    def open(cls, home: Path, request: str) -> "Generator[Draft]":
        """The draft of this request, new or as it was left.

        Raises:
            UserError: another process is at it.
            StorageError: the folder can't be written.
        """
        folder = home / "datasets" / f".part-{request[:NAME_CHARS]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / JOURNAL, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise _unwritable(folder, error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{folder}: another process is making this dataset: wait for it"
                ) from None
            entries, num_bytes = _read(folder / JOURNAL)
            os.ftruncate(descriptor, num_bytes)
            yield cls(folder, descriptor, entries)
        finally:
            os.close(descriptor)

    def append(self, entry: Entry) -> None:
        """Record a unit; it is in the file when this returns.

        Raises:
            StorageError: it could not be written.
        """
        line = f"{entry.model_dump_json()}\n".encode()
        try:
            num_written = os.write(self._descriptor, line)
            while num_written < len(line):
                num_written += os.write(self._descriptor, line[num_written:])
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self.entries.append(entry)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for entry in self.entries for outcome in entry.outcomes]

    def finish(
        self, manifest: Manifest, plan: DataPlan, rows: Sequence[TrainingRow]
    ) -> DatasetInfo:
        """Put the dataset in its place.

        Raises:
            StorageError: it could not be written.
        """
        home = self.folder.parent.parent
        final = home / "datasets" / manifest.sha[:NAME_CHARS]
        outcomes = self.outcomes
        quarantined = [each.row for each in outcomes if each.row is not None and each.reason]
        try:
            _write(self.folder / ROWS, lines_of(rows))
            _write(self.folder / QUARANTINE, lines_of(quarantined))
            _write(self.folder / INDEX, "".join(each.keys for each in outcomes).encode())
            _write(self.folder / PLAN, f"{plan.model_dump_json(indent=2)}\n".encode())
            _write(self.folder / MANIFEST, f"{manifest.model_dump_json(indent=2)}\n".encode())
            if final.exists():  # made before, and its request has changed in nothing that counts
                shutil.rmtree(final)
            self.folder.rename(final)
            (final / JOURNAL).unlink()
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return find(home, str(final))


def _write(path: Path, content: bytes) -> None:
    """It is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def lines_of(rows: Iterable[TrainingRow]) -> bytes:
    return "".join(f"{row.model_dump_json()}\n" for row in rows).encode()


def _read(path: Path) -> tuple[list[Entry], int]:
    """The whole lines of a journal, and their size."""
    entries: list[Entry] = []
    num_bytes = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                entries.append(Entry.model_validate_json(line))
            except ValidationError as error:
                said = error.errors()[0]["msg"]
                raise DataError(
                    f"{path}:{number}: is no line of a journal ({said}): remove the folder"
                ) from None
            num_bytes += len(line)
    return entries, num_bytes


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{folder} can't be written ({error.strerror}): what is decided is kept; "
        "make room, then repeat the command"
    )


def in_mixed_order(rows: Iterable[TrainingRow], seed: int) -> list[TrainingRow]:
    """The rows of all types mixed, the same way each time: who reads the file need not shuffle."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{seed} {row.id}".encode()).digest())


def counts(names: Iterable[str]) -> dict[str, int]:
    """How often each name comes, by name."""
    return dict(sorted(Counter(names).items()))


def with_all(names: Iterable[str], found: Mapping[str, int]) -> dict[str, int]:
    """The counts, with 0 for names that never came."""
    return {name: found.get(name, 0) for name in names}
