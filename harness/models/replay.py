"""Recorded samples as a model: a file, or a folder in EvalPlus's layout.

    model = open_replay(Path("samples.jsonl"))
    found = model.samples(benchmark)

Read are JSONL files (gzipped too), JSON arrays, EvalPlus's and BigCodeBench's own
`_eval_results.json`, and folders `<task id with _ for />/<number>.py`. A row has a `task_id`
and a `solution` (a whole program) or a `completion` (what follows the prompt); or, as LiveCodeBench
writes it, a `question_id` and a `code_list` of programs. Joined are
prompt and completion as EvalPlus's `evaluate` does it, with nothing between.

Rows that were written as chat replies are recognised by their fences and thinking, and code is
taken out of them (extraction.py). What was decided is said in `ReplaySamples.extraction` and is
part of a run's identity.

Not here: asking a model anything.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal, TypeAlias, cast

from harness import benchmarks
from harness.benchmarks import sanity
from harness.benchmarks.jsonl import numbered_lines, parse_object, read_text
from harness.errors import DataError
from harness.extraction import (
    code_for,
    defines,
    extract_code,
    looks_like_reply,
    split_thinking,
)
from harness.records import Benchmark, Checkpoint, Problem, Sample, content_sha256
from harness.sanitizing import peer_code

Extraction: TypeAlias = Literal["none", "harness", "evalplus"]
Kind: TypeAlias = Literal["solution", "completion", "raw_solution", "reply"]

FIELDS: tuple[Kind, ...] = ("solution", "completion", "raw_solution")
"""The fields of a row that may hold its text; the first that is there counts."""


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One recorded sample, as it was found."""

    task_id: str
    kind: Kind
    """The field that the text was in; `reply` for the demo's, which are chat replies."""
    text: str


@dataclass(frozen=True, slots=True)
class ReplaySamples:
    """What a replay has to say to one benchmark."""

    samples: list[Sample]
    """In the order of the file; the index counts within a problem."""
    unknown: Counter[str]
    """Samples by task id, of ids that the benchmark lacks."""
    missing: list[str]
    """Task ids of the benchmark that have no sample."""
    extraction: Extraction
    """Whether the texts were graded as they are, or code was taken out of them."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replay:
    """A checkpoint that has answered already."""

    checkpoint: Checkpoint
    rows: Sequence[ReplayRow] = field(repr=False)
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids in the order of their first sample."""
        return tuple(dict.fromkeys(row.task_id for row in self.rows))

    def samples(
        self,
        benchmark: Benchmark,
        *,
        n: int | None = None,
        extraction: Literal["auto"] | Extraction = "auto",
    ) -> ReplaySamples:
        """The samples of this benchmark's problems, the first `n` of each.

        `extraction` is `none` (texts are programs), `harness` (texts are replies), `evalplus`
        (what `evalplus.sanitize` makes of them) or `auto`: replies where more than half of the
        texts have fences or thinking.

        Raises:
            DataError: most of the ids are none of the benchmark's.
        """
        flat_ids = {_flat(problem.task_id): problem for problem in benchmark}
        problems = {
            task_id: benchmark.by_task_id.get(task_id) or flat_ids.get(_flat(task_id))
            for task_id in self.task_ids
        }
        unknown = Counter(
            row.task_id
            for row in self.rows
            if problems[row.task_id] is None and row.task_id not in benchmark.left_out
        )
        if 2 * len(unknown) > len(self.task_ids):
            raise DataError(self._wrong_benchmark(benchmark, list(unknown)))

        chosen: Extraction = self._guess_extraction() if extraction == "auto" else extraction
        make = {"harness": _extracted, "evalplus": _sanitized, "none": _as_it_is}[chosen]
        num_seen: defaultdict[str, int] = defaultdict(int)
        samples: list[Sample] = []
        for row in self.rows:
            problem = problems[row.task_id]
            if problem is None or num_seen[problem.id] == n:
                continue
            samples.append(make(row, problem, num_seen[problem.id]))
            num_seen[problem.id] += 1
        return ReplaySamples(
            samples=samples,
            unknown=unknown,
            missing=[problem.task_id for problem in benchmark if problem.id not in num_seen],
            extraction=chosen,
            warnings=self.warnings,
        )

    def _guess_extraction(self) -> Extraction:
        num_replies = sum(row.kind == "reply" or looks_like_reply(row.text) for row in self.rows)
        return "harness" if 2 * num_replies > len(self.rows) else "none"

    def _wrong_benchmark(self, benchmark: Benchmark, unknown: Sequence[str]) -> str:
        guessed = benchmarks.guess(unknown)
        what_next = (
            f"try -b {guessed}"
            if guessed and guessed != benchmark.name
            else f"{benchmark.name} has ids like {benchmark.problems[0].task_id}"
        )
        return (
            f"{self.checkpoint.source}: {len(unknown)} of {len(self.task_ids)} ids are not in "
            f"{benchmark.name}; samples of {unknown[0].partition('/')[0]}/…: {what_next}"
        )


def _flat(task_id: str) -> str:
    """The id as EvalPlus names its folder, which can't be turned back where an id has `_` too."""
    return task_id.replace("/", "_")


def _as_it_is(row: ReplayRow, problem: Problem, index: int) -> Sample:
    goes_on = row.kind == "completion" and not problem.asks_for_program
    code = _begun(problem) + row.text if goes_on else row.text
    return Sample(problem_id=problem.id, index=index, code=code)


def _begun(problem: Problem) -> str:
    """What a completion goes on from."""
    return problem.prompt if problem.completed is None else problem.completed


def _extracted(row: ReplayRow, problem: Problem, index: int) -> Sample:
    thinking, answer = split_thinking(row.text)
    code = code_for(problem, answer)
    is_function = not problem.asks_for_program
    if is_function and row.kind == "completion" and not defines(code, problem.entry_point):
        # Not a reply of its own, then: it goes on where the prompt ends.
        whole = extract_code(_begun(problem) + answer, problem.entry_point)
        code = whole if defines(whole, problem.entry_point) else code
    return Sample(
        problem_id=problem.id,
        index=index,
        code=code,
        reply=row.text if row.text != code else None,
        thinking=thinking,
    )


def _sanitized(row: ReplayRow, problem: Problem, index: int) -> Sample:
    """As the command `evalplus.sanitize` reads a file: a newline between prompt and completion."""
    if problem.asks_for_program:  # it knows no such problems
        return _extracted(row, problem, index)
    text = f"{_begun(problem)}\n{row.text}" if row.kind == "completion" else row.text
    code = peer_code(text, problem)
    return Sample(
        problem_id=problem.id, index=index, code=code, reply=row.text if row.text != code else None
    )


def open_replay(path: Path, *, name: str | None = None) -> Replay:
    """The samples at `path`, under `name` or the name of the file without its endings.

    Raises:
        DataError: one line with the file, the line and what is wrong there.
    """
    if path.is_dir():
        contents = _read_folder(path)
        rows = list(_folder_rows(contents))
        identity, warnings = _folder_sha256(contents), ()
    else:
        text = read_text(path)
        identity = hashlib.sha256(path.read_bytes()).hexdigest()
        is_json = path.name.removesuffix(".gz").endswith(".json")
        rows, warnings = (_json_rows(path, text), ()) if is_json else _jsonl_rows(path, text)
    if not rows:
        raise DataError(f"{path}: holds no sample")
    checkpoint = Checkpoint(
        kind="replay", name=name or _stem(path), source=str(path), identity=identity
    )
    return Replay(checkpoint, rows, warnings)


def replay_demo(*, hostile: bool = True) -> Replay:
    """The checkpoint `fake:demo`: the bundled replies to the benchmark `sanity`.

    Hostile replies attack the judge; they are left out where nothing but goodwill isolates them.
    """
    replies = [reply for reply in sanity.replies() if hostile or reply.kind != "hostile"]
    checkpoint = Checkpoint(
        kind="replay",
        name="demo",
        source="fake:demo",
        identity=content_sha256([[reply.task_id, reply.text] for reply in replies]),
    )
    return Replay(checkpoint, [ReplayRow(reply.task_id, "reply", reply.text) for reply in replies])


def _stem(path: Path) -> str:
    name = path.resolve().name
    for ending in (".gz", ".json", ".jsonl", ".samples"):
        name = name.removesuffix(ending)
    return name or path.name


def _rows_of(fields: dict[str, object], where: str) -> list[ReplayRow]:
    """The samples of a row: several where LiveCodeBench wrote it."""
    programs = fields.get("code_list")
    if not isinstance(programs, list):
        return [_row(fields, where)]
    task_id = fields.get("question_id")
    return [
        _row({"task_id": task_id, "solution": program}, f"{where}, code_list {number}")
        for number, program in enumerate(cast(list[object], programs))
    ]


def _row(fields: dict[str, object], where: str) -> ReplayRow:
    task_id = fields.get("task_id", fields.get("question_id"))
    kind: Kind | None = next((name for name in FIELDS if fields.get(name) is not None), None)
    if task_id is None or kind is None:
        keys = ", ".join(fields) or "nothing"
        lacking = "task_id" if task_id is None else "solution or completion"
        raise DataError(f"{where}: has no {lacking}, only {keys}")
    text = fields[kind]
    if not isinstance(task_id, str):
        raise DataError(f"{where}: task_id is not a text but {task_id!r}")
    if isinstance(text, list):
        raise DataError(f"{where}: {kind} is a list; write a row for each of its samples")
    if not isinstance(text, str):
        raise DataError(f"{where}: {kind} is not a text but {type(text).__name__}")
    return ReplayRow(task_id, kind, text)


def _jsonl_rows(path: Path, text: str) -> tuple[list[ReplayRow], tuple[str, ...]]:
    rows: list[ReplayRow] = []
    lines = list(numbered_lines(text))
    for number, line in lines:
        where = f"{path}:{number}"
        try:
            fields = parse_object(line, where)
        except DataError:
            is_torn = number == lines[-1][0] and not text.endswith("\n")
            if not is_torn:
                raise
            return rows, (f"{where}: the last line is torn (its writer was killed?): left out",)
        rows += _rows_of(fields, where)
    return rows, ()


def _json_rows(path: Path, text: str) -> list[ReplayRow]:
    """The rows of a JSON array, or the samples in an `_eval_results.json`."""
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON: {error}") from None
    rows: list[ReplayRow] = []
    for number, row in enumerate(_listed(content, path)):
        where = f"{path}, row {number}"
        if not isinstance(row, dict):
            raise DataError(f"{where}: is not an object but {type(row).__name__}")
        rows += _rows_of(cast(dict[str, object], row), where)
    return rows


def _listed(content: object, path: Path) -> list[object]:
    if isinstance(content, dict):
        content = cast(dict[str, object], content).get("eval")
        if isinstance(content, dict):
            lists = list(cast(dict[str, object], content).values())
            if all(isinstance(rows, list) for rows in lists):
                return list(chain.from_iterable(cast(list[list[object]], lists)))
    elif isinstance(content, list):
        return cast(list[object], content)
    raise DataError(f"{path}: is neither an array of rows nor an _eval_results.json")


_Contents: TypeAlias = dict[Path, bytes]


def _read_folder(folder: Path) -> _Contents:
    """The programs in a folder of samples, by their paths inside it, in order."""
    paths = [path.relative_to(folder) for path in folder.glob("[!.]*/*.py")]
    try:
        return {path: (folder / path).read_bytes() for path in sorted(paths, key=_folder_order)}
    except OSError as error:
        raise DataError(f"{error.filename}: can't be read: {error.strerror}") from None


def _folder_order(path: Path) -> tuple[str, int, str]:
    # 10.py comes after 9.py.
    return path.parent.name, int(path.stem) if path.stem.isdecimal() else -1, path.name


def _folder_rows(contents: _Contents) -> Iterator[ReplayRow]:
    for path, content in contents.items():
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: is not UTF-8 text: {error}") from None
        # Most likely, that is: only a benchmark knows its ids (`_flat`).
        task_id = path.parent.name.replace("_", "/", 1)
        yield ReplayRow(task_id, "solution", text)


def _folder_sha256(contents: _Contents) -> str:
    return content_sha256(
        [
            [path.as_posix(), hashlib.sha256(content).hexdigest()]
            for path, content in contents.items()
        ]
    )
