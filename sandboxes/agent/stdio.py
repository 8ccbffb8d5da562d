"""The referee of a stdin/stdout job: it runs no program, and forks one that does for each input.

    the program's standard input    a file that holds the input, unlinked
    its standard output             another, empty; what is in it when the program has ended counts
    its standard error              the job's own

Each input has a fresh process, forked from one in which no line of the program ever ran, and finds
an empty scratch directory and nobody else. The program is `__main__`, and ends as programs end:
`sys.exit` is an end like any other, threads are waited for, `atexit` and buffers are seen to.

An answer is (bytes of standard output, exit status). It is compared outside: whatever a program
does to this process, it can only change its own answers.
"""

import atexit
import builtins
import contextlib
import io
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType
from typing import Any, NoReturn, cast

from sandboxes.agent import calls, linux
from sandboxes.agent.scratch import empty

FAILED = 98
"""Exit status of a referee that failed before the program ran: that is ours."""
OUTPUT_MB = 64
"""What a run may write to standard output."""
_SAID = 3
"""Descriptor, in the program's process, of the pipe that tells of an exception."""


def run(
    channel: socket.socket, job: calls.JobSpec, inputs: "list[tuple[object, ...]]", isolated: bool
) -> NoReturn:
    """Run one stdin/stdout job and leave the process. `isolated`: all others of this user are ours."""
    answers = calls.Answers(channel, job["output_mb"] << 20)
    referee: _Referee | None = None
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # an exception here would be taken for ours
        if sys.platform == "linux":
            linux.hide_memory()
            linux.adopt_orphans()
        program = calls.compiled(calls.receive_code(channel), answers)
        if program is not None:
            texts = [cast(str, text) for (text,) in inputs]
            referee = _Referee(program, job, answers, isolated)
            referee.run(texts)
        os._exit(0)
    except MemoryError:
        answers.end("out_of_memory", "MemoryError")
        os._exit(0)
    except BaseException as error:
        if referee is not None and referee.has_run_program:
            # No room, no process to be had: what the program did. It must not buy a second try.
            answers.end("exception", calls.describe(error))
            os._exit(0)
        try:  # no program has run yet: this is ours, and says so
            os.write(2, f"the referee failed: {error!r}\n".encode("utf-8", "replace"))
        finally:
            os._exit(FAILED)


class _Referee:
    def __init__(
        self, program: CodeType, job: calls.JobSpec, answers: calls.Answers, isolated: bool
    ) -> None:
        self._program = program
        self._job = job
        self._answers = answers
        self._isolated = isolated
        self._scratch = ("/tmp", "/dev/shm") if isolated else (os.getcwd(),)
        self._output_limit = min(OUTPUT_MB, job["output_mb"]) << 20
        self._child = 0
        self.has_run_program = False
        self._limit_s = 0.0
        self._waited_s = 0.0
        self._is_late = False
        signal.signal(signal.SIGALRM, self._expired)

    def run(self, texts: "Sequence[str]") -> None:
        for index, text in enumerate(texts):
            self._limit_s = self._job["longer_s"].get(str(index), self._job["input_wall_s"])
            started = time.perf_counter()
            output, status, said = self._run_once(text)
            elapsed_s = time.perf_counter() - started
            if self._is_late:
                self._answers.end("timeout", f"input {index} took too long")
                return
            if said.startswith("MemoryError"):
                self._answers.end("out_of_memory", said)
                return
            if said:
                self._answers.exception_text(index, said, elapsed_s)
                if self._job["stop_at_exception"]:
                    break
            else:
                self._answers.value(index, (output, status), elapsed_s)
            self._answers.flush()  # the harness may have seen enough
        self._answers.end("completed")

    def _run_once(self, text: str) -> "tuple[bytes, int, str]":
        """Standard output, exit status, and the exception or signal that ended it."""
        with contextlib.ExitStack() as held:
            stdin, stdout = self._file(held), self._file(held)
            _write_all(stdin, text.encode("utf-8", "surrogatepass"))
            os.lseek(stdin, 0, os.SEEK_SET)
            said, tell = os.pipe()
            held.callback(os.close, said)
            self._child = os.fork()
            if self._child == 0:
                calls.seed(self._job["seed"])  # a forked process has other random numbers
                _be_program(self._program, (stdin, stdout, tell), self._output_limit)
            self.has_run_program = True
            os.close(tell)
            status = self._wait()
            self._clean_up()
            os.set_blocking(said, False)
            told = b""
            with contextlib.suppress(BlockingIOError):
                told = os.read(said, 4096)
            size = os.fstat(stdout).st_size
            if size >= self._output_limit:
                return b"", 0, f"OutputLimit: {size >> 20} MB or more on standard output"
            if status < 0:
                return b"", status, f"ended by {_signal_name(-status)}"
            return os.pread(stdout, size, 0), status, told.decode("utf-8", "replace")

    def _file(self, held: contextlib.ExitStack) -> int:
        path = os.path.join(self._scratch[0], f".{os.urandom(8).hex()}")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        held.callback(os.close, descriptor)
        os.unlink(path)
        return descriptor

    def _wait(self) -> int:
        """The program's end: its exit status, or less a signal."""
        self._is_late = False
        self._waited_s = 0.0
        if self._limit_s:
            signal.setitimer(signal.ITIMER_REAL, self._limit_s)
        _, status = os.waitpid(self._child, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        return os.waitstatus_to_exitcode(status)

    def _expired(self, signum: int, frame: object) -> None:
        waited_s = calls.run_queue_delay_s(self._child)
        owed_s, self._waited_s = waited_s - self._waited_s, waited_s
        if owed_s > 0.01:
            signal.setitimer(signal.ITIMER_REAL, min(owed_s, self._limit_s))
            return
        self._is_late = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)

    def _clean_up(self) -> None:
        """Whatever the run has left: processes, then files. The next one must not find them."""
        with contextlib.suppress(ProcessLookupError, PermissionError, ChildProcessError):
            while self._isolated:
                os.kill(-1, signal.SIGKILL)
                os.waitpid(-1, 0)
            os.killpg(self._child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        for directory in self._scratch:
            with contextlib.suppress(OSError):
                empty(directory)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


# --- in the program's own process ----------------------------------------------------------


def _be_program(
    program: CodeType, descriptors: "tuple[int, int, int]", output_limit: int
) -> NoReturn:
    """Be one run of the program, from its first line to its end."""
    leave = os._exit
    status = 1
    try:
        _arrange(descriptors, output_limit)
        status = _execute(program)
        status = _finish(status)
    finally:
        leave(status)


def _arrange(descriptors: "tuple[int, int, int]", output_limit: int) -> None:
    """Descriptors, limits and streams as a program finds them that was started by itself."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        linux.hide_memory(False)  # /dev/stdin leads through /proc/self, which is root's otherwise
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    moved = [os.dup(descriptor) for descriptor in descriptors]
    for target, descriptor in zip((0, 1, _SAID), moved, strict=True):
        os.dup2(descriptor, target)  # the last one closes the channel
    os.set_inheritable(_SAID, False)
    os.closerange(_SAID + 1, 1024)
    resource.setrlimit(resource.RLIMIT_FSIZE, (output_limit, output_limit))
    sys.stdin = sys.__stdin__ = _text(io.FileIO(0, "r", closefd=False), reads=True)
    sys.stdout = sys.__stdout__ = _text(io.FileIO(1, "w", closefd=False), reads=False)
    sys.argv = ["candidate.py"]


def _text(raw: io.FileIO, *, reads: bool) -> io.TextIOWrapper:
    buffer: Any = io.BufferedReader(raw) if reads else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="surrogateescape")


def _execute(program: CodeType) -> int:
    """Run it as `__main__`; its exit status, as the interpreter has it."""
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    builtins.__dict__.update(exit=_quit, quit=_quit)  # `site` would, which no worker loads
    sys.modules["__main__"] = main
    try:
        exec(program, main.__dict__)
    except SystemExit as error:
        code: object = error.code
        if code is None or isinstance(code, int):
            return int(code or 0) & 0xFF
        sys.stderr.write(f"{code}\n")
        return 1
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(_SAID, calls.describe(error).encode("utf-8", "replace"))
        # Without our own line, which stands first in it.
        inner = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, inner)
        return 1
    return 0


def _quit(code: object = None) -> NoReturn:
    raise SystemExit(code)


def _finish(status: int) -> int:
    """What the interpreter does at its end: threads, `atexit`, buffers."""
    ends: list[Callable[[], object]] = [
        cast("Callable[[], object]", vars(threading)["_shutdown"]),
        cast("Callable[[], object]", vars(atexit)["_run_exitfuncs"]),
    ]
    for end in ends:
        try:
            end()
        except SystemExit:
            pass
        except BaseException:
            traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # the program may have closed or replaced it
            pass
    return status
