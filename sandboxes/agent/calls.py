"""The job: load one candidate, call its entry point on each input, stream the answers out.

Runs in a process that was forked for this one program and is given nothing but its inputs. It
knows no expected value, so whatever the candidate does to this process can only change its
own answers. Nothing in here is trusted by the other side.

An input's time limit is enforced by a timer whose handler ends the process: there is no
exception that the candidate could catch. Time that the job spent waiting for a free core
does not count.
"""

import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import CodeType
from typing import NoReturn, TypedDict

from sandboxes.agent import codec, wire

_FLUSH_BYTES = 32 * 1024
_FLUSH_S = 0.02
_DIGEST, _UNENCODABLE = b"D", b"X"


class JobSpec(TypedDict):
    """A job as the zygote hears of it, in JSON.

    The program is not in it: it goes through the job's own channel, because a job can read
    what its parent once held, and must not find the program of an earlier one.
    """

    kind: str
    """`calls`, `stdio` (stdio.py) or `unittest` (unittests.py)."""
    bundle: str
    entry_point: str
    numpy: bool
    """The program, or its unittest file, names numpy, so the zygote should have it loaded."""
    libraries: str
    """The group of libraries that its zygote has loaded (`warm_libraries`); empty: none."""
    rules: str
    """Of a unittest job: whose surroundings the tests find (unittest_rules.py); empty: ours."""
    replay_after_s: float
    stop_at_exception: bool
    seed: int
    input_wall_s: float
    """Limit of every input but those of `longer_s`; 0 is none. Seconds."""
    longer_s: "dict[str, float]"
    """Input number (JSON keys are strings) to its own limit."""
    wall_s: float
    cpu_s: float
    memory_mb: int
    output_mb: int
    processes: int


class Answers:
    """The job's end of the stream: answers are gathered, sent in pieces, the large ones asked."""

    def __init__(self, channel: socket.socket, size_limit: int) -> None:
        self._channel = channel
        self._size_limit = size_limit
        self._pending: list[bytes] = []
        self._num_bytes = 0
        self._flushed_at = time.monotonic()

    def value(self, index: int, value: object, elapsed_s: float) -> None:
        frame = self._encode(value, 64 * 1024)
        self._add(index, wire.RETURNED, elapsed_s, frame)
        if frame[:1] == _DIGEST:
            self.flush()
            if self._channel.recv(1) == wire.FULL:
                self._add(index, wire.RETURNED, elapsed_s, self._encode(value, None))
                self.flush()

    def _encode(self, value: object, inline_limit: "int | None") -> bytes:
        frame = codec.encode(value, inline_limit=inline_limit, size_limit=self._size_limit)
        if frame[:1] == _UNENCODABLE:
            # A value that just fits in the program's memory: its frame comes out of our share.
            soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
            if soft != hard:
                resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
                frame = codec.encode(value, inline_limit=inline_limit, size_limit=self._size_limit)
                resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        return frame

    def exception(self, index: int, error: BaseException, elapsed_s: float) -> None:
        self.exception_text(index, describe(error), elapsed_s)

    def exception_text(self, index: int, text: str, elapsed_s: float) -> None:
        self._add(index, wire.RAISED, elapsed_s, text.encode("utf-8", "replace"))

    def end(self, end: str, detail: str = "") -> None:
        self.flush()
        record = json.dumps({"end": end, "detail": detail[:2000]}).encode()
        self._channel.sendall(wire.pack(wire.END, record))

    def flush(self) -> None:
        if self._pending:
            self._channel.sendall(wire.pack(wire.VALUES, b"".join(self._pending)))
            self._pending.clear()
            self._num_bytes = 0
        self._flushed_at = time.monotonic()

    def _add(self, index: int, flag: int, elapsed_s: float, frame: bytes) -> None:
        self._pending.append(wire.VALUE.pack(index, flag, elapsed_s, len(frame)))
        self._pending.append(frame)
        self._num_bytes += len(frame) + wire.VALUE.size
        if self._num_bytes >= _FLUSH_BYTES or time.monotonic() - self._flushed_at >= _FLUSH_S:
            self.flush()


def describe(error: BaseException) -> str:
    """`Type: message`, cut, whatever the exception's own methods do."""
    name = type.__getattribute__(type(error), "__name__")
    try:
        text = f"{name}: {error}"
    except BaseException:
        text = f"{name}"
    return text[:500]


class InputClock:
    """Ends the job when one input takes too long; time spent waiting for a core is not counted."""

    def __init__(self, answers: Answers, usual_s: float, longer_s: "dict[int, float]") -> None:
        """`usual_s` is every input's limit but those of `longer_s`; 0 is no limit."""
        self._answers = answers
        self._usual_s = usual_s
        self._longer_s = longer_s
        self._index = 0
        self._limit_s = usual_s
        self._waited_s = run_queue_delay_s()
        signal.signal(signal.SIGALRM, self._expired)

    def start(self, index: int) -> None:
        self._index = index
        self._limit_s = self._longer_s.get(index, self._usual_s)
        signal.setitimer(signal.ITIMER_REAL, self._limit_s)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _expired(self, signum: int, frame: object) -> None:
        waited_s = run_queue_delay_s()
        owed_s, self._waited_s = waited_s - self._waited_s, waited_s
        if owed_s > 0.01:
            signal.setitimer(signal.ITIMER_REAL, min(owed_s, self._limit_s))
            return
        try:
            self._answers.end("timeout", f"input {self._index} took too long")
        finally:  # whatever became of the channel
            os._exit(0)


def run_queue_delay_s(pid: "int | str" = "self") -> float:
    """How long a process has waited for a core, in all its life."""
    try:
        schedstat = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY)
    except OSError:  # a kernel without it
        return 0.0
    try:
        return int(os.read(schedstat, 100).split()[1]) / 1e9
    finally:
        os.close(schedstat)


def seed(number: int) -> None:
    """Random numbers are the same in each run of a program."""
    sys.modules["random"].seed(number)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(number % (1 << 32))


def run(channel: socket.socket, job: JobSpec, inputs: "list[tuple[object, ...]]") -> NoReturn:
    """Run one candidate and leave the process: this never returns."""
    answers = Answers(channel, job["output_mb"] << 20)
    try:
        function = _load(receive_code(channel), job["entry_point"], answers)
        if function is not None:
            longer_s = {int(index): limit_s for index, limit_s in job["longer_s"].items()}
            clock = InputClock(answers, job["input_wall_s"], longer_s)
            _call_all(function, inputs, answers, clock, job["stop_at_exception"])
            answers.end("completed")
    except MemoryError:
        answers.end("out_of_memory", "MemoryError")
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BaseException:  # the candidate may have closed or replaced it
                pass
        os._exit(0)


def receive_code(channel: socket.socket) -> str:
    reader = wire.FrameReader(max_payload=1 << 31)
    while piece := channel.recv(1 << 18):
        for _, payload in reader.feed(piece):
            return payload.decode("utf-8", "surrogatepass")
    return ""


def compiled(code: str, answers: Answers) -> "CodeType | None":
    """The program; None (and an end record) where it is none."""
    try:
        return compile(code, "candidate.py", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError) as error:
        answers.end("syntax", describe(error))
        return None


def _load(code: str, entry_point: str, answers: Answers) -> "Callable[..., object] | None":
    """Execute the program; None (and an end record) where there is nothing to call."""
    program = compiled(code, answers)
    if program is None:
        return None
    namespace: dict[str, object] = {}
    try:
        exec(program, namespace)
        return namespace[entry_point]  # type: ignore[return-value]
    except MemoryError:
        raise
    except BaseException as error:
        missing = isinstance(error, KeyError) and entry_point not in namespace
        answers.end("exception", f"{entry_point} is not defined" if missing else describe(error))
        return None


def _call_all(
    function: "Callable[..., object]",
    inputs: "list[tuple[object, ...]]",
    answers: Answers,
    clock: InputClock,
    stop_at_exception: bool,
) -> None:
    now = time.perf_counter
    for index, arguments in enumerate(inputs):
        started = now()
        clock.start(index)
        try:
            value = function(*arguments)
        except BaseException as error:
            clock.stop()
            if isinstance(error, MemoryError):
                raise
            answers.exception(index, error, now() - started)
            if stop_at_exception:
                return
        else:
            clock.stop()
            answers.value(index, value, now() - started)
