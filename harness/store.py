"""Run directories: the truth, in files that other programs can read and write as well.

    HOME/runs/<run ID>/config.json        records.RunConfig, written once
                       samples.jsonl      one records.Sample a line, appended
                       verdicts.jsonl     one records.Verdict a line, appended; the latest counts
                       problems.json      records.ProblemNotes: hash and type of each problem
                       summary.json       a view, written when the run is through
                       eval_results.json  the same in the format of EvalPlus
                       log.txt            what happened, with times
                       lock               held by the one writer; says which process it is
    HOME/runs/.old/<run ID>.<time>/       what --fresh moved aside; nothing is ever deleted

A run ID is `<checkpoint name>.<benchmark>.<8 hex of the identity>`, or `NAME.<benchmark>` for a
run that was given a name. A line is written whole, or it is not a record: the torn last line of
a process that was killed is work that is owed again. Readers take no lock and change nothing.

    with Store(home).open_run(config) as run:
        for key in run.owed: run.append_verdict(grade(run.samples[key]))
        run.finish(summary)

Not here: what is measured and in which order (evaluation.py), looking at many runs at once
(queries.py), and any protection against two machines whose file system has no flock.
"""

import fcntl
import gc
import json
import os
import re
import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from harness.errors import DataError, RunMismatch, StorageError, UnknownName, UserError
from harness.records import (
    EvalRun,
    ProblemNote,
    ProblemNotes,
    Record,
    RunConfig,
    Sample,
    Verdict,
    utc_now,
)

Key: TypeAlias = tuple[str, int]
"""Problem ID and number of the sample."""

CONFIG, SAMPLES, VERDICTS = "config.json", "samples.jsonl", "verdicts.jsonl"
PROBLEMS = "problems.json"
SUMMARY, EVAL_RESULTS, LOG, LOCK = "summary.json", "eval_results.json", "log.txt", "lock"

_AnyRecord = TypeVar("_AnyRecord", Sample, Verdict)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run directory, unopened."""

    id: str
    path: Path
    modified: datetime
    """When its records or its summary were last written, UTC."""


class Store:
    """The runs of one home, where they are made, and of further homes, where they are read."""

    def __init__(self, home: Path, *, also: Sequence[Path] = ()) -> None:
        self.homes = tuple(dict.fromkeys((home, *also)))

    @staticmethod
    def run_id(config: RunConfig, name: str | None = None) -> str:
        """The name of the run's directory; see the docstring of the module."""
        benchmark = config.benchmark
        if ":" in benchmark:  # jsonl:/some/where/problems.jsonl
            benchmark = PurePosixPath(benchmark.partition(":")[2]).stem
        if name is not None:
            return f"{_safe(name)}.{_safe(benchmark)}"
        return f"{_safe(config.checkpoint.name)}.{_safe(benchmark)}.{config.identity()[:8]}"

    def open_run(
        self, config: RunConfig, *, name: str | None = None, fresh: bool = False
    ) -> "RunWriter":
        """Creates the run of this identity, or resumes it; a context manager.

        `fresh` moves what is there aside first. The recorded `config.json` stays as it is when
        a run is resumed: `config` may differ from it in what is no part of the identity.

        Raises:
            RunMismatch: a run of that name exists, and its identity is another one.
            UserError: another process is writing the run.
            DataError: what is recorded can't be read.
            StorageError: the directory can't be made or written.
        """
        run_id = self.run_id(config, name)
        directory = self.homes[0] / "runs" / run_id
        hint = "nothing recorded is lost; mend that, or choose another --home"
        with _storage_errors(directory, hint):
            lock = _lock(directory)
            try:
                if fresh and any(entry.name != LOCK for entry in directory.iterdir()):
                    _move_aside(directory)  # and the old lock with it
                    old_lock, lock = lock, _lock(directory)
                    os.close(old_lock)
                return RunWriter(directory, _claim(directory, config), lock)
            except BaseException:
                os.close(lock)
                raise

    def runs(self) -> list[RunInfo]:
        """All runs of all homes, the one that was written last at the end."""
        found: list[RunInfo] = []
        for home in self.homes:
            for config in (home / "runs").glob(f"*/{CONFIG}"):
                directory = config.parent
                if not directory.name.startswith("."):
                    found.append(RunInfo(directory.name, directory, _modified(directory)))
        return sorted(found, key=lambda run: (run.modified, run.id))

    def find(self, ref: str) -> Path:
        """The directory of a run: `last`, its ID, or a unique prefix of the ID or its hex.

        Raises:
            UnknownName: there is no such run.
            UserError: there are several, or there is no run at all.
        """
        runs = self.runs()
        if not runs:
            where = ", ".join(str(home) for home in self.homes)
            raise UserError(f"there are no runs in {where}: `harness eval` makes one")
        if ref == "last":
            return runs[-1].path
        found = [run for run in runs if run.id == ref] or [
            run for run in runs if run.id.startswith(ref) or _identity_hex(run.id).startswith(ref)
        ]
        if not found:
            raise UnknownName("run", ref, [run.id for run in runs])
        if len(found) > 1:
            # Runs of one ID in two homes are told apart by their paths.
            ids = {run.id for run in found}
            names = sorted(ids if len(ids) == len(found) else {str(run.path) for run in found})
            raise UserError(f"run {ref!r} is ambiguous: it may be {', '.join(names)}")
        return found[0].path

    def load(self, ref: str) -> EvalRun:
        """A run with its samples and latest verdicts, without locking or changing it.

        A verdict whose sample is not recorded is left out: it may be about another reply.

        Raises:
            UserError: as `find`.
            DataError: a file of the run can't be read.
        """
        directory = self.find(ref)
        config = _read_config(directory)
        samples = _read_records(directory / SAMPLES, Sample).by_key
        verdicts = _read_records(directory / VERDICTS, Verdict).by_key
        known = {key: verdict for key, verdict in verdicts.items() if key in samples}
        noted = _read_notes(directory)
        return EvalRun(directory.name, str(directory), config, samples, known, noted)


class RunWriter:
    """The one writer of one run directory, as `Store.open_run` gives it. Not thread-safe."""

    def __init__(self, directory: Path, config: RunConfig, lock: int) -> None:
        self.id = directory.name
        self.path = directory
        self.config = config
        """As recorded: of the first start, when the run is resumed."""
        self._lock = lock
        samples = _read_records(directory / SAMPLES, Sample)
        verdicts = _read_records(directory / VERDICTS, Verdict)
        self.samples: dict[Key, Sample] = samples.by_key
        self.verdicts: dict[Key, Verdict] = {
            key: verdict for key, verdict in verdicts.by_key.items() if key in samples.by_key
        }
        """The latest of each sample, unscored ones among them."""
        self.resumed = bool(samples.by_key)
        """Whether something had been recorded when the run was opened."""
        self._log = _Journal(directory / LOG)
        self._samples = _Journal(directory / SAMPLES, num_bytes=samples.num_bytes)
        self._verdicts = _Journal(directory / VERDICTS, num_bytes=verdicts.num_bytes)
        self._journals = (self._log, self._samples, self._verdicts)
        for journal in self._journals:
            if journal.num_torn:
                self.log(f"cut {journal.num_torn} bytes of a torn line off {journal.path.name}")

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the files and of the lock. Closing twice does nothing."""
        for journal in self._journals:
            journal.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def owed(self) -> list[Key]:
        """The samples that have no scored verdict yet, in the order of recording."""
        return [
            key
            for key in self.samples
            if (verdict := self.verdicts.get(key)) is None or not verdict.scored
        ]

    def append_sample(self, sample: Sample) -> None:
        """Records a sample; it is in the file when this returns. Twice the same is once.

        What stands for a reply that could not be had (`error`) is replaced by the reply.

        Raises:
            StorageError: it could not be written; the file is as it was before.
        """
        recorded = self.samples.get(sample.key)
        was_error = recorded is not None and recorded.finish_reason == "error"
        assert was_error or recorded in (None, sample), (
            f"its verdict would be about another: {sample.key}"
        )
        if recorded == sample:
            return
        self._append(self._samples, _line(sample))
        self.samples[sample.key] = sample

    def append_verdict(self, verdict: Verdict) -> None:
        """Records a verdict, which replaces the one before; its sample must be recorded.

        Raises:
            StorageError: it could not be written; the file is as it was before.
        """
        assert verdict.key in self.samples, f"a verdict without its sample: {verdict.key}"
        self._append(self._verdicts, _line(verdict))
        self.verdicts[verdict.key] = verdict

    def note_problems(self, problems: Mapping[str, ProblemNote]) -> None:
        """Writes what the problems are, once: what they were when the run was made stays.

        Nothing is written where nothing is known of them.

        Raises:
            StorageError: it could not be written.
        """
        if problems and not (self.path / PROBLEMS).exists():
            notes = ProblemNotes(problems=dict(problems))
            with self._storage_errors():
                _write_whole(self.path / PROBLEMS, notes.model_dump_json() + "\n")

    def log(self, line: str) -> None:
        """Adds a line to log.txt, with the time."""
        time = utc_now().isoformat(timespec="milliseconds")
        self._append(self._log, f"{time} {line}\n".encode(errors="backslashreplace"))

    def finish(
        self, summary: Mapping[str, object], eval_results: Mapping[str, object] | None = None
    ) -> None:
        """Writes the views, each whole or not at all, and makes sure that all is on the disk."""
        with self._storage_errors():
            for journal in self._journals:
                journal.sync()
            _write_whole(self.path / SUMMARY, json.dumps(summary, indent=2) + "\n")
            if eval_results is not None:
                _write_whole(self.path / EVAL_RESULTS, json.dumps(eval_results) + "\n")

    def _append(self, journal: "_Journal", line: bytes) -> None:
        with self._storage_errors():
            journal.append(line)

    def _storage_errors(self) -> AbstractContextManager[None]:
        again = f"repeat: {self.config.command}" if self.config.command else "repeat the command"
        return _storage_errors(
            self.path,
            f"{len(self.samples)} samples and {len(self.verdicts)} verdicts are kept; "
            f"mend that, then {again}",
        )


class _Journal:
    """A file that only grows, by whole lines."""

    def __init__(self, path: Path, *, num_bytes: int | None = None) -> None:
        """Opens or makes the file, and cuts off what lies beyond its `num_bytes` good ones."""
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        size = os.fstat(self._fd).st_size
        self.num_torn = 0 if num_bytes is None else size - num_bytes
        if self.num_torn:
            os.ftruncate(self._fd, size - self.num_torn)

    def append(self, line: bytes) -> None:
        """Writes one line in one call, so that a kill tears the last line at most."""
        size = os.fstat(self._fd).st_size
        try:
            num_written = os.write(self._fd, line)
            while num_written < len(line):  # a full disk: the next call says so
                num_written += os.write(self._fd, line[num_written:])
        except OSError as error:
            with suppress(OSError):  # else the next opening cuts
                os.ftruncate(self._fd, size)
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def sync(self) -> None:
        os.fsync(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Recorded(NamedTuple, Generic[_AnyRecord]):
    """What a JSONL file holds: the latest record of each key, and the size of its whole lines."""

    by_key: dict[Key, _AnyRecord]
    num_bytes: int


def _read_records(path: Path, kind: type[_AnyRecord]) -> _Recorded[_AnyRecord]:
    by_key: dict[Key, _AnyRecord] = {}
    num_bytes = 0
    try:
        with path.open("rb") as file, _no_garbage():
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                num_bytes += len(line)
                if not line.isspace():
                    record = parse_record(kind, line, path, number)
                    by_key[record.key] = record
    except FileNotFoundError:
        pass
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return _Recorded(by_key, num_bytes)


@contextmanager
def _no_garbage() -> Generator[None]:
    """Reading makes many objects and no cycles; the collector would walk them all, time and
    again, which more than doubles the time of a long run's opening.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def parse_record(kind: type[_AnyRecord], line: bytes, path: Path, number: int) -> _AnyRecord:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        wrong = error
    try:  # pydantic's reader refuses the escapes of lone surrogates; see _line
        return kind.model_validate(json.loads(line))
    except ValueError:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise DataError(f"{path}:{number}: not a {kind.__name__.lower()}: {said}") from None


def _line(record: Record) -> bytes:
    """A record as one line of JSON.

    A reply may hold lone surrogates: JSON can say them, UTF-8 can't. They are kept, escaped,
    because what is regraded must be what was graded.
    """
    try:
        return record.model_dump_json().encode() + b"\n"
    except PydanticSerializationError:
        return json.dumps(record.model_dump(), ensure_ascii=True).encode() + b"\n"


def _read_config(directory: Path) -> RunConfig:
    path = directory / CONFIG
    try:
        return RunConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise DataError(f"{path}: {where}: {first['msg']}; --fresh starts anew") from None


def _read_notes(directory: Path) -> dict[str, ProblemNote]:
    path = directory / PROBLEMS
    try:
        return ProblemNotes.model_validate_json(path.read_bytes()).problems
    except FileNotFoundError:  # a run that is older than this file
        return {}
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(
            f"{path}: {error.errors()[0]['msg']}: remove it, it is not needed"
        ) from None


def config_or_none(directory: Path) -> RunConfig | None:
    try:
        return _read_config(directory)
    except DataError:
        return None


def _claim(directory: Path, config: RunConfig) -> RunConfig:
    """Writes `config` into a new directory, or holds it against the one that is recorded."""
    if (directory / CONFIG).exists():
        recorded = _read_config(directory)
        if recorded.identity() != config.identity():
            raise RunMismatch(_mismatch(directory.name, recorded, config))
        return recorded
    if (directory / SAMPLES).exists():
        raise DataError(f"{directory} has samples but no {CONFIG}; --fresh starts anew")
    _write_whole(directory / CONFIG, config.model_dump_json(indent=2) + "\n")
    return config


def _mismatch(run_id: str, recorded: RunConfig, asked: RunConfig) -> str:
    old, new = recorded.identity_fields(), asked.identity_fields()
    for config, fields in ((recorded, old), (asked, new)):
        fields["checkpoint"] = f"{config.checkpoint.name} ({fields['checkpoint'][:8]})"
    differences = ", ".join(
        f"{field.replace('_', ' ')} {_short(old.get(field, 'none'))} → "
        f"{_short(new.get(field, 'none'))}"
        for field in old | new
        if old.get(field) != new.get(field)
    )
    fresh = f"{asked.command} --fresh".strip()
    original = f", or repeat the original: {recorded.command}" if recorded.command else ""
    return f"cannot resume {run_id}: {differences}. Start fresh with {fresh}{original}"


def _short(value: str) -> str:
    return value[:8] if re.fullmatch(r"[0-9a-f]{32,}", value) else value


def _safe(name: str) -> str:
    """A part of a directory's name: no separators, not hidden, not an option, not too long."""
    kept = re.sub(r"[^\w.+@=-]+", "-", name.replace("/", "--"), flags=re.ASCII)
    return kept.strip(".-")[:80] or "unnamed"


def _identity_hex(run_id: str) -> str:
    last = run_id.rpartition(".")[2]
    return last if re.fullmatch(r"[0-9a-f]{8}", last) else ""


def _modified(directory: Path) -> datetime:
    times = [0.0]
    for name in (CONFIG, SAMPLES, VERDICTS, SUMMARY):
        with suppress(OSError):
            times.append((directory / name).stat().st_mtime)
    return datetime.fromtimestamp(max(times), UTC)


def _lock(directory: Path) -> int:
    """Makes the directory and locks it; the lock lasts until the descriptor is closed.

    flock dies with the process, kill -9 included, and O_CLOEXEC keeps it from workers that are
    started, so that no lock is ever stale.
    """
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / LOCK
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and flock another process may have moved the directory aside.
            if path.exists() and os.path.samestat(os.fstat(fd), path.stat()):
                with suppress(OSError):  # a full disk is no reason not to look at a finished run
                    os.ftruncate(fd, 0)
                    os.pwrite(fd, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
                return fd
        except BlockingIOError:
            holder = path.read_text(encoding="utf-8").strip() or "another process"
            os.close(fd)
            raise UserError(
                f"run {directory.name} is being written by {holder}: "
                "wait until it ends, or give this one a name of its own with --run"
            ) from None
        except OSError:
            os.close(fd)
            raise
        os.close(fd)


def _move_aside(directory: Path) -> None:
    old = directory.parent / ".old"
    old.mkdir(exist_ok=True)
    time = utc_now().strftime("%Y%m%dT%H%M%S.%fZ")
    directory.rename(old / f"{directory.name}.{time}")


def _write_whole(path: Path, text: str) -> None:
    """Writes a file so that it has its old content or all of its new one, whatever happens."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def _storage_errors(directory: Path, hint: str) -> Generator[None]:
    """Says in one line what an OSError means for the run."""
    try:
        yield
    except OSError as error:
        path = error.filename or directory
        raise StorageError(f"cannot write {path}: {error.strerror}; {hint}") from error
