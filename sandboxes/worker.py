"""The harness's end of a worker: send a job, follow its stream, end with one Execution.

A `Worker` is one live supervisor behind a duplex stream. How it was started is the business of
`process.py` and `container.py`; which job it gets, of `pool.py`.
"""

import contextlib
import json
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypedDict, cast

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

    def __init__(self, death: "Death | str") -> None:
        self.death = death if isinstance(death, Death) else Death(death)
        super().__init__(self.death.reason)


class Stream(Protocol):
    """A duplex stream of bytes: what a worker needs of a socket."""

    def settimeout(self, value: float | None, /) -> None: ...

    def sendall(self, payload: bytes, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...


class Death(NamedTuple):
    """Why a worker is no more, as far as can be told."""

    reason: str
    out_of_memory: bool = False
    """Kernel or engine says that memory ran out in it."""
    engine_is_gone: bool = False
    """It is not to blame, nor is its job: what runs workers went away."""


class Connection(NamedTuple):
    """A started supervisor: its stream, and how to end it for good."""

    stream: Stream
    kill: Callable[[], None]
    """Ends the stream, and waits until the worker's processes are gone."""
    close: Callable[[], None]
    """Gives the descriptors back. Never while a thread reads: it might find another's there."""
    autopsy: Callable[[], Death]
    """Asked when the stream has ended by itself, before `kill`."""


class Worker:
    """One supervisor. Not thread-safe: one job at a time."""

    def __init__(self, connection: Connection, level: str, number: int = 0) -> None:
        """Waits for its hello.

        Raises:
            Lost: it did not come.
        """
        self._stream, self._kill, self._close, self._autopsy = connection
        self._reading = threading.Lock()
        self._killing = threading.Lock()
        self._is_killed = False
        self.number = number
        self._level = level
        self._reader = wire.FrameReader(max_payload=1 << 20)
        self._frames: list[tuple[bytes, bytes]] = []
        self._bundles: list[str] = []
        self._libraries = {""}
        self.num_jobs = 0
        kind, payload = self._receive(time.monotonic() + _START_S)
        if kind != wire.HELLO:
            raise Lost(f"the worker said {kind!r} instead of hello")
        self.hello: Hello = json.loads(payload)

    def kill(self) -> None:
        """End it, and wait until its processes are gone. May be called by several threads."""
        with self._killing:
            if not self._is_killed:
                self._is_killed = True
                self._kill()
                with self._reading:  # who reads has found the end of the stream
                    self._close()

    def is_alive(self) -> bool:
        """Whether it waits in silence for a job, as it should."""
        with self._reading:
            if self._is_killed:
                return False
            try:
                self._stream.settimeout(0.0)
                self._stream.recv(1 << 16)  # its end, or what nobody asked for
            except BlockingIOError:
                return True
            except OSError:
                pass
            return False

    def is_ready_for(self, job: Job) -> bool:
        """Whether it has the job's inputs, or its libraries, already."""
        if job.kind != "unittest":
            return job.bundle.sha256 in self._bundles
        return job.libraries in self._libraries

    def run(
        self, job: Job, on_values: OnValues, doze: Callable[[bool], None] = lambda asleep: None
    ) -> tuple[Execution, bool]:
        """Run one job; the execution, and whether the worker is fit for another.

        `doze` hears when the job begins to sleep, and when it works again.

        Raises:
            Lost: the worker died, fell silent or spoke nonsense.
        """
        with self._reading:
            if self._is_killed:
                raise Lost("the worker was killed")
            return self._run(job, on_values, doze)

    def _run(
        self, job: Job, on_values: OnValues, doze: Callable[[bool], None]
    ) -> tuple[Execution, bool]:
        self.num_jobs += 1
        self._libraries.add(job.libraries)
        if job.kind != "unittest":
            self._load(job.bundle)
        spec = json.dumps(_job_spec(job)).encode()
        self._send(wire.JOB, len(spec).to_bytes(4, "big") + spec + _program(job))
        answers = _Answers(job, on_values)
        deadline = time.monotonic() + 11 * job.limits.wall_s + 60 + _SILENCE_S
        while True:
            kind, payload = self._receive(deadline)
            if kind == wire.DONE:
                break
            if kind == wire.DOZE:
                doze(payload == wire.ASLEEP)
                continue
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
                    death = self._autopsy()
                    raise Lost(death._replace(reason=f"the worker died: {death.reason}"))
                self._frames = self._reader.feed(piece)
            except (OSError, wire.WireError) as error:
                raise Lost(f"the worker fell silent: {error}") from error
        return self._frames.pop(0)


class Hello(TypedDict):
    """What a supervisor says first."""

    python: str
    """Version of its interpreter."""
    numpy: str
    """Version that programs find; empty where there is none."""
    agent: str
    """Digest of the agent's files as they lie there."""


class _Report(TypedDict):
    """The supervisor's DONE record."""

    status: int
    """Wait status of the job's first process."""
    reason: str
    """`wall`, `cpu`, `memory`, `stopped` or `enough` where the supervisor killed it; `oom`: the
    kernel did."""
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
    if job.kind != "unittest":
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
        "libraries": job.libraries,
        "rules": job.rules,
        "replay_after_s": job.replay_after_s,
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
        except MemoryError:
            self._end, self._detail = End.FORBIDDEN, "an answer of more memory than there is"
            return Reply.ENOUGH
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
        elif report["reason"] == "oom":
            end, detail = End.OUT_OF_MEMORY, "killed by the kernel: the worker's memory ran out"
        elif report["reason"] == "stopped":
            end, detail = End.FORBIDDEN, "it stopped its referee"
        elif (
            end is None
            and self._job.kind != "calls"
            and os.waitstatus_to_exitcode(report["status"]) == FAILED
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


def job_uid(number: int, *, full_range: bool) -> int:
    """A user for the jobs of one worker alone: limits that count by user must not be shared.

    `full_range`: users above 65,535 exist where it is to live.
    """
    apart = (os.getpid() % 20_000) * 64 + number % 64
    return 1_000_000 + apart if full_range else 20_000 + apart % 40_000


def collector(values: list[Returned]) -> OnValues:
    """The `on_values` that keeps all, in full."""

    def collect(job_id: str, chunk: Sequence[Returned]) -> Reply:
        if chunk[0].index < len(values):  # the full value in place of its digest
            del values[chunk[0].index :]
        values.extend(chunk)
        return Reply.FULL

    return collect
