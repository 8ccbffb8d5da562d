"""The Docker sandbox: a container a worker, made once, in which one job after the other runs.

    network none · read-only root · small tmpfs on /tmp and /dev/shm · memory with no swap · a limit
    on processes · every capability dropped but SETUID, SETGID and KILL · no-new-privileges · the
    engine's seccomp profile, and for jobs ours (agent/seccomp.py) on top · nothing of the host

Any engine that speaks Docker's API: `DOCKER_HOST`, the current context, the usual sockets, Podman's
among them. A worker ends with the harness, in whatever way that dies: the engine closes the
container's stdin, and at the end of its stdin the supervisor ends, and with it (`--rm`) the container.
An engine that goes away is waited for; its jobs run again when it is back.

Not here: how a job is isolated from the next (agent/supervisor.py), the image (image.py), how the
engine is found (engine.py).
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from sandboxes import environments
from sandboxes import image as images
from sandboxes.agent.supervisor import agent_digest
from sandboxes.engine import LABEL, Engine, connect, owner, remove_leftovers
from sandboxes.pool import WorkerPool
from sandboxes.process import WORKER_ENVIRONMENT
from sandboxes.protocol import SandboxError, SandboxUnavailable
from sandboxes.worker import Connection, Death, Lost, Worker, job_uid

_TMP_MB = 256
_MAX_PROCESSES = 512
_BACK_S = 60.0
"""How long an engine that went away is waited for."""
_GONE_S = 5.0
"""How long a container may take to end by itself."""
_CAPABILITIES = ["SETUID", "SETGID", "KILL"]
"""Of the supervisor: to become the job's user, and to kill what that user runs."""


class ContainerLimits(NamedTuple):
    """Of one worker."""

    memory_mb: int
    """Of everything in the container, swap included. Jobs have limits of their own below it."""
    variables: Mapping[str, str] = MappingProxyType({})
    """What programs find in their environment, besides what all do."""
    runtime: str | None = None
    """The engine's name for another OCI runtime: `runsc` (gVisor), `kata`; None is its default."""


class Prepared(NamedTuple):
    """All that a container is started from."""

    engine: Engine
    tag: str
    name: str
    """What verdicts depend on of the image, 12 hex digits."""


class DockerSandbox:
    """Workers in containers. The image is built on first use."""

    def __init__(
        self,
        *,
        base: str = images.DEFAULT_BASE,
        bases: Mapping[str, str] = images.DEFAULT_BASES,
        wheels: Path | None = None,
        nltk_data: Path | None = None,
        with_scikit_image: bool = True,
        memory_mb: int | None = None,
        runtime: str | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`say` hears, in a line each, of what takes long: a build, an engine that went away.

        `bases` has the base images of environments that need another than `base`; what follows it
        is for building images: see `image.image_named`.
        """
        self._base = base
        self._bases = bases
        self._wheels = wheels
        self._nltk_data = nltk_data
        self._with_scikit_image = with_scikit_image
        self._limits = ContainerLimits(memory_mb or _default_memory_mb(), runtime=runtime)
        self._say = say

    def prepare(self, environment: str, *, anew: bool = False) -> "Prepared":
        """Have an engine and the image, which is built if need be, or if `anew`.

        Raises:
            SandboxUnavailable: no engine answers, or the image can't be had.
        """
        engine = connect()
        if not environment.isidentifier():
            number = _id_of(engine, environment).removeprefix("sha256:")
            return Prepared(engine, environment, number[:12])
        recipe = images.image_named(
            environment,
            base=self._bases.get(environment, self._base),
            wheels=self._wheels,
            nltk_data=self._nltk_data,
            with_scikit_image=self._with_scikit_image,
        )
        tag = images.ensure(engine, recipe, self._say, anew=anew)
        return Prepared(engine, tag, recipe.recipe)

    @contextmanager
    def open(self, environment: str, workers: int) -> Generator[WorkerPool]:
        """See `protocol.Sandbox`. `environment` is one of ours (`python`), or any image that was
        built from one of ours, by its reference.
        """
        engine, tag, name = self.prepare(environment)
        with contextlib.suppress(SandboxError):
            remove_leftovers(engine)
        closed = threading.Event()
        variables = environment_variables(environment)
        starter = _Starter(
            engine, tag, self._limits._replace(variables=variables), closed, self._say
        )
        first = starter.first()
        python, numpy = first.hello["python"], first.hello["numpy"]
        pool = WorkerPool(
            starter.start,
            num_workers=workers,
            level="container",
            environment=f"python-{python}+numpy-{numpy or 'none'}+image-{name}",
            first=first,
        )
        try:
            yield pool
        finally:
            closed.set()
            pool.close()
            engine.close()  # or its connections stay open until the garbage is collected


def _id_of(engine: Engine, tag: str) -> str:
    from docker.errors import ImageNotFound

    try:
        return images.image_id(engine, tag)
    except ImageNotFound:
        raise SandboxUnavailable(f"the engine has no image {tag!r}: docker pull {tag}") from None


def _default_memory_mb() -> int:
    """Twice what the largest job may hold with its answers, or what the machine has."""
    try:
        machine_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    except (ValueError, OSError):
        machine_mb = 1 << 20
    return min(16 * 1024, machine_mb * 9 // 10)


# --- one container ---------------------------------------------------------------------------


def environment_variables(environment: str) -> Mapping[str, str]:
    """Of what programs find in an image of ours; none for another's."""
    if environment != "bigcodebench":
        return {}
    shared = {name: f"/opt/{name}" for name in environments.SHARED}
    return environments.variables("/opt/packages", shared, "/usr/local/bin/python3")


_COMMAND = (
    "import sys; sys.path = ['/opt/harness', "
    "*[p for p in sys.path if p not in ('', '/opt/packages')]]; "
    "from sandboxes.agent import supervisor; "
    "sys.path[0:1] = []; sys.path.append('/opt/packages'); "
    "supervisor.main(supervisor.Settings('container', {uid}, nested=False))"
)
"""The agent's folder is on the path only until the agent is loaded."""


class _Starter:
    """Makes containers, and waits for an engine that went away."""

    def __init__(
        self,
        engine: Engine,
        tag: str,
        limits: ContainerLimits,
        closed: threading.Event,
        say: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._tag = tag
        self._limits = limits
        self._closed = closed
        self._say = say
        # Root in there is root here, unless the engine maps users, and then it has few of them.
        options = cast(list[str], engine.info().get("SecurityOptions") or [])
        self._full_range = not any("rootless" in o or "userns" in o for o in options)

    def first(self) -> Worker:
        """A worker whose agent is seen to be this very one.

        Raises:
            SandboxUnavailable: no container starts here, or the image has another agent.
        """
        try:
            connection = self.start(0)
        except SandboxError as error:
            raise SandboxUnavailable(str(error)) from None
        try:
            worker = Worker(connection, "container")
        except Lost as error:
            connection.kill()
            connection.close()
            raise SandboxUnavailable(f"no worker starts in {self._tag}: {error}") from None
        agent = Path(__file__).resolve().parent / "agent"
        if worker.hello["agent"] != agent_digest(str(agent)):
            worker.kill()
            raise SandboxUnavailable(
                f"the image {self._tag} has another agent than this harness: build it anew with "
                "harness doctor --build-images"
            )
        return worker

    def start(self, number: int) -> Connection:
        """A started supervisor.

        Raises:
            SandboxError: the engine refuses, or does not come back.
        """
        from docker.errors import APIError
        from requests.exceptions import RequestException

        deadline = time.monotonic() + _BACK_S
        said = False
        while True:
            try:
                return self._start(number)
            except APIError as error:
                # An engine that is shutting down refuses too.
                if not _is_going_down(error) or time.monotonic() > deadline:
                    raise SandboxError(_refusal(error)) from None
            except (RequestException, OSError) as error:
                if time.monotonic() > deadline:
                    raise SandboxError(f"the Docker engine does not answer: {error}") from None
            if not said:
                self._say(f"the Docker engine went away: waiting for it, {_BACK_S:.0f} s at most")
                said = True
            if self._closed.wait(0.5):
                raise SandboxError("the sandbox was closed")

    def _start(self, number: int) -> Connection:
        from docker.errors import APIError

        engine, limits = self._engine, self._limits
        memory = limits.memory_mb << 20
        tmpfs = "rw,nosuid,nodev,mode=1777"
        started_at = time.time()
        made = engine.create_container(
            self._tag,
            ["python3", "-s", "-S", "-c", _COMMAND.format(uid=self._uid(number))],
            stdin_open=True,
            environment={**WORKER_ENVIRONMENT, **limits.variables},
            labels={LABEL: owner()},
            user="0:0",
            hostname="worker",
            working_dir="/tmp",
            host_config=engine.create_host_config(
                auto_remove=True,
                network_mode="none",
                ipc_mode="private",
                read_only=True,
                tmpfs={
                    "/tmp": f"{tmpfs},exec,size={_TMP_MB}m,nr_inodes=65536",
                    "/dev/shm": f"{tmpfs},exec,size=64m,nr_inodes=4096",
                },
                mem_limit=memory,
                memswap_limit=memory,
                pids_limit=_MAX_PROCESSES,
                cap_drop=["ALL"],
                cap_add=_CAPABILITIES,
                security_opt=["no-new-privileges"],
                log_config={"Type": "none"},  # or the engine writes every answer to its disk
                runtime=limits.runtime,
            ),
        )
        container = cast(str, made["Id"])
        try:
            raw = engine.attach_socket(
                container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            stream = AttachedStream(raw)
            engine.start(container)
        except BaseException:
            with contextlib.suppress(APIError, OSError):
                engine.remove_container(container, force=True)
            raise
        return Connection(
            stream,
            kill=lambda: _end(engine, container, stream),
            close=stream.close,
            autopsy=lambda: _autopsy(engine, container, stream, started_at),
        )

    def _uid(self, number: int) -> int:
        return job_uid(number, full_range=self._full_range)


class AttachedStream:
    """A container's stdin and stdout as one duplex stream; what it says on stderr is kept apart.

    Docker's attach protocol: each piece of output has a head of 8 bytes, the stream and its length.
    """

    def __init__(self, raw: Any) -> None:
        """`raw` is what `attach_socket` gives: a file around a socket, or the socket."""
        self._raw = raw  # it owns the socket
        self._socket: socket.socket = getattr(raw, "_sock", raw)
        self._head = b""
        self._left = 0
        self._is_error = False
        self.complaints = b""
        """The last that it said on stderr."""

    def settimeout(self, value: float | None, /) -> None:
        self._socket.settimeout(value)

    def sendall(self, payload: bytes, /) -> None:
        self._socket.sendall(payload)

    def recv(self, size: int, /) -> bytes:
        """The next bytes of its stdout; none at its end."""
        while piece := self._socket.recv(size):
            if output := self._take(piece):
                return output
        return b""

    def _take(self, piece: bytes) -> bytes:
        output: list[bytes] = []
        place = 0
        while place < len(piece):
            if not self._left:
                missing = 8 - len(self._head)
                self._head += piece[place : place + missing]
                place += missing
                if len(self._head) < 8:
                    break
                self._is_error = self._head[0] == 2
                self._left = int.from_bytes(self._head[4:], "big")
                self._head = b""
                continue
            part = piece[place : place + self._left]
            place += len(part)
            self._left -= len(part)
            if self._is_error:
                self.complaints = (self.complaints + part)[-4096:]
            else:
                output.append(part)
        return b"".join(output)

    def end(self) -> None:
        """No more of either direction: who reads finds the end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._raw.close()
        with contextlib.suppress(OSError):
            self._socket.close()


def _end(engine: Engine, container: str, stream: AttachedStream) -> None:
    from docker.errors import APIError, NotFound
    from requests.exceptions import RequestException

    stream.end()  # the end of its input ends a healthy supervisor
    with contextlib.suppress(NotFound, RequestException, APIError, OSError):
        try:
            engine.wait(container, timeout=_GONE_S, condition="removed")
        except RequestException:
            engine.remove_container(container, force=True)


def _autopsy(engine: Engine, container: str, stream: AttachedStream, since: float) -> Death:
    """What the engine saw of a container's end: it is removed by now, but was spoken of."""
    from docker.errors import APIError
    from requests.exceptions import RequestException

    lines = stream.complaints.decode("utf-8", "replace").strip().splitlines()
    said = lines[-1] if lines else ""
    try:
        # Until a moment ago: an end that lies in the future is waited for.
        events = engine.events(
            since=since - 1,
            until=datetime.now(UTC).timestamp(),
            filters={"container": container},
            decode=True,
        )
        seen = {str(event.get("status") or event.get("Action")): event for event in events}
    except (APIError, RequestException, OSError):
        return Death(said or "the Docker engine went away", engine_is_gone=True)
    if "die" in seen and not said:
        attributes = cast(dict[str, Any], seen["die"].get("Actor", {})).get("Attributes", {})
        said = f"the container ended with exit code {attributes.get('exitCode', '?')}"
    return Death(said, out_of_memory="oom" in seen)


def _is_going_down(error: Exception) -> bool:
    text = str(error).lower()
    return any(word in text for word in ("shutting down", "shutdown", "connect", "transport is"))


def _refusal(error: Exception) -> str:
    text = " ".join(str(getattr(error, "explanation", "") or error).split())[:300]
    if "no space left" in text:
        return f"the Docker engine's disk is full: docker system prune frees some ({text})"
    if "runtime" in text and "unknown" in text.lower():
        return f"the Docker engine has no such runtime: see docker info ({text})"
    return f"the Docker engine starts no container: {text}"
