"""The Docker engine: where it listens, why it does not answer, and what dead harnesses left in it.

Not here: what a container is (container.py), what it is started from (image.py).
"""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from sandboxes import image as images
from sandboxes.protocol import SandboxError, SandboxUnavailable

LABEL = "harness.worker"
"""Of every container of ours. Its value names the harness that owns it: `owner`."""


class Engine(images.Builder, Protocol):
    """What we use of `docker.APIClient`, which has no types of its own."""

    def close(self) -> None: ...
    def info(self) -> dict[str, Any]: ...
    def create_host_config(self, **settings: object) -> object: ...
    def create_container(self, image: str, command: list[str], **settings: object) -> Any: ...
    def attach_socket(self, container: str, params: dict[str, int]) -> Any: ...
    def start(self, container: str) -> None: ...
    def wait(self, container: str, timeout: float, condition: str) -> object: ...
    def remove_container(self, container: str, *, force: bool) -> None: ...
    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]: ...
    def events(self, **settings: object) -> Iterator[dict[str, Any]]: ...


def connect() -> Engine:
    """The engine that answers.

    Raises:
        SandboxUnavailable: none does; the message says why, and what to do.
    """
    problems: list[str] = []
    for host in _hosts():
        problem = _knock(host)
        if problem is None:
            engine, problem = _client(host)
            if engine is not None:
                return engine
        problems.append(problem)
    raise SandboxUnavailable("; ".join(dict.fromkeys(problems)) or "no Docker engine runs here")


def _hosts() -> Iterator[str]:
    """Where an engine may listen: DOCKER_HOST or nowhere else; the context; the usual sockets."""
    if os.environ.get("DOCKER_HOST"):
        yield os.environ["DOCKER_HOST"]
        return
    if (Path.home() / ".docker" / "config.json").exists():
        from docker.context import ContextAPI

        with contextlib.suppress(Exception):  # a file that is none of our business
            context = cast(Any, ContextAPI.get_current_context())  # pyright: ignore
            yield str(context.Host)
    folders = [os.environ.get("XDG_RUNTIME_DIR", ""), "/var/run", "/run"]
    names = ("docker.sock", "podman/podman.sock")
    for path in (f"{folder}/{name}" for folder in folders if folder for name in names):
        if os.path.exists(path):
            yield f"unix://{path}"


def _knock(host: str) -> str | None:
    """What keeps us from a socket of this machine: told before the SDK is loaded for nothing."""
    if not host.startswith("unix://"):
        return None
    path = host.removeprefix("unix://")
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(5)
        try:
            door.connect(path)
        except PermissionError:
            return (
                f"no permission for {path}: add yourself to the group `docker` "
                "(sudo usermod -aG docker $USER) and log in again"
            )
        except OSError as error:
            return f"no Docker engine answers at {path} ({error.strerror or error})"
    return None


def _client(host: str) -> tuple[Engine | None, str]:
    import docker
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    arguments: dict[str, Any] = {"base_url": host}
    if os.environ.get("DOCKER_HOST"):  # with the certificates that go with it
        arguments = cast(dict[str, Any], docker.utils.kwargs_from_env())  # pyright: ignore
    client: Any = docker.APIClient
    try:
        return cast(Engine, client(timeout=60, version="auto", **arguments)), ""
    except APIError as error:
        return None, f"the engine at {host} refuses us: {error.explanation or error}"
    except (DockerException, RequestException, OSError, ValueError) as error:
        return None, f"no Docker engine answers at {host}: {' '.join(str(error).split())[:200]}"


def why_no_engine() -> str | None:
    """None where an engine answers, else the reason."""
    try:
        connect().close()
    except SandboxUnavailable as error:
        return str(error)
    return None


# --- leftovers -------------------------------------------------------------------------------


def owner() -> str:
    """This process: host, its number, and when it started, as numbers come again."""
    return f"{_boot_id()}/{os.getpid()}/{_started_at(os.getpid())}"


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return socket.gethostname()


def _started_at(pid: int) -> str:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def remove_leftovers(engine: Engine) -> int:
    """Remove the containers of ours that nobody uses any more; how many there were.

    Those whose harness is dead: killed between making a container and starting it, say. Of another
    machine's harness we can't tell, so of those what is not running, and has not just been made.

    Raises:
        SandboxError: the engine went away meanwhile.
    """
    from docker.errors import APIError
    from requests.exceptions import RequestException

    num_removed = 0
    try:
        for row in engine.containers(all=True, filters={"label": LABEL}):
            if is_left_over(row["Labels"][LABEL], row["State"], time.time() - row["Created"]):
                with contextlib.suppress(APIError):  # it is being removed already
                    engine.remove_container(row["Id"], force=True)
                num_removed += 1
    except (APIError, RequestException) as error:
        raise SandboxError(f"the Docker engine can't list its containers: {error}") from None
    return num_removed


def is_left_over(label: str, state: str, age_s: float) -> bool:
    """Whether nobody uses the container with this label any more."""
    host, pid, started_at = [*label.split("/"), "", ""][:3]
    if host == _boot_id() and pid.isdigit():
        return not started_at or _started_at(int(pid)) != started_at
    return state != "running" and age_s > 60
