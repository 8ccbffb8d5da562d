"""The supervisor: first process of a worker. It relays, keeps the clocks, kills and sweeps.

One job at a time. The job's channel and standard streams end here, never in the zygote. What
a job writes is passed on unread; what it left behind (processes, files) is gone before the
harness hears that the job is done, or the worker is reported unclean and replaced.

    stdin, stdout of this process   the harness (frames of wire.py)
    socketpair                      the zygote
    socketpair, two pipes a job     its channel, stdout and stderr

The supervisor ends at the end of its stdin, and everything below it ends with it.
"""

import contextlib
import hashlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Generator
from typing import NamedTuple, NoReturn

from sandboxes.agent import calls, linux, wire, zygote
from sandboxes.agent.clock import Clock, Sight, stat_fields

_PIECE = 1 << 18
_TAIL_BYTES = 32 * 1024
_SWEEP_S = 10.0
_SCRATCH = ("/tmp", "/dev/shm")


class Settings(NamedTuple):
    """How this worker is isolated; from the process that started it."""

    level: str
    """`container`, `namespaces` or `plain`."""
    job_uid: int
    """User of the jobs; 0 where they keep the worker's own (plain)."""
    nested: bool
    """Jobs enter a user and pid namespace of their own."""


def main(settings: Settings) -> None:
    linux_host = sys.platform == "linux"
    if linux_host:
        linux.hide_memory()
        linux.adopt_orphans()
    ours, theirs = socket.socketpair()
    zygote_pid = os.fork()
    if zygote_pid == 0:
        with contextlib.suppress(KeyboardInterrupt):
            ours.close()
            null = os.open("/dev/null", os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            if linux_host:
                linux.hide_memory()
                linux.die_with_parent()
            zygote.serve(theirs, zygote.Identity(settings.job_uid, settings.nested))
        os._exit(0)
    theirs.close()
    if linux_host:
        # An engine that shuts down says so first, and the first process of a container hears only
        # what it listens to. No job can send us a signal.
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    Supervisor(settings, ours, zygote_pid).serve()


class Tail:
    """Head and tail of a stream within 64 KiB; the middle is counted, not kept."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._num_bytes = 0

    def feed(self, piece: bytes) -> None:
        self._num_bytes += len(piece)
        room = _TAIL_BYTES - len(self._head)
        self._head += piece[:room]
        self._tail = (self._tail + piece[room:])[-_TAIL_BYTES:] if room < len(piece) else self._tail

    def text(self) -> str:
        dropped = self._num_bytes - len(self._head) - len(self._tail)
        middle = f"\n… {dropped} bytes …\n".encode() if dropped else b""
        return (self._head + middle + self._tail).decode("utf-8", "replace")


class Supervisor:
    def __init__(self, settings: Settings, zygote_socket: socket.socket, zygote_pid: int) -> None:
        self._settings = settings
        self._zygote = zygote_socket
        self.zygote_pid = zygote_pid
        self._cpu_s_of_orphans = 0.0

        usual = 2 if settings.nested else 1
        self._sight = Sight(self.strangers, self.last_pid, zygote_pid, usual)
        self._num_oom_kills = num_oom_kills()
        isolated = settings.level != "plain"
        self._scratch = {path: _marks(path) for path in _SCRATCH if isolated}

    def serve(self) -> None:
        self._send(wire.HELLO, json.dumps(_hello()).encode())
        reader = wire.FrameReader(max_payload=1 << 31)
        while piece := _read(0):
            for kind, payload in reader.feed(piece):
                if kind == wire.BUNDLE:
                    self._zygote.sendall(wire.pack(wire.BUNDLE, payload))
                elif kind == wire.JOB:
                    self._run(payload)
                # REPLY and ENOUGH may arrive just after their job has ended: nothing to do.
        self._leave()

    def _leave(self) -> NoReturn:
        """The harness is gone. A pid namespace ends with its first process: with us.

        The zygote ends first, and is waited for: what its jobs took counts as the harness's time
        (`time harness eval …`) only then.
        """
        self._kill(self.zygote_pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.zygote_pid, 0)
        if self._settings.level == "plain":
            self._sweep_processes()
            _empty(os.getcwd())
            with contextlib.suppress(OSError):
                os.rmdir(os.getcwd())
        os._exit(0)

    def _send(self, kind: bytes, payload: bytes) -> None:
        frame = memoryview(wire.pack(kind, payload))
        while frame:
            frame = frame[os.write(1, frame) :]

    def _run(self, payload: bytes) -> None:
        length = int.from_bytes(payload[:4], "big")
        spec, code = payload[4 : 4 + length], payload[4 + length :]
        job: calls.JobSpec = json.loads(spec)
        self._cpu_s_of_orphans = 0.0
        started = time.monotonic()
        with self._descriptors() as (channel, out, err, job_side):
            socket.send_fds(self._zygote, [wire.pack(wire.JOB, spec)], job_side)
            for descriptor in job_side:
                os.close(descriptor)
            job_side.clear()
            pid = int.from_bytes(_receive_exactly(self._zygote, 4), "big")
            clock = Clock(self._sight, job)  # before the program is there, and can fork
            with contextlib.suppress(OSError):  # it may be dead already
                channel.sendall(wire.pack(wire.REPLY, code))
            streams = {out: Tail(), err: Tail()}
            reason = self._relay(channel, streams, clock)
            if reason:
                self._kill(pid)
            ended = self._ended()
            if not reason and self._kernel_killed(ended["status"]):
                reason = "oom"
            processes_gone = self._sweep_processes()
            if processes_gone:  # else there may be no end to what they write
                self._drain(channel, streams)
        clean = processes_gone and self._sweep_files()
        report = {
            "status": ended["status"],
            "reason": reason,
            "cpu_s": ended["cpu_s"] + self._cpu_s_of_orphans,
            "peak_rss_mb": ended["peak_rss_mb"],
            "wall_s": time.monotonic() - started,
            "waited_s": clock.waited_s,
            "stdout": streams[out].text(),
            "stderr": streams[err].text(),
            "clean": clean,
        }
        self._send(wire.DONE, json.dumps(report).encode())

    @contextlib.contextmanager
    def _descriptors(self) -> "Generator[tuple[socket.socket, int, int, list[int]], None, None]":
        """The job's channel and streams: our ends, and a list of the job's."""
        channel, job_channel = socket.socketpair()
        out, job_out = os.pipe()
        err, job_err = os.pipe()
        job_side = [job_channel.detach(), job_out, job_err]
        try:
            yield channel, out, err, job_side
        finally:
            channel.close()
            for descriptor in (out, err, *job_side):
                os.close(descriptor)

    def _relay(self, channel: socket.socket, streams: "dict[int, Tail]", clock: "Clock") -> str:
        """Pass pieces on until the zygote reports the end; the reason, where we must kill."""
        poll = select.poll()
        control = {0, self._zygote.fileno()}
        for descriptor in (*control, channel.fileno(), *streams):
            poll.register(descriptor, select.POLLIN)
        reader = wire.FrameReader(max_payload=16)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(clock.milliseconds_to_look())}
            for descriptor in ready - control:
                piece = _read(descriptor)
                if not piece:
                    poll.unregister(descriptor)
                elif descriptor in streams:
                    streams[descriptor].feed(piece)
                else:
                    self._send(wire.STREAM, piece)
            if 0 in ready:
                piece = _read(0)
                if not piece:
                    self._leave()
                for kind, payload in reader.feed(piece):
                    if kind == wire.ENOUGH:
                        return "enough"
                    # An honest job waits for each reply. Never wait for one that does not.
                    with contextlib.suppress(OSError):
                        channel.send(payload, socket.MSG_DONTWAIT)
            if self._zygote.fileno() in ready:
                return ""
            was_asleep = clock.is_asleep
            if reason := clock.expired():
                return reason
            if clock.is_asleep != was_asleep:
                self._send(wire.DOZE, wire.ASLEEP if clock.is_asleep else wire.AWAKE)

    def _drain(self, channel: socket.socket, streams: "dict[int, Tail]") -> None:
        """What was still in the pipes when the last writer died."""
        for descriptor in (channel.fileno(), *streams):
            os.set_blocking(descriptor, False)
            while piece := _read(descriptor):
                if descriptor in streams:
                    streams[descriptor].feed(piece)
                else:
                    self._send(wire.STREAM, piece)

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _ended(self) -> "dict[str, float]":
        header = _receive_exactly(self._zygote, wire.HEADER.size)
        _, length = wire.HEADER.unpack(header)
        return json.loads(_receive_exactly(self._zygote, length))

    def _kernel_killed(self, status: float) -> bool:
        """Whether a job that we did not kill was killed because memory ran out."""
        if int(status) & 0x7F != signal.SIGKILL:
            return False
        before, self._num_oom_kills = self._num_oom_kills, num_oom_kills()
        return self._num_oom_kills > before

    # --- the sweep -----------------------------------------------------------------------

    def _sweep_processes(self) -> bool:
        """Kill and reap all that the job left running; False if something stays.

        Once every process of the job's identity has a SIGKILL pending none can fork, so a
        look at the list that shows only ours is final.
        """
        if sys.platform != "linux":
            return True
        started = time.monotonic()
        pause_s = 0.001
        while strangers := self.strangers():
            self._kill_all_of_job()
            if time.monotonic() - started > 0.5:  # whatever keeps the helpers from it
                for pid in strangers:
                    self._kill(pid)
            if time.monotonic() - started > _SWEEP_S:
                return False
            time.sleep(pause_s)  # for the killed to end, and our helper, before we look again
            pause_s = min(2 * pause_s, 0.02)
            with contextlib.suppress(ChildProcessError):
                while True:
                    pid, _, usage = os.wait4(-1, os.WNOHANG)
                    if pid == 0:
                        break
                    self._cpu_s_of_orphans += usage.ru_utime + usage.ru_stime
        return True

    def strangers(self) -> "list[int]":
        """All processes of the job, the job itself first."""
        if self._settings.level == "plain":
            return [pid for pid in _descendants(os.getpid()) if pid != self.zygote_pid]
        ours = {os.getpid(), self.zygote_pid}
        numbers = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        return sorted(numbers - ours)

    def last_pid(self) -> int:
        """The number that was given out last: it tells of children that came and went unseen."""
        if self._settings.level == "plain":
            return 0  # all the machine draws from these numbers
        with open("/proc/loadavg") as loadavg:
            return int(loadavg.read().split()[4])

    def _kill_all_of_job(self) -> None:
        uid = self._settings.job_uid
        if uid == 0 or self._settings.nested:
            for pid in self.strangers():
                self._kill(pid)
            return
        # As the job's user kill(-1) reaches exactly the job's processes, in one step that no
        # fork bomb can outrun. By a helper: while we had that user, they could reach us.
        if os.fork() == 0:
            with contextlib.suppress(BaseException):
                self._take_job_uid()
                os.kill(-1, signal.SIGKILL)
            os._exit(0)

    def _take_job_uid(self) -> None:
        uid = self._settings.job_uid
        os.setresuid(uid, uid, uid)
        linux.hide_memory()  # there are kernels that take a change of user for a reason to show it

    def _sweep_files(self) -> bool:
        """Empty the writable directories; False if something stays."""
        if self._settings.level == "plain":
            return _empty(os.getcwd())
        if self._scratch_is_as_made():
            return True
        helper = os.fork()  # a root without DAC_OVERRIDE can't delete another's files
        if helper == 0:
            with contextlib.suppress(BaseException):
                if self._settings.job_uid and not self._settings.nested:
                    self._take_job_uid()
                for directory in _SCRATCH:
                    _empty(directory)
            os._exit(0)
        deadline = time.monotonic() + _SWEEP_S
        while os.waitpid(helper, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                self._kill(helper)
                os.waitpid(helper, 0)
                return False
            time.sleep(0.001)
        return self._scratch_is_as_made()

    def _scratch_is_as_made(self) -> bool:
        """Both directories are empty, and bear no mark themselves: where jobs have the worker's own
        user they can change mode, attributes and times of these too, for the next one to read."""
        try:
            for directory, marks in self._scratch.items():
                if os.listdir(directory) or _marks(directory) != marks:
                    return False
                if os.stat(directory).st_mtime_ns:
                    os.utime(directory, (0, 0))
        except OSError:
            return False
        return True


def _marks(path: str) -> "tuple[int, int, list[str]]":
    """Mode, owner and names of extended attributes."""
    status = os.stat(path)
    try:
        attributes = sorted(os.listxattr(path))
    except OSError:  # a file system without
        attributes = []
    return status.st_mode, status.st_uid, attributes


def _hello() -> "dict[str, str]":
    names = [name for folder in filter(os.path.isdir, sys.path) for name in os.listdir(folder)]
    numpy = [name for name in names if name.startswith("numpy-") and name.endswith(".dist-info")]
    return {
        "python": sys.version.split()[0],
        "numpy": numpy[0][len("numpy-") : -len(".dist-info")] if numpy else "",
        "agent": agent_digest(os.path.dirname(__file__)),
    }


def agent_digest(folder: str) -> str:
    """Of the agent's files; empty where they are out of sight, as in namespaces."""
    if not os.path.isdir(folder):
        return ""
    digest = hashlib.sha256()
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".py")):
        with open(os.path.join(folder, name), "rb") as file:
            digest.update(name.encode() + b"\0" + file.read() + b"\0")
    return digest.hexdigest()


def num_oom_kills() -> int:
    """How often the kernel has killed for want of memory, since it booted."""
    try:
        with open("/proc/vmstat") as vmstat:
            rows = dict(line.split() for line in vmstat)
    except (OSError, ValueError):
        return 0
    return int(rows.get("oom_kill", 0))


def _descendants(root: int) -> "list[int]":
    """All live descendants of a process, parents first."""
    children: dict[int, list[int]] = {}
    if not os.path.isdir("/proc"):
        return []
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := stat_fields(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _empty(directory: str) -> bool:
    """Delete all inside, without recursion: sub-directories are moved up and emptied in turn.

    So neither 100,000 nested directories nor a path longer than PATH_MAX stops it.
    """
    serial = 0
    while names := os.listdir(directory):
        progress = False
        for name in names:
            path = os.path.join(directory, name)
            with contextlib.suppress(OSError):
                if os.path.islink(path) or not os.path.isdir(path):
                    os.unlink(path)
                    progress = True
                    continue
                os.chmod(path, 0o700)
                for inner in os.listdir(path):
                    serial += 1
                    source = os.path.join(path, inner)
                    if not os.path.islink(source):
                        os.chmod(source, 0o700)  # to move a directory takes the right to write it
                    os.rename(source, os.path.join(directory, f".swept-{os.getpid()}-{serial}"))
                os.rmdir(path)
                progress = True
        if not progress:
            return False
    return True


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _PIECE)
    except OSError:  # reset by a dying peer, or nothing left on a non-blocking drain
        return b""


def _receive_exactly(source: socket.socket, count: int) -> bytes:
    """Bytes from the zygote; its death is the worker's."""
    received = b""
    while len(received) < count:
        piece = source.recv(count - len(received))
        if not piece:
            os._exit(3)
        received += piece
    return received
