"""A sandbox that isolates nothing: programs run in this very process, one after the other.

For tests of what stands above the sandbox, on programs that the tests themselves wrote. The
values cross the real codec, large ones as digests, so that the fake and the real sandboxes
answer alike; `script` makes it fail as real ones do.

Not here: limits, and any protection whatever.
"""

import io
import json
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from types import CodeType
from typing import cast

from sandboxes.agent import codec, unittest_child, unittests
from sandboxes.protocol import End, Execution, Job, OnValues, Reply, Returned
from sandboxes.unittest_records import UnittestRecords
from sandboxes.worker import collector


class FakeSandbox:
    """`script` says how a job ends without being run (LOST, TIMEOUT …), or None to run it."""

    def __init__(self, script: Callable[[Job], End | None] | None = None) -> None:
        self._script = script
        self.jobs: list[str] = []
        """Ids of all jobs that were run or scripted, in order."""

    @contextmanager
    def open(self, environment: str, workers: int) -> Generator["FakeWorkers"]:
        """See `protocol.Sandbox`; `workers` is of no consequence."""
        yield FakeWorkers(self, self._script)


class FakeWorkers:
    level = "fake"
    environment = "fake"

    def __init__(self, sandbox: FakeSandbox, script: Callable[[Job], End | None] | None) -> None:
        self._sandbox = sandbox
        self._script = script

    def run(self, jobs: Iterable[Job], on_values: OnValues | None = None) -> Iterator[Execution]:
        """See `protocol.Workers`."""
        for job in jobs:
            self._sandbox.jobs.append(job.id)
            end = self._script(job) if self._script else None
            if end is not None:
                yield Execution(job_id=job.id, end=end, detail="scripted", level=self.level)
            else:
                yield self._execute(job, on_values)

    def _execute(self, job: Job, on_values: OnValues | None) -> Execution:
        return _rehearse(job) if job.kind == "unittest" else self._call(job, on_values)

    def _call(self, job: Job, on_values: OnValues | None) -> Execution:
        namespace: dict[str, object] = {}
        function: Callable[..., object]
        try:
            program = compile(job.code, "candidate.py", "exec")
        except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError) as error:
            return Execution(job_id=job.id, end=End.SYNTAX, detail=str(error), level=self.level)
        try:
            if job.kind == "stdio":
                function = _whole(program)
            else:
                exec(program, namespace)
                function = cast(Callable[..., object], namespace[job.entry_point])
        except BaseException as error:  # noqa: BLE001 — a program may raise anything
            return Execution(job_id=job.id, end=End.EXCEPTION, detail=repr(error), level=self.level)
        values: list[Returned] = []
        ask = on_values or collector(values)

        def see(chunk: Sequence[Returned]) -> Reply:
            return ask(job.id, chunk)

        num_values = 0
        for index, arguments_frame in enumerate(job.bundle.frames):
            arguments = codec.decode_trusted(arguments_frame)
            assert isinstance(arguments, tuple)
            started = time.perf_counter()
            try:
                value: object = function(*arguments)
            except BaseException as error:  # noqa: BLE001 — as above
                text = f"{type(error).__name__}: {error}"
                reply = see([Returned(index, b"", text, time.perf_counter() - started)])
                num_values += 1
                if reply == Reply.ENOUGH or job.stop_at_exception:
                    end = End.ENOUGH if reply == Reply.ENOUGH else End.COMPLETED
                    return self._ended(job, end, num_values, values)
                continue
            elapsed_s = time.perf_counter() - started
            frame = codec.encode(value)
            reply = see([Returned(index, frame, "", elapsed_s)])
            if reply == Reply.FULL and frame[:1] == b"D":
                whole = codec.encode(value, inline_limit=None)
                reply = see([Returned(index, whole, "", elapsed_s)])
            num_values += 1
            if reply == Reply.ENOUGH:
                return self._ended(job, End.ENOUGH, num_values, values)
        return self._ended(job, End.COMPLETED, num_values, values)

    def _ended(self, job: Job, end: End, num_values: int, values: list[Returned]) -> Execution:
        return Execution(
            job_id=job.id,
            end=end,
            num_values=num_values,
            level=self.level,
            values=tuple(values),
        )


def _whole(program: CodeType) -> Callable[..., object]:
    def run(text: str) -> object:
        return _run_whole(program, text)

    return run


def _run_whole(program: CodeType, text: str) -> tuple[bytes, int]:
    """A run of a program that reads and writes through `sys.stdin` and `sys.stdout`."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    status = 0
    stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    try:
        with redirect_stdout(out):
            exec(program, {"__name__": "__main__"})
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    finally:
        sys.stdin = stdin
    out.flush()
    return out.buffer.getvalue(), status


def _rehearse(job: Job) -> Execution:
    """All three runs of a unittest job, by the agent's own functions, here."""
    records = UnittestRecords()

    def say(*fields: object) -> None:
        records.take(json.dumps(fields).encode())

    answers: unittest_child.Answers = {}
    for role, name in unittests.NAMES.items():
        run = unittests.ChildRun(name, say)
        run.nonce = bytes(unittest_child.NONCE_BYTES)
        numbers = iter(range(1, 1 << 30))
        unloadable: list[str] = []

        def send(
            kind: bytes,
            *fields: bytes,
            run: unittests.ChildRun = run,
            numbers: Iterator[int] = numbers,
            unloadable: list[str] = unloadable,
        ) -> None:
            if kind == unittest_child.UNLOADABLE:
                unloadable.extend(field.decode() for field in fields)
                return
            stamp = run.nonce + next(numbers).to_bytes(4, "big")
            run.take(kind, stamp + b"\0".join(fields))

        task = (job.code, job.entry_point, job.tests)
        unittest_child.rehearse(task, role, send, answers)
        if unloadable:
            end, detail = unloadable
            return Execution(job_id=job.id, end=End(end), detail=detail, level="fake")
        say("ended", name, "completed", "")
        answers = run.answers or answers
        if name == "real" and not run.passed_all:
            break
    return Execution(
        job_id=job.id,
        end=End.COMPLETED,
        level="fake",
        tests=records.run("real").tests,
        evidence=records.evidence(),
    )
