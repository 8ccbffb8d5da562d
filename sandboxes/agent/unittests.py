"""The referee of a unittest job: it runs no program, forks those that do, and passes on what they say.

    channel (fd 3)   harness: a frame for each start, each stop and each end of a run, as it happens
    socketpair       one a child (unittest_child.py), which has no other descriptor of ours

The runs, one after the other, with everything that the last one left killed and wiped before:

    real, poison     in an order drawn by lot; the program is loaded in each anew, and only then
                     hears which one it is in, and gets the tests
    replay           the tests without the program, on the answers of the real run

The poison run is made only where it is of use: not after a real run that did not pass all. The
referee is forked before the program and is not dumpable, so that processes of its own user can
end it, which is no pass, but neither read nor write it. It judges nothing: the list of
tests and what each run must show are the harness's.

Known limits. Program and tests share a process in the real run, so that a program can read the
tests there and answer by them: reading their code is told of, a table of expected values among the
module's names is not. One that takes over the runner unseen (watcher.py says how that is still
possible) can say of the real and the poison run what it likes; then the replay alone holds, and
only for those tests that the canonical solution passes in it (no files, no mocks, no changed
arguments: what crosses the codec). For the others a function may also change, while a test calls
it, what the test looks at by other means than unittest (`os.path.exists`), and undo it later. The
second child is forked when the tests have been read, so its program could find them in memory
while it loads, not knowing yet which run it is in. Under plain isolation what a child left running
is killed by process group alone, and two children share their files.
"""

import ast
import contextlib
import json
import marshal
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import CodeType
from typing import NamedTuple, NoReturn

from sandboxes.agent import calls, linux, unittest_answers, unittest_child, wire

POISON_S = 10.0
"""The poison run and the replay end here: a hang is an outcome like any other."""
FAILED = 3
"""Exit status of a referee that failed: the machine's fault. No program can give it one."""
_MAX_FRAME = 256 * 1024
_MAX_FRAMES = 50_000
_MAX_HELD = 8 << 20
PRELOADED = (
    "asyncio contextlib difflib email glob logging os pathlib pprint shutil subprocess tempfile "
    "threading unittest.async_case unittest.mock urllib.request uuid zipfile"
).split()
NAMES = {
    unittest_child.REAL: "real",
    unittest_child.POISON: "poison",
    unittest_child.REPLAY: "replay",
}


class Ended(NamedTuple):
    """How a child ended."""

    how: str
    """`completed`, `timeout`, `forged`, `died`, or an end of `unloadable`."""
    detail: str = ""
    passed_all: bool = False


_pristine: "list[unittest_child.Pristine]" = []


def preload(numpy: bool, load: "Callable[[list[str]], None]") -> bool:
    """In the zygote: load what test files import, once, and remember how it is. True if it was new."""
    wanted = [*PRELOADED, *(["numpy.testing"] if numpy else [])]
    missing = [name for name in wanted if name not in sys.modules]
    if _pristine and not missing:
        return False
    for name in missing:
        with contextlib.suppress(ImportError):
            load([name])
    _pristine[:] = [unittest_child.pristine()]
    return True


def run(channel: socket.socket, job: calls.JobSpec, isolated: bool) -> NoReturn:
    """Run one unittest job and leave the process. `isolated`: all others of this user are ours."""
    try:
        # A program may send it: as an exception it would be taken for ours, and buy a second try.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _Referee(channel, job, isolated).run()
        os._exit(0)
    except BaseException as error:  # no program runs here: this is ours, and says so
        try:
            os.write(2, f"the referee failed: {error!r}\n".encode("utf-8", "replace"))
        finally:
            os._exit(FAILED)


class _Referee:
    def __init__(self, channel: socket.socket, job: calls.JobSpec, isolated: bool) -> None:
        self._channel = channel
        self._job = job
        self._isolated = isolated
        self._answers: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self._held = 0
        self._tests: list[CodeType] = []
        """The compiled tests, once they are read."""
        self._alias = f"entry_{os.urandom(8).hex()}"
        if sys.platform == "linux":
            linux.hide_memory()
            linux.adopt_orphans()

    def run(self) -> None:
        _receive(self._channel, wire.HEADER.size)
        length = int.from_bytes(_receive(self._channel, 4), "big")
        code = _receive(self._channel, length).decode("utf-8", "surrogatepass")
        roles = [unittest_child.REAL, unittest_child.POISON]
        if os.urandom(1)[0] & 1:
            roles.reverse()
        for role in roles:
            ended = self._run_program(role, code)
            if role == unittest_child.REAL:
                if ended.how not in ("completed", "forged"):
                    self._end(ended.how, ended.detail)
                    return
                if not ended.passed_all:
                    break
        else:
            time.sleep(self._job["replay_after_s"])
            self._run_replay()
        self._end("completed", "")

    # --- the runs ------------------------------------------------------------------------

    def _run_program(self, role: bytes, code: str) -> Ended:
        limit_s = self._job["input_wall_s"] if role == unittest_child.REAL else POISON_S

        def child(descriptor: int) -> None:
            program = (code, self._job["entry_point"], self._job["rules"])
            unittest_child.run(descriptor, program, _pristine[0])

        return self._follow(child, role, limit_s)

    def _run_replay(self) -> None:
        def child(descriptor: int) -> None:
            program = ("", self._job["entry_point"], self._job["rules"])
            unittest_child.replay(descriptor, program, _pristine[0], self._answers)

        self._follow(child, unittest_child.REPLAY, POISON_S)

    def _follow(self, child: "Callable[[int], None]", role: bytes, limit_s: float) -> Ended:
        """Fork a child, give it its order, pass on what it says until it has ended."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                self._channel.close()
                os.setpgid(0, 0)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                child(theirs.detach())
            finally:
                os._exit(0)
        theirs.close()
        run = ChildRun(NAMES[role], self._say)
        try:
            ended = self._listen(ours, run, role, time.monotonic() + limit_s)
        finally:
            ours.close()
        status = self._sweep(pid)
        if ended.how == "died":
            ended = _death(status)
        if run.name == "real":
            self._answers = run.answers
        self._say("ended", run.name, ended.how, ended.detail)
        return ended

    def _listen(self, link: socket.socket, run: "ChildRun", role: bytes, deadline: float) -> Ended:
        reader = wire.FrameReader(max_payload=_MAX_FRAME)
        poll = select.poll()
        poll.register(link, select.POLLIN)
        while (left_s := deadline - time.monotonic()) > 0:
            if not poll.poll(left_s * 1000 + 1):
                break
            try:
                piece = link.recv(1 << 18)
            except OSError:
                piece = b""
            if not piece:
                return Ended("died")
            try:
                for kind, payload in reader.feed(piece):
                    if kind == unittest_child.LOADED and not run.nonce:
                        run.take(kind, payload)
                        self._give_order(link, run, role)
                    elif kind == unittest_child.UNLOADABLE and not run.nonce:
                        end, _, detail = payload.partition(b"\0")
                        return Ended(_END_OF_LOAD.get(end, "exception"), _clear(detail))
                    elif run.take(kind, payload):
                        return Ended("completed", passed_all=run.passed_all)
            except (wire.WireError, ValueError) as error:
                return Ended("forged", f"{error}")
            except OSError:  # it said that it is ready, and does not listen
                return Ended("forged", "it took no order")
        return Ended("timeout", f"the {run.name} run took too long")

    def _give_order(self, link: socket.socket, run: "ChildRun", role: bytes) -> None:
        run.nonce = os.urandom(unittest_child.NONCE_BYTES)
        if not self._tests:
            source = _receive_rest(self._channel).decode("utf-8", "surrogatepass")
            self._tests.append(compile_tests(source, self._job["entry_point"], self._alias))
        order = marshal.dumps((role, self._alias, self._tests[0]))
        link.sendall(len(order).to_bytes(4, "big") + run.nonce + order)

    # --- after each run ------------------------------------------------------------------

    def _sweep(self, pid: int) -> int:
        """Kill and reap all that the child left, and empty the writable directories."""
        if not self._isolated:
            _kill(-pid)
            _kill(pid)
            return os.waitpid(pid, 0)[1]
        status = 0
        while True:
            _kill(-1)
            try:
                found, its_status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            if found == pid:
                status = its_status
        for directory in (os.getcwd(), "/dev/shm"):
            _wipe(directory)
        return status

    # --- to the harness ------------------------------------------------------------------

    def _say(self, *fields: object) -> None:
        self._channel.sendall(wire.pack(wire.TEST, json.dumps(fields).encode()))

    def _end(self, end: str, detail: str) -> None:
        record = json.dumps({"end": end, "detail": detail[:2000]}).encode()
        self._channel.sendall(wire.pack(wire.END, record))


class ChildRun:
    """What one child has said so far."""

    def __init__(self, name: str, say: "Callable[..., None]") -> None:
        self.name = name
        self.nonce = b""
        self.passed_all = True
        self.answers: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self._say = say
        self._number = 0
        self._held = 0

    def take(self, kind: bytes, payload: bytes) -> bool:
        """One frame; whether it was the last.

        Raises:
            ValueError: not by the runner that has the nonce.
        """
        self._number += 1
        if not self.nonce and kind in (unittest_child.LOOK, unittest_child.LOADED):
            if kind == unittest_child.LOOK:
                self._say("looked", self.name, _clear(payload))
            return False
        stamp = self.nonce + self._number.to_bytes(4, "big")
        if not self.nonce or payload[: len(stamp)] != stamp or self._number > _MAX_FRAMES:
            raise ValueError(f"frame {self._number} of the {self.name} run is not the runner's")
        fields = payload[len(stamp) :]
        if kind == unittest_answers.CALL:
            name, _, answer = fields.partition(b"\0")
            self._held += len(answer) + 64
            if self._held <= _MAX_HELD:
                self.answers.setdefault(name, []).append((answer[:1], answer[1:]))
        elif kind == unittest_child.LOOK:
            self._say("looked", self.name, _clear(fields))
        elif kind == unittest_child.START:
            self._say("start", self.name, _clear(fields))
        elif kind == unittest_child.STOP:
            name, outcome, message = fields.split(b"\0")
            self.passed_all &= outcome == b"passed"
            self._say("stop", self.name, _clear(name), _clear(outcome), _clear(message))
        elif kind == unittest_child.EVIDENCE:
            problem, changed, foreign = fields.split(b"\0")
            self.passed_all &= not problem
            labels = [_clear(part).split("\n") if part else [] for part in (changed, foreign)]
            self._say("evidence", self.name, _clear(problem), *labels)
            return True
        else:
            raise ValueError(f"a frame of kind {kind!r}")
        return False


def compile_tests(source: str, entry_point: str, alias: str) -> CodeType:
    """The tests with the entry point under another name, which no program can bind beforehand.

    So recursion of the program's own is not watched. Where the tests bind the name themselves it
    stays as it is.
    """
    tree = ast.parse(source, unittest_child.TEST_FILE)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    used = [node for node in names if node.id == entry_point]
    bound = any(not isinstance(node.ctx, ast.Load) for node in used) or any(
        isinstance(node, ast.arg) and node.arg == entry_point for node in ast.walk(tree)
    )
    if not bound:
        for node in used:
            node.id = alias
    return compile(tree, unittest_child.TEST_FILE, "exec", dont_inherit=True)


_END_OF_LOAD = {b"syntax": "syntax", b"out_of_memory": "out_of_memory"}


def _death(status: int) -> Ended:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_spent = used.ru_utime + used.ru_stime >= resource.getrlimit(resource.RLIMIT_CPU)[0] - 2
        if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_spent):
            return Ended("timeout", "CPU limit")
        return Ended("exception", f"ended by signal {number} before its tests did")
    return Ended("exception", "left before its tests had ended")


def _clear(text: bytes) -> str:
    return text.decode("utf-8", "replace")[:2000]


def _receive(channel: socket.socket, count: int) -> bytes:
    pieces: list[bytes] = []
    while count:
        piece = channel.recv(min(count, 1 << 18))
        if not piece:
            os._exit(0)
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _receive_rest(channel: socket.socket) -> bytes:
    return _receive(channel, int.from_bytes(_receive(channel, 4), "big"))


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def _wipe(directory: str) -> None:
    try:
        for entry in list(os.scandir(directory)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
    except (OSError, RecursionError):
        pass  # the supervisor empties them thoroughly when the job has ended
