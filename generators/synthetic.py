"""Synthetic benchmarks: problems of a teacher in portions that no training row is drawn from.

    make("synthetic-test@3", home=home, workers=workers)

`synthetic-dev` steers; `synthetic-test@K` decides on promotion, and another K is another draw. They
are `jsonl:` benchmarks under HOME/benchmarks/<name>/problems.jsonl, graded like any other, with at
least 100 problems a type. `signatures.json` beside it says what their tasks mean, so that training
rows can be held against them.

Not here: the loading of benchmarks (harness/benchmarks), which finds these by name.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

from generators import candidates, dedupe
from generators.candidates import Candidate, Unit
from generators.teachers.protocol import Portion
from generators.verify import verify
from harness.benchmarks import jsonl
from harness.errors import DataError, StorageError, UnknownName, UserError
from sandboxes.protocol import Workers

PROBLEMS, SIGNATURES = "problems.jsonl", "signatures.json"
NUM_A_TYPE = 100
LEVELS = (1, 2, 3, 4)
_NAME = re.compile(r"synthetic-(dev|test)(?:@(\d+))?")
_PORTIONS: dict[str, Portion] = {"dev": "dev-steer", "test": "dev-test"}
_UNIT = 40
_MAX_UNITS = 40


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A synthetic benchmark of a home."""

    name: str
    path: Path
    signatures: dict[str, str]
    """What its tasks mean, with the problems' IDs."""


class _Asked(NamedTuple):
    portion: Portion
    draw: int


def _asked(name: str) -> _Asked:
    match = _NAME.fullmatch(name)
    if match is None:
        raise UnknownName("synthetic benchmark", name, ["synthetic-dev", "synthetic-test@K"])
    return _Asked(_PORTIONS[match.group(1)], int(match.group(2) or 0))


def known(home: Path) -> list[Synthetic]:
    """The synthetic benchmarks of a home, by name.

    Raises:
        DataError: one of them can't be read.
    """
    found: list[Synthetic] = []
    for path in sorted((home / "benchmarks").glob(f"*/{SIGNATURES}")):
        try:
            signatures: object = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: can't be read: {error}; remove its folder") from None
        if not isinstance(signatures, dict):
            raise DataError(f"{path}: is no object; remove its folder")
        found.append(
            Synthetic(path.parent.name, path.parent / PROBLEMS, cast(dict[str, str], signatures))
        )
    return found


def make(
    name: str,
    *,
    home: Path,
    workers: Workers,
    teacher: str = "grammar",
    num_a_type: int = NUM_A_TYPE,
    on_progress: Callable[[str, int, int], None] = lambda type, done, total: None,
) -> Synthetic:
    """The benchmark of that name: made, or there already.

    Raises:
        UnknownName: the name is of another form, or there is no such teacher.
        UserError: the teacher has too few tasks of some type.
        SandboxError: the sandbox broke down.
        StorageError: the home can't be written.
    """
    asked = _asked(name)
    for found in known(home):
        if found.name == name:
            return found
    writer = candidates.teacher_named(teacher)
    seen = dedupe.Seen()
    rows: list[str] = []
    signatures: dict[str, str] = {}
    for type in writer.types:
        chosen: list[Candidate] = []
        for level in LEVELS:
            wanted = num_a_type * (level + 1 - LEVELS[0]) // len(LEVELS) - len(chosen)
            chosen += _problems(
                _Draw(teacher, type, level, asked), wanted, seen=seen, workers=workers
            )
            on_progress(type, len(chosen), num_a_type)
        if len(chosen) < num_a_type:
            raise UserError(
                f"{name}: the teacher {teacher} has {len(chosen)} tasks of {type} in its portion "
                f"{asked.portion}, and {num_a_type} are wanted: ask for fewer with --per-type"
            )
        for candidate in chosen:
            signatures[candidate.signature] = f"{name}/{candidate.id}"
            rows.append(json.dumps(row_of(candidate)))
    return _write(home / "benchmarks" / name, rows, signatures)


class _Draw(NamedTuple):
    teacher: str
    type: str
    level: int
    asked: _Asked


def _problems(
    draw: _Draw, num_wanted: int, *, seen: dedupe.Seen, workers: Workers
) -> list[Candidate]:
    """New tasks of one type and level that the sandbox agrees with; fewer where there are no more."""
    chosen: list[Candidate] = []
    text = f"{draw.asked.portion} {draw.asked.draw} {draw.type} {draw.level}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
    for number in range(_MAX_UNITS):
        if len(chosen) >= num_wanted:
            break
        unit = Unit(
            draw.teacher,
            draw.type,
            draw.level,
            seed,
            _UNIT,
            skip=number * _UNIT,
            portion=draw.asked.portion,
        )
        made = candidates.candidates_of(unit, frozenset())
        verified = sorted(verify(made, workers), key=lambda each: each.candidate.place)
        for candidate, complaint, _ in verified:
            if complaint or candidate.code is None or candidate.near is None:
                continue
            keys = dedupe.RowKeys(
                " ".join(candidate.words), candidate.code.exact, candidate.signature, candidate.near
            )
            # Near duplicates are fine in a test: it has few words to say many things with.
            if seen.reason(keys) not in ("", "near duplicate"):
                continue
            seen.add(keys)
            chosen.append(candidate)
            if len(chosen) == num_wanted:
                break
    return chosen


def row_of(candidate: Candidate) -> dict[str, object]:
    """A verified candidate as a row of a `jsonl:` benchmark."""
    row: dict[str, object] = {
        "id": candidate.id,
        "prompt": candidate.prompt,
        "solution": candidate.solution,
        "types": [candidate.type],
    }
    if candidate.form == "stdio":
        pairs = zip(candidate.calls, candidate.expected, strict=True)
        row["stdio"] = [{"input": text, "output": output} for (text,), output in pairs]
    else:
        row |= {"entry_point": candidate.entry_point, "tests": {"base": list(candidate.tests)}}
    return row


def _write(folder: Path, rows: list[str], signatures: dict[str, str]) -> Synthetic:
    content = "\n".join(rows) + "\n"
    draft = folder.with_name(f".part-{folder.name}")
    try:
        draft.mkdir(parents=True, exist_ok=True)
        (draft / PROBLEMS).write_text(content, "utf-8")
        (draft / SIGNATURES).write_text(json.dumps(signatures), "utf-8")
        jsonl.load(draft / PROBLEMS, name=folder.name)  # or nobody could be measured on it
        draft.rename(folder)
    except OSError as error:
        raise StorageError(
            f"{folder} can't be written ({error.strerror}): make room, then repeat the command"
        ) from error
    return Synthetic(folder.name, folder / PROBLEMS, signatures)
