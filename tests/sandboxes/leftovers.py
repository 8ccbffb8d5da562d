"""What must be as it was, once a sandbox is closed: compare the machine before and after.

    before = look()
    ...
    assert not left_over(before)

Processes below this one, descriptors and threads of it, mounts and files of the machine, containers
with our label. What others on the machine do meanwhile is told apart where it can be.
"""

import contextlib
import os
import pwd
import re
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from sandboxes.engine import LABEL
from tests.engine import engine_in_sight
from tests.sandboxes.jobs import descendants, eventually

_SCRATCH = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", tempfile.gettempdir())
_OF_THE_ENGINE = ("/var/lib/docker", "/run/docker", "/var/lib/containers", "/run/containerd")

_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")


class Machine(NamedTuple):
    """Each a set of what could be left over, in words."""

    processes: set[str]
    descriptors: set[str]
    threads: set[str]
    mounts: set[str]
    files: set[str]
    containers: set[str]
    """And control groups of containers that are no more."""


def look() -> Machine:
    return Machine(
        processes={str(pid) for pid in descendants()},
        descriptors=_descriptors(),
        threads={f"{thread.name} {thread.ident}" for thread in threading.enumerate()},
        mounts=_mounts(),
        files=_files(),
        containers=_containers(),
    )


def left_over(before: Machine, within_s: float = 10.0) -> dict[str, set[str]]:
    """By kind, what is there now and was not; empty if all goes within the time."""
    found: dict[str, set[str]] = {}

    def gone() -> bool:
        found.clear()
        for kind, old, new in zip(Machine._fields, before, look(), strict=True):
            if new - old:
                found[kind] = new - old
        return not found

    eventually(gone, within_s)
    return found


def _descriptors() -> set[str]:
    found: set[str] = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
    return found


def _mounts() -> set[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = {line.split()[4] for line in lines}
    return {point for point in points if not point.startswith(_OF_THE_ENGINE)}


def _files() -> set[str]:
    """Ours by their name, and those of users that no one here is: jobs have such."""
    found: set[str] = set()
    for folder in _SCRATCH:
        if os.path.isdir(folder):
            for entry in os.scandir(folder):
                with contextlib.suppress(FileNotFoundError):
                    uid = entry.stat(follow_symlinks=False).st_uid
                    named = entry.name.startswith("harness") and uid == os.getuid()
                    if named or not _is_somebody(uid):
                        found.add(entry.path)
    return found


def _is_somebody(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return uid == os.getuid()
    return True


def _containers() -> set[str]:
    """Those of this process, by their label; and control groups that outlived their container."""
    import docker
    from docker.errors import DockerException

    try:
        with engine_in_sight(), contextlib.closing(docker.from_env(timeout=10)) as engine:
            containers = engine.api.containers(all=True)
    except (DockerException, OSError):
        return set()
    known = {str(container["Id"]) for container in containers}
    groups = {
        f"{folder}/{name}"
        for folder, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if (found := _CONTAINER_ID.search(name)) and found.group() not in known
    }
    owned = (container for container in containers if _is_ours(container["Labels"] or {}))
    return {str(container["Id"]) for container in owned} | groups


def _is_ours(labels: dict[str, str]) -> bool:
    """Of this process: the label is host/pid/start."""
    return labels.get(LABEL, "").split("/")[1:2] == [str(os.getpid())]


def first_processes(containers: set[str]) -> list[int]:
    """Their numbers on this host; none where the engine is elsewhere."""
    import docker
    from docker.errors import DockerException

    pids: list[int] = []
    if containers:
        with engine_in_sight(), contextlib.closing(docker.from_env(timeout=10)) as engine:
            for container in containers:
                with contextlib.suppress(DockerException):
                    state = engine.api.inspect_container(container)["State"]
                    pids.append(int(state["Pid"]))
    return [pid for pid in pids if pid and os.path.exists(f"/proc/{pid}/statm")]
