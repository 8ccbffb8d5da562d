"""Published results as runs: what the evaluators of EvalPlus and BigCodeBench wrote.

    imported = import_results(Path("model_eval_results.json.gz"), store=Store(home))

Read is `{"eval": {task id: [{"solution", "base_status", "plus_status", …}]}}` (EvalPlus) or with
`status` and `details` (BigCodeBench), plain or gzipped. A samples file beside it, named as the
evaluators name theirs, adds raw replies, and programs where the results lack them.

The verdicts are theirs, by their rules: the profile is `published`. What a file does not say
(sampling, versions, isolation, times, counts of tests) stays unknown. A file is one run however
it is called: identity is the sha256 of its text.

Not here: grading such samples ourselves (`harness eval` takes the same files as a replay).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import harness
from harness import benchmarks
from harness.benchmarks import DataFolders
from harness.benchmarks.jsonl import numbered_lines, parse_object, read_text
from harness.errors import DataError, UserError
from harness.grading.calls import short_repr
from harness.records import (
    PUBLISHED,
    Checkpoint,
    EvalRun,
    Failure,
    ProblemNote,
    RunConfig,
    Sample,
    Status,
    SuiteResult,
    Verdict,
)
from harness.store import Store, config_or_none
from harness.summary import summary

UNKNOWN = "unknown"
"""What stands for a text that a published file does not have."""

_STATUSES: Mapping[str, Status] = {
    "pass": Status.PASSED,
    "fail": Status.FAILED,
    "timeout": Status.TIMEOUT,
}
_BENCHMARKS = {"HumanEval": "humaneval", "Mbpp": "mbpp", "BigCodeBench": "bigcodebench"}
_HARD_TASKS = 148
_RESULTS = re.compile(r"[._-]*(eval_results|verdicts)$")
_BENCHMARK_PART = re.compile(r"[._-]*(humaneval|mbpp|bigcodebench).*$", re.IGNORECASE)
_SAMPLING_PART = re.compile(r"_[a-z]+_temp_[\d.]+$")
_STDERR_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Imported:
    """One file, as a run."""

    run: EvalRun
    is_new: bool
    """False: this very file had been imported."""
    notes: tuple[str, ...]
    """What was guessed, and what else should be known."""


@dataclass(frozen=True, slots=True)
class _Result:
    """One row of a published file."""

    task_id: str
    index: int
    fields: Mapping[str, object]
    where: str


def import_results(
    path: Path,
    *,
    store: Store,
    benchmark: str | None = None,
    name: str | None = None,
    data: DataFolders | None = None,
) -> Imported:
    """The run of one published file, made or found again.

    Args:
        benchmark: what it was measured on; None is guessed of ids and file name.
        name: of the checkpoint; None is the file's name without what is no model.
        data: where benchmark files lie. If one has the hash that the results name, the run notes
            what its problems contain, and pairs by content; it is not needed.

    Raises:
        DataError: it is no published file of these two: one line.
        StorageError: the run can't be written.
    """
    text = read_text(path)
    content = _content(path, text)
    rows = list(_rows(path, content))
    suites = _suites(rows)
    notes: list[str] = []
    if benchmark is None:
        benchmark = _benchmark(path, rows, suites)
        notes.append(f"taken for {benchmark}; if it is another: -b NAME")
    config = RunConfig(
        checkpoint=Checkpoint(
            kind="published",
            name=name or checkpoint_name(path),
            source=str(path),
            identity=hashlib.sha256(text.encode()).hexdigest(),
        ),
        benchmark=benchmark,
        benchmark_hash=str(content.get("hash") or UNKNOWN),
        profile=PUBLISHED,
        extraction=UNKNOWN,
        grader_version=UNKNOWN,
        environment=UNKNOWN,
        num_problems=len({row.task_id for row in rows}),
        suites=suites,
        created=_date(content),
        command=f"harness import {path}",
        versions={"imported by harness": harness.__version__},
    )
    known = _imported_before(store, config)
    if known is not None:
        notes.append(f"the same file was imported before, as {known.checkpoint.name}")
        config = known
    beside = _samples_beside(path)
    written = _written(beside) if beside else {}
    # All of it, before a folder is made: a file that is wrong half-way leaves nothing behind.
    samples = [_sample(row, benchmark, written.get((row.task_id, row.index), {})) for row in rows]
    verdicts = [_verdict(row, benchmark, suites) for row in rows]
    with store.open_run(config) as run:
        run.note_problems(_known_problems(config, data))
        for sample, verdict in zip(samples, verdicts, strict=True):
            if sample.key not in run.samples:
                run.append_sample(sample)
            if sample.key not in run.verdicts:
                run.append_verdict(verdict)
        recorded = EvalRun(run.id, str(run.path), run.config, run.samples, run.verdicts)
        run.finish(summary(recorded).as_json())
    return Imported(store.load(run.id), known is None, tuple(notes))


def _imported_before(store: Store, config: RunConfig) -> RunConfig | None:
    """The run of the same file, whatever the file was called then."""
    identity = config.identity()
    for info in store.runs():
        recorded = config_or_none(info.path)
        if recorded is not None and recorded.identity() == identity:
            return recorded
    return None


def checkpoint_name(path: Path) -> str:
    """The model's name, of the names that the two evaluators give their files.

    >>> checkpoint_name(Path("Qwen--Qwen2.5-Coder-7B_vllm_temp_0.0_eval_results.json"))
    'Qwen/Qwen2.5-Coder-7B'
    >>> checkpoint_name(Path("a--b--main--bigcodebench-hard-instruct--vllm-0-1_eval_results.json"))
    'a/b'
    """
    stem = _stem(path)
    stem = _BENCHMARK_PART.sub("", stem) or stem
    stem = _SAMPLING_PART.sub("", stem) or stem
    return stem.removesuffix("--main").replace("--", "/", 1)


def _stem(path: Path) -> str:
    return _RESULTS.sub("", path.name.removesuffix(".gz").removesuffix(".json"))


def _content(path: Path, text: str) -> dict[str, object]:
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON: {error}") from None
    if isinstance(content, dict):
        fields = cast(dict[str, object], content)
        if isinstance(fields.get("eval"), dict):
            return fields
    raise DataError(
        f"{path}: has no results by task under `eval`, as EvalPlus and BigCodeBench write them; "
        "samples without verdicts are for `harness eval`"
    )


def _rows(path: Path, content: Mapping[str, object]) -> Iterator[_Result]:
    for task_id, found in cast(dict[str, object], content["eval"]).items():
        if not isinstance(found, list):
            raise DataError(f"{path}, {task_id}: is not a list of results")
        for index, result in enumerate(cast(list[object], found)):
            where = f"{path}, {task_id} #{index}"
            if not isinstance(result, dict):
                raise DataError(f"{where}: is not an object but {type(result).__name__}")
            yield _Result(task_id, index, cast(dict[str, object], result), where)


def _suites(rows: Sequence[_Result]) -> tuple[str, ...]:
    if not rows:
        raise DataError("the file holds no result")
    first = rows[0]
    if "status" in first.fields:
        return ("base",)
    if "base_status" not in first.fields:
        raise DataError(f"{first.where}: has neither status nor base_status")
    has_plus = all(row.fields.get("plus_status") is not None for row in rows)
    return ("base", "plus") if has_plus else ("base",)


def _benchmark(path: Path, rows: Sequence[_Result], suites: Sequence[str]) -> str:
    families = {row.task_id.partition("/")[0] for row in rows}
    known = families & _BENCHMARKS.keys()
    if len(families) != 1 or not known:
        raise DataError(
            f"{path}: tasks of {', '.join(sorted(families)[:3])}: which benchmark? -b NAME"
        )
    name = _BENCHMARKS[known.pop()]
    if name != "bigcodebench":
        return f"{name}+" if "plus" in suites else name
    # The ids are the same for both forms of the prompt: only the file's name can tell.
    hard = "-hard" if len({row.task_id for row in rows}) <= _HARD_TASKS else ""
    form = "-instruct" if re.search(r"bigcodebench\S*-instruct\b", path.name) else ""
    return name + hard + form


def _date(content: Mapping[str, object]) -> datetime:
    """When it was measured, as far as the file says; their clocks' zone is not known."""
    with suppress(ValueError):
        return datetime.fromisoformat(str(content.get("date"))).replace(tzinfo=UTC)
    return datetime.fromtimestamp(0, UTC)


def _sample(row: _Result, benchmark: str, written: Mapping[str, object]) -> Sample:
    code = row.fields.get("solution")
    if not isinstance(code, str) or not code:
        code = written.get("solution")
    raw = written.get("raw_solution")
    return Sample(
        problem_id=f"{benchmark}/{row.task_id}",
        index=row.index,
        code=code if isinstance(code, str) else "",
        reply=raw if isinstance(raw, str) and raw != code else None,
    )


def _verdict(row: _Result, benchmark: str, suites: Sequence[str]) -> Verdict:
    return Verdict(
        problem_id=f"{benchmark}/{row.task_id}",
        index=row.index,
        suites={suite: _suite(row, suite) for suite in suites},
        stderr=_tracebacks(row)[-_STDERR_CHARS:],
        level=UNKNOWN,
        profile=PUBLISHED,
        grader_version=UNKNOWN,
    )


def _suite(row: _Result, suite: str) -> SuiteResult:
    said = row.fields.get(f"{suite}_status", row.fields.get("status"))
    status = _STATUSES.get(said) if isinstance(said, str) else None
    if status is None:
        raise DataError(f"{row.where}: {said!r} is none of {', '.join(_STATUSES)}")
    failure = None if status == Status.PASSED else _failure(row, suite)
    return SuiteResult(
        status=status, num_tests=None, num_run=None, num_passed=None, failure=failure
    )


def _failure(row: _Result, suite: str) -> Failure | None:
    """The first failed test: EvalPlus gives its arguments alone, BigCodeBench its traceback."""
    inputs = row.fields.get(f"{suite}_fail_tests")
    if isinstance(inputs, list) and inputs:
        first = cast(list[object], inputs)[0]
        arguments = tuple(cast(list[object], first)) if isinstance(first, list) else (first,)
        return Failure(test=None, input=short_repr(arguments), expected=UNKNOWN, got=UNKNOWN)
    details = row.fields.get("details")
    if isinstance(details, dict) and details:
        method, traceback = next(iter(cast(dict[str, object], details).items()))
        # What was raised is the first line that is neither a frame nor its code.
        lines = [line for line in str(traceback).splitlines()[1:] if line[:1].strip()]
        got = _printable(lines[0][:500]) if lines else UNKNOWN
        return Failure(test=None, input=method, expected="passed", got=got)
    return None


def _tracebacks(row: _Result) -> str:
    details = row.fields.get("details")
    if not isinstance(details, dict):
        return ""
    found = cast(dict[str, object], details).items()
    return _printable("\n".join(f"{method}: {traceback}" for method, traceback in found))


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _known_problems(config: RunConfig, data: DataFolders | None) -> dict[str, ProblemNote]:
    """What the problems contain, where a file at hand is the one that the results name."""
    if data is None or config.benchmark_hash == UNKNOWN:
        return {}
    try:
        benchmark = benchmarks.load(config.benchmark, data=data)
    except UserError:
        return {}
    return benchmarks.notes(benchmark) if benchmark.hash == config.benchmark_hash else {}


def _samples_beside(path: Path) -> Path | None:
    stem = _stem(path)
    for ending in (".jsonl", ".jsonl.gz", ".samples.jsonl", ".samples.jsonl.gz"):
        beside = path.with_name(stem + ending)
        if beside.is_file():
            return beside
    return None


def _written(path: Path) -> dict[tuple[str, int], dict[str, object]]:
    """The samples of a file, by task and number."""
    found: dict[tuple[str, int], dict[str, object]] = {}
    counts: dict[str, int] = {}
    for number, line in numbered_lines(read_text(path)):
        fields = parse_object(line, f"{path}:{number}")
        task_id = str(fields.get("task_id"))
        index = counts[task_id] = counts.get(task_id, -1) + 1
        found[task_id, index] = fields
    return found
