"""The zygote: a warm process that holds inputs and forks one job at a time.

It never sees an output: a job's channel and its standard streams end in the supervisor. What
a job can dig out of its inherited heap is therefore inputs, which it is given anyway.

Where an environment has a module `warm_libraries`, a zygote forks a further one for each group of
libraries that jobs want (zygotes.py), which loads them and serves those jobs alone. It is forked
here and not by the supervisor, because that has seen outputs.
"""

import contextlib
import fcntl
import gc
import json
import os
import resource
import signal
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, NoReturn, cast

from sandboxes.agent import calls, codec, linux, seccomp, wire

_MAX_BUNDLES = 4
_OUTCOME, _READY = 4, b"ready"
"""Descriptor, in the job, of the pipe that says whether it could be set up; and yes."""
PRELOADED = (
    "abc array ast base64 bisect calendar cmath collections contextlib copy dataclasses datetime "
    "decimal enum fractions functools hashlib heapq inspect io itertools json math numbers operator "
    "queue random re statistics string struct textwrap time traceback typing unittest"
).split()


class Identity(NamedTuple):
    """Who a job is."""

    uid: int
    """Its user and group; 0: the worker's own (plain isolation)."""
    nested: bool
    """Reached through a user and pid namespace of the job's own (a worker of an ordinary user)."""


class Held(NamedTuple):
    """What a fork inherits: bytes of data, and of address space."""

    data: int
    mapped: int


def serve(supervisor: socket.socket, identity: Identity, libraries: str = "") -> None:
    """Answer the supervisor until it closes the socket."""
    preload()
    if libraries:
        _load_libraries(libraries)
    # Not at the top of this file: it loads what registers hooks.
    from sandboxes.agent import unittests

    bundles: OrderedDict[str, list[tuple[object, ...]]] = OrderedDict()
    reader = wire.FrameReader(max_payload=1 << 31)
    descriptors: list[int] = []
    gc.collect()
    gc.freeze()
    held = _held()
    while True:
        piece, received, _, _ = socket.recv_fds(supervisor, 1 << 16, 3)
        if not piece:
            return
        descriptors += received
        for kind, payload in reader.feed(piece):
            if kind == wire.BUNDLE:
                sha256, inputs = _decode_bundle(payload)
                bundles[sha256] = inputs
                if len(bundles) > _MAX_BUNDLES:
                    bundles.popitem(last=False)
                gc.freeze()
                held = _held()
                continue
            if kind == wire.LIBRARIES:
                pid = _fork_for(payload.decode(), supervisor, descriptors.pop(), identity)
                supervisor.sendall(pid.to_bytes(4, "big"))
                continue
            job: calls.JobSpec = json.loads(payload)
            if job["numpy"] and "numpy" not in sys.modules:
                _load_numpy()
                held = _held()
            if job["kind"] == "unittest" and unittests.preload(job["numpy"], _preload):
                gc.freeze()
                held = _held()
            if job["kind"] != "unittest":  # which has no inputs
                bundles.move_to_end(job["bundle"])
            outcome, job_outcome = os.pipe()
            descriptors.append(job_outcome)
            pid = os.fork()
            if pid == 0:
                supervisor.close()
                _set_up(job, descriptors, identity, held)
                inputs = bundles[job["bundle"]] if job["kind"] != "unittest" else []
                _perform(job, inputs, isolated=bool(identity.uid))
            for descriptor in descriptors:
                os.close(descriptor)
            descriptors = []
            _attend(pid, outcome, supervisor)


def _attend(pid: int, outcome: int, supervisor: socket.socket) -> None:
    """Tell the supervisor of a job that it was begun, and how it ended."""
    said = _read_all(outcome)
    if said != _READY:  # no program had run yet: this is the machine's fault, so end
        sys.stderr.write(f"no job can be set up: {said.decode('utf-8', 'replace')}\n")
        sys.stderr.flush()
        os._exit(1)
    supervisor.sendall(pid.to_bytes(4, "big"))
    _, status, usage = os.wait4(pid, 0)
    ended = {
        "status": status,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_rss_mb": usage.ru_maxrss / 1024,
    }
    supervisor.sendall(wire.pack(wire.DONE, json.dumps(ended).encode()))


def _perform(job: calls.JobSpec, inputs: "list[tuple[object, ...]]", *, isolated: bool) -> NoReturn:
    """Do the job, of whichever kind, and leave."""
    from sandboxes.agent import stdio, unittests  # loaded long ago

    if job["kind"] == "unittest":
        unittests.run(_channel(), job, isolated)
    if job["kind"] == "stdio":
        stdio.run(_channel(), job, inputs, isolated)
    calls.run(_channel(), job, inputs)


def _channel() -> socket.socket:
    """The job's end; of what kind it is need not be asked of the kernel."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=3)


def _decode_bundle(payload: bytes) -> "tuple[str, list[tuple[object, ...]]]":
    """A bundle frame: 64 hex digits, then length-prefixed codec frames, one an input."""
    inputs: list[tuple[object, ...]] = []
    place = 64
    while place < len(payload):
        length = int.from_bytes(payload[place : place + 4], "big")
        place += 4
        arguments = codec.decode_trusted(payload[place : place + length])
        assert isinstance(arguments, tuple)
        inputs.append(cast("tuple[object, ...]", arguments))
        place += length
    return payload[:64].decode(), inputs


_after_fork: "list[dict[str, Callable[[], object]]]" = []
"""What preloaded modules want done after a fork: `threading` and `random`, nearly always."""


def preload() -> None:
    """Load what every worker has ready: before its root directory covers the agent's own files."""
    _preload(["sandboxes.agent.unittests", "sandboxes.agent.stdio", *PRELOADED])


def _preload(modules: "Sequence[str]") -> None:
    """Import, and keep back what the modules register to be run in a forked child.

    Here there is one thread and the job is seeded anyway, so that for the job's own birth it would
    only touch memory (half of what an empty job costs). Its children are another matter: the job
    registers all of it (`_become_job`).
    """
    with _hooks_kept():
        for module in modules:
            __import__(module)


@contextlib.contextmanager
def _hooks_kept() -> "Generator[None, None, None]":
    register = os.register_at_fork

    def keep(**hooks: "Callable[[], object]") -> None:
        _after_fork.append(hooks)

    os.register_at_fork = keep
    try:
        yield
    finally:
        os.register_at_fork = register


def _fork_for(
    libraries: str, supervisor: socket.socket, descriptor: int, identity: Identity
) -> int:
    """Fork the zygote of a group of libraries; its process number."""
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    try:
        supervisor.close()
        if sys.platform == "linux":
            linux.hide_memory()
            linux.die_with_parent()
        serve(socket.socket(fileno=descriptor), identity, libraries)
    except BaseException as error:
        sys.stderr.write(f"the libraries {libraries!r} can't be loaded: {error!r}\n")
        sys.stderr.flush()
    finally:
        os._exit(1)


def _load_libraries(group: str) -> None:
    """By the environment's own module, which knows what has to be loaded, tried and left alone."""
    warm: Callable[[], None] = __import__("warm_libraries").GROUPS[group]
    with _hooks_kept():
        warm()
    gc.collect()
    gc.freeze()


def _load_numpy() -> None:
    """numpy is there for every program, and loaded (once, here) when the first one names it."""
    with contextlib.suppress(ImportError):
        _preload(["numpy", "numpy.random", "numpy.linalg"])  # the latter two are lazy
    gc.freeze()


def _read_all(descriptor: int) -> bytes:
    """What is written to a pipe until its last writer is gone."""
    content = b""
    while piece := os.read(descriptor, 4096):
        content += piece
    os.close(descriptor)
    return content


def _set_up(job: calls.JobSpec, descriptors: "list[int]", identity: Identity, held: Held) -> None:
    """Become the job, and tell the zygote how that went: an exit code could be the program's."""
    try:
        _become_job(job, descriptors, identity, held)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(_OUTCOME, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        os._exit(1)
    os.write(_OUTCOME, _READY)
    os.close(_OUTCOME)


def _become_job(
    job: calls.JobSpec, descriptors: "list[int]", identity: Identity, held: Held
) -> None:
    """Turn the freshly forked child into the job: descriptors, limits, identity, seccomp.

    Every page that is written here is copied first, for each job anew: so no text files, no
    imports, nothing that could have been done before the fork.
    """
    channel, out, err, outcome = descriptors
    os.setsid()
    null = os.open("/dev/null", os.O_RDONLY)
    # Move everything above the targets first, so that no dup2 overwrites a source.
    moved = [_dup_above(descriptor) for descriptor in (null, out, err, channel, outcome)]
    for target, descriptor in enumerate(moved):
        os.dup2(descriptor, target)
    os.closerange(_OUTCOME + 1, 1024)
    if identity.nested:
        linux.hide_memory(False)  # an ordinary user could write nothing in /proc/self
    with contextlib.suppress(OSError):  # not Linux, or no /proc: plain isolation only
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)
    _set_limits(job, held)
    if identity.nested:
        _enter_nested_namespace(identity.uid)
    elif identity.uid:
        os.setgroups([])
        os.setresgid(identity.uid, identity.uid, identity.uid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    if identity.uid:
        seccomp.install()
    elif sys.platform == "linux":
        linux.die_with_parent()  # plain isolation: no namespace ends with the worker
    for hooks in _after_fork:
        os.register_at_fork(**hooks)
    calls.seed(job["seed"])


def _dup_above(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 1000)


def _set_limits(job: calls.JobSpec, held: Held) -> None:
    memory = job["memory_mb"] << 20
    cpu_s = int(job["cpu_s"]) + 2
    limits = [
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_FSIZE, 256 << 20),
        (resource.RLIMIT_STACK, memory),
    ]
    if sys.platform == "linux":
        limits.append((resource.RLIMIT_MSGQUEUE, 0))
        limits.append((resource.RLIMIT_NPROC, job["processes"]))
    # Relative to what the fork inherited: an absolute limit would punish a fat parent. Encoding
    # an answer may take as much again (calls.py), so the hard limit is above the soft one.
    # Shared mappings count as address space alone: the third limit is for them.
    with contextlib.suppress(OSError, ValueError):
        data, space = held.data + memory, held.mapped + 3 * memory
        resource.setrlimit(resource.RLIMIT_DATA, (data, data + memory))
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
    for which, value in limits:
        _, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (OSError, ValueError):
            pass  # macOS refuses some of them; the supervisor's clocks hold all the same


def _held() -> Held:
    """Of this process. Looked up when it grows, not at each fork."""
    try:
        with open("/proc/self/statm") as statm:
            fields = statm.read().split()
    except OSError:  # macOS: it has no limits of this kind either
        return Held(0, 0)
    return Held(int(fields[5]) * resource.getpagesize(), int(fields[0]) * resource.getpagesize())


def _enter_nested_namespace(uid: int) -> None:
    """Give the job its own user and pid namespace: only one uid is mapped in ours.

    The calling process stays outside as the job's parent and ends as the job ends. The job may
    see it in /proc, so it must not be dumpable: it has the job's user, and no seccomp.
    """
    linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWPID)
    linux.map_user(uid, 0, 0)
    linux.hide_memory()
    pid = os.fork()
    if pid:
        os.closerange(0, _OUTCOME + 1)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            with contextlib.suppress(OSError):  # SIGKILL and SIGSTOP have no handler
                signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
            os.kill(os.getpid(), os.WTERMSIG(status))
        os._exit(os.waitstatus_to_exitcode(status))
    linux.die_with_parent()
    linux.keep_capabilities(())
