"""The harness's end of a worker: send a job, follow its stream, end with one Execution.

A `Worker` is one live supervisor behind a duplex stream; how it was started is the business
of `process.py`. `WorkerPool` runs many: a thread a worker, jobs pulled as workers get free,
a worker replaced whenever there is doubt about it.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypedDict, cast

from sandboxes.agent import wire
from sandboxes.agent.unittests import FAILED
from sandboxes.protocol import (
    Bundle,
    End,
    Evidence,
    Execution,
    Job,
    OnValues,
    Reply,
    Returned,
    SandboxError,
)
from sandboxes.unittest_records import UnittestRecords

_MAX_JOBS = 2000
"""A worker is replaced after so many jobs, before small leaks add up."""
_START_S = 30.0
_SILENCE_S = 30.0
"""How long a supervisor may outlive its job's last limit before it is given up."""
_UNASKED_BYTES = 256 * 1024
"""A frame that nobody asked for: a batch of answers, each within the codec's inline limit. What is
larger comes as a digest, so a job can't fill our memory before it is asked for a value in full."""
_END_BYTES = 64 * 1024


class Lost(SandboxError):
    """The worker died or does not answer; its job is not to blame (yet)."""


class Connection(NamedTuple):
    """A started supervisor: its stream, and how to end it for good."""

    stream: socket.socket
    kill: Callable[[], None]
    """Waits until the worker's processes are gone."""
    last_words: Callable[[], str]
    """What it wrote to standard error last, before it died."""


class Worker:
    """One supervisor. Not thread-safe: one job at a time."""

    def __init__(self, connection: Connection, level: str) -> None:
        self._stream, self.kill, self._last_words = connection
        self._level = level
        self._reader = wire.FrameReader(max_payload=1 << 20)
        self._frames: list[tuple[bytes, bytes]] = []
        self._bundles: list[str] = []
        self.num_jobs = 0
        kind, payload = self._receive(time.monotonic() + _START_S)
        if kind != wire.HELLO:
            raise Lost(f"the worker said {kind!r} instead of hello")
        self.python: str = json.loads(payload)["python"]

    def run(self, job: Job, on_values: OnValues) -> tuple[Execution, bool]:
        """Run one job; the execution, and whether the worker is fit for another.

        Raises:
            Lost: the worker died, fell silent or spoke nonsense.
        """
        self.num_jobs += 1
        self._load(job.bundle)
        spec = json.dumps(_job_spec(job)).encode()
        self._send(wire.JOB, len(spec).to_bytes(4, "big") + spec + _program(job))
        answers = _Answers(job, on_values)
        deadline = time.monotonic() + 11 * job.limits.wall_s + 60 + _SILENCE_S
        while True:
            kind, payload = self._receive(deadline)
            if kind == wire.DONE:
                break
            reply = answers.feed(payload)
            if reply == Reply.ENOUGH:
                self._send(wire.ENOUGH)
            elif reply is not None:
                self._send(wire.REPLY, wire.FULL if reply == Reply.FULL else wire.GO_ON)
        report = cast(_Report, json.loads(payload))
        return answers.execution(report, self._level), report["clean"] and self.num_jobs < _MAX_JOBS

    def _load(self, bundle: Bundle) -> None:
        if bundle.sha256 in self._bundles:
            self._bundles.remove(bundle.sha256)
        else:
            parts = [bundle.sha256.encode()]
            for frame in bundle.frames:
                parts += [len(frame).to_bytes(4, "big"), frame]
            self._send(wire.BUNDLE, b"".join(parts))
        # The same least-recently-used order as the zygote's.
        self._bundles = [*self._bundles, bundle.sha256][-4:]

    def _send(self, kind: bytes, payload: bytes = b"") -> None:
        try:
            self._stream.settimeout(_SILENCE_S)
            self._stream.sendall(wire.pack(kind, payload))
        except OSError as error:
            raise Lost(f"the worker does not listen: {error}") from error

    def _receive(self, deadline: float) -> tuple[bytes, bytes]:
        while not self._frames:
            try:
                self._stream.settimeout(max(0.01, deadline - time.monotonic()))
                piece = self._stream.recv(1 << 18)
                if not piece:
                    raise Lost(f"the worker died: {self._last_words()}")
                self._frames = self._reader.feed(piece)
            except (OSError, wire.WireError) as error:
                raise Lost(f"the worker fell silent: {error}") from error
        return self._frames.pop(0)


class _Report(TypedDict):
    """The supervisor's DONE record."""

    status: int
    """Wait status of the job's first process."""
    reason: str
    """`wall`, `cpu`, `memory` or `enough` where the supervisor killed it."""
    cpu_s: float
    wall_s: float
    waited_s: float
    peak_rss_mb: float
    stdout: str
    stderr: str
    clean: bool


def _program(job: Job) -> bytes:
    """What goes through the job's own channel alone: its code, and its unittest file."""
    code = job.code.encode("utf-8", "surrogatepass")
    if job.kind == "calls":
        return code
    tests = job.tests.encode("utf-8", "surrogatepass")
    return b"".join([len(code).to_bytes(4, "big"), code, len(tests).to_bytes(4, "big"), tests])


def _job_spec(job: Job) -> dict[str, object]:
    limits = job.limits
    usual_s = min(limits.input_wall_s, default=0.0) if limits.input_wall_s else 0.0
    longer_s = {
        index: limit_s
        for index, limit_s in enumerate(limits.input_wall_s or ())
        if limit_s > usual_s
    }
    return {
        "kind": job.kind,
        "bundle": job.bundle.sha256,
        "entry_point": job.entry_point,
        "numpy": "numpy" in job.code or "numpy" in job.tests,
        "stop_at_exception": job.stop_at_exception,
        "seed": job.seed,
        "input_wall_s": usual_s,
        "longer_s": longer_s,
        "wall_s": limits.wall_s,
        "cpu_s": limits.cpu_s,
        "memory_mb": limits.memory_mb,
        "output_mb": limits.output_mb,
        "processes": limits.processes,
    }


class _Answers:
    """Follows one job's stream. Whatever it says, it ends as values or as FORBIDDEN.

    An honest job waits for the reply to each digest, and gives one answer an input. So replies
    never pile up in the worker's stream, and answers never in our memory.
    """

    def __init__(self, job: Job, on_values: OnValues) -> None:
        self._job = job
        self._on_values = on_values
        self._reader = wire.FrameReader(max_payload=_UNASKED_BYTES)
        self._num_values = 0
        self._awaiting_full = False
        self._end: End | None = None
        self._detail = ""
        self._records = UnittestRecords() if job.kind == "unittest" else None

    def feed(self, piece: bytes) -> Reply | None:
        """Take raw bytes of the job; what is to be answered to it, if anything."""
        reply: Reply | None = None
        if self._end is not None:
            return None
        try:
            for kind, payload in self._reader.feed(piece):
                if reply is not None:
                    raise wire.WireError("a frame that did not wait for our reply")
                if kind == wire.VALUES:
                    reply = self._take_values(payload)
                elif kind == wire.TEST and self._records is not None:
                    self._records.take(payload)
                elif kind == wire.END:
                    self._take_end(payload)
                else:
                    raise wire.WireError(f"a frame of kind {kind!r}")
                if self._end is not None:
                    return reply
        except (wire.WireError, struct.error, ValueError, RecursionError) as error:
            self._end, self._detail = End.FORBIDDEN, f"malformed answer: {error}"
            return Reply.ENOUGH
        return reply

    def _take_values(self, payload: bytes) -> Reply | None:
        chunk: list[Returned] = []
        place, asked = 0, self._awaiting_full
        while place < len(payload):
            index, flag, elapsed_s, length = wire.VALUE.unpack_from(payload, place)
            place += wire.VALUE.size + length
            if place > len(payload):
                raise wire.WireError("an answer longer than its frame")
            frame = payload[place - length : place]
            expected = self._num_values - 1 if self._awaiting_full else self._num_values
            if index != expected:
                raise wire.WireError(f"answer {index} where {expected} was due")
            if index >= len(self._job.bundle.frames):
                raise wire.WireError("more answers than inputs")
            self._num_values = index + 1
            self._awaiting_full = False
            if flag == wire.RAISED:
                text = frame[:_END_BYTES].decode("utf-8", "replace")[:500]
                chunk.append(Returned(index, b"", text or "an exception", elapsed_s))
            else:
                chunk.append(Returned(index, frame, "", elapsed_s))
        self._expect_full(False)
        if not chunk:
            return None
        reply = self._on_values(self._job.id, chunk)
        if reply == Reply.ENOUGH:
            self._end = End.ENOUGH
            return reply
        if chunk[-1].frame[:1] == b"D" and not asked:
            self._expect_full(reply == Reply.FULL)
            return reply
        return None

    def _expect_full(self, asked: bool) -> None:
        self._awaiting_full = asked
        whole = (self._job.limits.output_mb << 20) + _UNASKED_BYTES
        self._reader.max_payload = whole if asked else _UNASKED_BYTES

    def _take_end(self, payload: bytes) -> None:
        if len(payload) > _END_BYTES:
            raise wire.WireError(f"an end of {len(payload)} bytes")
        record: object = json.loads(payload)
        fields = cast(dict[str, object], record) if isinstance(record, dict) else {}
        end, detail = fields.get("end"), fields.get("detail", "")
        if end not in ("completed", "exception", "syntax", "timeout", "out_of_memory"):
            raise wire.WireError("an end of no known kind")
        # Lone surrogates are legal in JSON, and in no file or database that we write.
        text = (
            detail.encode("utf-8", "backslashreplace").decode() if isinstance(detail, str) else ""
        )
        self._end, self._detail = End(str(end)), text[:2000]

    def execution(self, report: _Report, level: str) -> Execution:
        end, detail = self._end, self._detail
        limits = self._job.limits
        if report["reason"] in ("wall", "cpu"):
            end = End.TIMEOUT
            detail = f"{report['wall_s']:.1f} s elapsed, {report['cpu_s']:.1f} s of CPU"
        elif report["reason"] == "memory":
            end, detail = End.OUT_OF_MEMORY, "its processes together"
        elif (
            end is None and self._records and os.waitstatus_to_exitcode(report["status"]) == FAILED
        ):
            raise Lost(report["stderr"].strip()[-500:])
        elif end is None:
            end, detail = _end_of(report["status"], report["cpu_s"] >= limits.cpu_s)
        return Execution(
            job_id=self._job.id,
            end=end,
            num_values=self._num_values,
            detail=detail,
            stdout=report["stdout"],
            stderr=report["stderr"],
            cpu_s=report["cpu_s"],
            wall_s=report["wall_s"],
            peak_rss_mb=report["peak_rss_mb"],
            level=level,
            tests=self._records.run("real").tests if self._records else (),
            evidence=self._records.evidence() if self._records else Evidence(),
        )


def _end_of(status: int, cpu_spent: bool) -> tuple[End, str]:
    """How a process ended that never said so itself."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_spent):
            return End.TIMEOUT, "CPU limit"
        with contextlib.suppress(ValueError):
            return End.KILLED, signal.Signals(number).name
        return End.KILLED, f"signal {number}"
    return End.KILLED, f"left with exit status {os.waitstatus_to_exitcode(status)} before answering"


class WorkerPool:
    """Workers behind the `Workers` protocol: a thread each, jobs pulled from one iterator."""

    def __init__(
        self,
        start: Callable[[int], Connection],
        *,
        num_workers: int,
        level: str,
        environment: str,
    ) -> None:
        self._start = start
        self._num_workers = num_workers
        self.level = level
        self.environment = environment
        self._workers: dict[int, Worker] = {}
        self._runs: set[_Run] = set()
        self._lock = threading.Lock()
        """Of the two above. Held for moments only: never while a job is drawn or a worker starts."""
        self._slots = [threading.Lock() for _ in range(num_workers)]
        """One job at a time on each, whichever `run` it belongs to."""

    def run(self, jobs: Iterable[Job], on_values: OnValues | None = None) -> Iterator[Execution]:
        """See `protocol.Workers`.

        Raises:
            SandboxError: no worker can be started any more, or the sandbox was closed meanwhile.
        """
        run = _Run(iter(jobs), on_values, room=4 * self._num_workers)
        threads = [
            threading.Thread(
                target=self._serve, args=(slot, run), name=f"sandbox-worker-{slot}", daemon=True
            )
            for slot in range(self._num_workers)
        ]
        with self._lock:
            self._runs.add(run)
        for thread in threads:
            thread.start()
        num_running = len(threads)
        try:
            while num_running:
                result = run.results.get()
                if result is None:
                    num_running -= 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    run.room.release()
                    yield result
            if run.stop.is_set():
                raise SandboxError("the sandbox was closed while jobs were running")
        finally:
            run.stop.set()
            with self._lock:
                self._runs.discard(run)
            if num_running:
                self._kill_workers()
                for thread in threads:
                    thread.join(timeout=_START_S)  # it may be waiting for the caller's next job

    def close(self) -> None:
        """Stop what runs and kill every worker. A later `run` starts new ones."""
        with self._lock:
            for run in self._runs:
                run.stop.set()
        self._kill_workers()

    def _kill_workers(self) -> None:
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.kill()

    def _serve(self, slot: int, run: "_Run") -> None:
        """A worker's thread: until the jobs are used up, or someone says stop."""
        try:
            while not run.stop.is_set():
                if not run.room.acquire(timeout=0.1):
                    continue
                job = run.next_job()
                if job is None:
                    break
                with self._slots[slot]:
                    execution = self._run_twice(slot, job, run)
                if execution is not None:
                    run.results.put(execution)
        except BaseException as error:  # noqa: BLE001 — handed to the caller's thread, traceback and all
            run.results.put(error)
        run.results.put(None)

    def _run_twice(self, slot: int, job: Job, run: "_Run") -> Execution | None:
        """A job whose worker died runs again on another; the second loss is final."""
        reason = ""
        see = _each_once(run.on_values) if run.on_values else None
        for _ in range(2):
            values: list[Returned] = []
            worker = self._worker(slot, run.stop)
            if worker is None:
                return None
            try:
                execution, fit = worker.run(job, see or collector(values))
            except Lost as error:
                reason = str(error)
                self._discard(slot)
                continue
            except BaseException:
                self._discard(slot)
                raise
            if not fit:
                self._discard(slot)
            return execution if see else replace(execution, values=tuple(values))
        if run.stop.is_set():
            return None
        return Execution(job_id=job.id, end=End.LOST, detail=reason, level=self.level)

    def _worker(self, slot: int, stop: threading.Event) -> Worker | None:
        """The slot's worker, started if need be; None where it is time to stop."""
        with self._lock:
            worker = self._workers.get(slot)
        if worker is not None:
            return worker
        problems: list[str] = []
        for pause_s in (0.0, 0.2, 1.0):
            if stop.wait(pause_s) if pause_s else stop.is_set():
                return None
            connection = self._start(slot)
            try:
                worker = Worker(connection, self.level)
            except Lost as error:
                connection.kill()
                problems.append(str(error))
                continue
            with self._lock:
                if not stop.is_set():
                    self._workers[slot] = worker
                    return worker
            worker.kill()
            return None
        raise SandboxError(f"no worker can be started: {'; '.join(problems)}")

    def _discard(self, slot: int) -> None:
        with self._lock:
            worker = self._workers.pop(slot, None)
        if worker is not None:
            worker.kill()


class _Run:
    """One call of `WorkerPool.run`: what its threads share."""

    def __init__(self, jobs: Iterator[Job], on_values: OnValues | None, room: int) -> None:
        self._jobs = jobs
        self._drawing = threading.Lock()
        self.on_values = on_values
        self.results: queue.SimpleQueue[Execution | BaseException | None] = queue.SimpleQueue()
        self.room = threading.Semaphore(room)
        """Back-pressure: a job is drawn when there is room for its execution."""
        self.stop = threading.Event()

    def next_job(self) -> Job | None:
        with self._drawing:
            return next(self._jobs, None)


def _each_once(on_values: OnValues) -> OnValues:
    """Shows each answer once, also where a lost worker's job is run again from the start."""
    num_settled = 0
    enough = False

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        nonlocal num_settled, enough
        news = [answer for answer in chunk if answer.index >= num_settled]
        if enough or not news:
            return Reply.ENOUGH if enough else Reply.GO_ON
        reply = on_values(job_id, news)
        enough = reply == Reply.ENOUGH
        num_settled = news[-1].index + (reply != Reply.FULL)
        return reply

    return see


def collector(values: list[Returned]) -> OnValues:
    """The `on_values` that keeps all, in full."""

    def collect(job_id: str, chunk: Sequence[Returned]) -> Reply:
        if chunk[0].index < len(values):  # the full value in place of its digest
            del values[chunk[0].index :]
        values.extend(chunk)
        return Reply.FULL

    return collect
