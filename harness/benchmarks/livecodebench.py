"""LiveCodeBench: its published JSONL as problems, with public and private tests.

    benchmark = load("livecodebench@release_v6", data=DataFolders.from_env(), window=window)
    benchmark = load("livecodebench:some/test6.jsonl", data=...)

The dataset `livecodebench/code_generation_lite` is six files, test.jsonl to test6.jsonl, which the
user has fetched: `v5` is the fifth, `v4_v6` the fourth to the sixth, `release_v5` the first five.
They are looked for under `livecodebench/`, under `code_generation_lite/` and by themselves.

A row's private tests are JSON, or base64 of zlib of a pickle of JSON. Nothing is unpickled
(pickled_text.py) nor decompressed without a bound, and all of that waits until a problem's tests are
asked for: the files hold gigabytes. A row is read again for it, and must still be what it was.

There are no solutions in the dataset: nothing vouches for the environment (grading/judge.py).

Not here: what the runner puts around a program (grading/livecodebench.py), prompts (prompts.py).
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, cast, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.benchmarks.data import DataFolders
from harness.benchmarks.pickled_text import NotAText, pickled_text
from harness.benchmarks.window import Window
from harness.errors import DataError, UnknownName
from harness.records import Benchmark, Problem, Suite, Value, content_sha256

NAME = "livecodebench"
PROFILE = "livecodebench"
FILE_NAMES = ("test.jsonl", *(f"test{number}.jsonl" for number in range(2, 7)))
VERSIONS: tuple[str, ...] = (
    *(f"release_v{number}" for number in range(1, 7)),
    *(f"v{number}" for number in range(1, 7)),
    *(f"v{first}_v{last}" for first in range(1, 6) for last in range(first + 1, 7)),
)
LATEST = VERSIONS[5]
MAX_TESTS_BYTES = 512 << 20
"""Of one problem's private tests, as text."""
_FOLDERS = ("livecodebench", "code_generation_lite", "")
_DATASET = "the dataset livecodebench/code_generation_lite on the hub"
_KEPT = 4
"""Problems whose private tests are held in memory."""

_Tests: TypeAlias = tuple[tuple[tuple[Value, ...], ...], tuple[Value, ...]]
"""Inputs, and what is expected of them."""


class _Row(BaseModel):
    """What is used of a line of the files. Fields of later releases are no error."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question_title: str = ""
    question_content: Annotated[str, Field(min_length=1)]
    platform: str = ""
    question_id: Annotated[str, Field(min_length=1)]
    contest_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}")]
    starter_code: str = ""
    difficulty: Annotated[str, Field(min_length=1)]
    public_test_cases: str
    private_test_cases: str
    metadata: str = "{}"


class _Test(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    input: str
    output: str
    testtype: Literal["stdin", "functional"]


def load(name: str, *, data: DataFolders, window: Window | None = None) -> Benchmark:
    """The problems of `livecodebench`, `livecodebench@VERSION` or `livecodebench:PATH`.

    The window is the one that stands at the end of the name, as in `…:2025-01-01..`, or `window`; the
    benchmark's name has it either way, so that it is found again by its name alone.

    Raises:
        UnknownName: there is no such version.
        DataError: a file is missing or wrong, or no problem is in the window.
    """
    stem, written = Window.split(name)
    window = written or window or Window()
    version, paths = _files(stem, data)
    problems: list[Problem] = []
    seen: set[str] = set()
    left_out: set[str] = set()
    full_name = f"{version}{window.suffix}"
    for path in paths:
        for place, row in _rows(path):
            if not window.holds(row.contest_date[:10]):
                left_out.add(row.question_id)
                continue
            if row.question_id in seen:
                raise DataError(f"{place.where}: the id {row.question_id!r} is there twice")
            seen.add(row.question_id)
            problems.append(_problem(row, place, full_name))
    if not problems:
        raise DataError(f"{version}: no problem is {window.describe() or 'in its files'}")
    return Benchmark(
        name=full_name,
        hash=content_sha256([[problem.task_id, problem.sha256] for problem in problems]),
        problems=tuple(problems),
        default_profile=PROFILE,
        version=version.partition("@")[2],
        left_out=frozenset(left_out),
    )


def _files(name: str, data: DataFolders) -> tuple[str, list[Path]]:
    """The full name of a version or path, and its files."""
    scheme, colon, path = name.partition(":")
    if colon:
        return name, [Path(path).expanduser()]
    version = scheme.partition("@")[2] or LATEST
    if version not in VERSIONS:
        names = [f"{NAME}@{known}" for known in VERSIONS]
        raise UnknownName("benchmark", name, names)
    first, last = (int(number) for number in (re.findall(r"\d", version) * 2)[:2])
    if version.startswith("release"):
        first = 1
    return f"{NAME}@{version}", [_find(file, data) for file in FILE_NAMES[first - 1 : last]]


def _find(file_name: str, data: DataFolders) -> Path:
    for folder in data:
        for inner in _FOLDERS:
            if (path := folder / inner / file_name).is_file():
                return path
    looked = " and ".join(str(folder / NAME) for folder in data)
    raise DataError(
        f"{file_name} is not in {looked}: fetch it from {_DATASET}, or name a file of that format: "
        f"-b {NAME}:PATH"
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the private tests of a problem stand."""

    path: Path
    offset: int
    length: int
    """Of the line, in bytes."""
    where: str
    """`file:line`, for messages."""
    sha256: str
    """Of the field's text."""
    is_functional: bool


def _rows(path: Path) -> Iterator[tuple[_Place, _Row]]:
    offset = 0
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    row = _row(line, f"{path}:{number}")
                    yield _place(path, (offset, len(line)), f"{path}:{number}", row), row
                offset += len(line)
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}") from None


def _row(line: bytes, where: str) -> _Row:
    try:
        return _Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        said = f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}" if field else first["msg"]
        hint = ": is it gzipped?" if line[:2] == b"\x1f\x8b" else ""
        raise DataError(f"{where}: is no row of LiveCodeBench: {said}{hint}") from None


def _place(path: Path, span: tuple[int, int], where: str, row: _Row) -> _Place:
    return _Place(
        path=path,
        offset=span[0],
        length=span[1],
        where=f"{where}: {row.question_id}",
        sha256=hashlib.sha256(row.private_test_cases.encode()).hexdigest(),
        is_functional=bool(_function_name(row, where)),
    )


def _function_name(row: _Row, where: str) -> str:
    """The function or method that is called; empty where the program reads standard input."""
    try:
        metadata: object = json.loads(row.metadata or "{}")
    except ValueError:
        raise DataError(f"{where}: {row.question_id}: its metadata is not JSON") from None
    fields = cast(dict[str, object], metadata) if isinstance(metadata, dict) else {}
    name = fields.get("func_name") or ""
    if not isinstance(name, str) or (name and not name.isidentifier()):
        raise DataError(f"{where}: {row.question_id}: func_name is no name: {name!r}")
    return name


def _problem(row: _Row, place: _Place, benchmark: str) -> Problem:
    entry_point = _function_name(row, place.where)
    inputs, expected = _parsed(row.public_test_cases, place, "public")
    prompt = question(row.question_content, row.starter_code)
    identity = {
        "prompt": prompt,
        "entry_point": entry_point,
        "family": NAME,
        "tests": [row.public_test_cases, place.sha256],
    }
    suites = (
        Suite("public", inputs, expected, stdio=not entry_point),
        Suite("private", _Inputs(place), _Expected(place), stdio=not entry_point),
    )
    return Problem(
        id=f"{benchmark}/{row.question_id}",
        task_id=row.question_id,
        prompt=prompt,
        entry_point=entry_point,
        solution="",
        suites=suites,
        sha256=content_sha256(identity),
        family=NAME,
        release_date=row.contest_date[:10],
        slices={
            "difficulty": (row.difficulty,),
            **({"platform": (row.platform,)} if row.platform else {}),
        },
    )


def question(content: str, starter_code: str) -> str:
    """The user's turn, to the letter of LiveCodeBench's: scores depend on it."""
    if starter_code:
        form = (
            "You will use the following starter code to write the solution to the problem and "
            "enclose your code within delimiters."
        )
    else:
        form = (
            "Read the inputs from stdin solve the problem and write the answer to stdout (do not "
            "directly test on the sample inputs). Enclose your code within delimiters as follows. "
            "Ensure that when the python program runs, it reads the inputs, runs the algorithm and "
            "writes output to STDOUT."
        )
    inside = starter_code or "# YOUR CODE HERE"
    return (
        f"### Question:\n{content}\n\n### Format: {form}\n```python\n{inside}\n```\n\n"
        "### Answer: (use the provided format with backticks)\n\n"
    )


# --- tests -----------------------------------------------------------------------------------


def _parsed(text: str, place: _Place, which: str) -> _Tests:
    where = f"{place.where}: {which} tests"
    try:
        tests = [_Test.model_validate(test) for test in json.loads(text)]
        wanted = "functional" if place.is_functional else "stdin"
        for number, test in enumerate(tests):
            if test.testtype != wanted:
                raise DataError(f"{where}: test {number} is {test.testtype}, the problem {wanted}")
        if not place.is_functional:
            return tuple((test.input,) for test in tests), tuple(test.output for test in tests)
        return (
            tuple(tuple(map(json.loads, test.input.rstrip("\n").split("\n"))) for test in tests),
            tuple(json.loads(test.output) for test in tests),
        )
    except (ValueError, TypeError, RecursionError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{where} can't be read: {said}") from None


def private_text(field: str) -> str:
    """The JSON in a row's field of private tests, whichever form that has.

    Raises:
        ValueError: it has neither, or is larger than `MAX_TESTS_BYTES`.
    """
    if field.lstrip()[:1] == "[":
        return field
    unpacker = zlib.decompressobj()
    try:
        pickled = unpacker.decompress(base64.b64decode(field, validate=True), MAX_TESTS_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"not compressed as it should be: {error}") from None
    if len(pickled) > MAX_TESTS_BYTES:
        raise ValueError(f"more than {MAX_TESTS_BYTES >> 20} MB")
    if not unpacker.eof:
        raise ValueError("the compressed text is torn")
    return pickled_text(pickled)


@lru_cache(maxsize=_KEPT)
def _private(place: _Place) -> _Tests:
    try:
        with place.path.open("rb") as lines:
            lines.seek(place.offset)
            row = _row(lines.read(place.length), place.where)
    except OSError as error:
        raise DataError(f"{place.path}: can't be read: {error.strerror}") from None
    if hashlib.sha256(row.private_test_cases.encode()).hexdigest() != place.sha256:
        raise DataError(f"{place.path} was changed while it was in use")
    try:
        text = private_text(row.private_test_cases)
    except (NotAText, ValueError) as error:
        raise DataError(f"{place.where}: private tests: {error}") from None
    return _parsed(text, place, "private")


class _Inputs(Sequence[tuple[Value, ...]]):
    """The inputs of a problem's private tests, read when they are looked at."""

    def __init__(self, place: _Place) -> None:
        self._place = place

    def __len__(self) -> int:
        return len(_private(self._place)[0])

    @overload
    def __getitem__(self, index: int) -> tuple[Value, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[Value, ...]]: ...
    def __getitem__(self, index: int | slice) -> object:
        return _private(self._place)[0][index]


class _Expected(Sequence[Value]):
    """What is expected of them."""

    def __init__(self, place: _Place) -> None:
        self._place = place

    def __len__(self) -> int:
        return len(_private(self._place)[1])

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Value]: ...
    def __getitem__(self, index: int | slice) -> object:
        return _private(self._place)[1][index]
