"""What a command costs, seen from outside: seconds of wall and CPU, and memory at its peak.

CPU is that of all processes that the command waited for, and of the containers that ran meanwhile
(control groups of version 1 tell; elsewhere it is left out and said). Memory is proportional (PSS: a
page that n processes share counts n-th to each), looked at four times a second, without the
processes that run candidates: those are known by their depth below the command.
"""

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.sandboxes.jobs import descendants

_CONTAINERS = Path("/sys/fs/cgroup/cpuacct/docker/cpuacct.usage")


class Cost(NamedTuple):
    wall_s: float
    cpu_s: float
    memory_mb: float
    """At its peak, without candidates."""


def cost_of(work: Callable[[], object], candidate_depth: int) -> Cost:
    """Runs `work`, which starts one process and waits for it.

    `candidate_depth`: of processes below this one that run candidates; what is deeper is theirs too.
    """
    watch = _Memory(candidate_depth)
    before, cpu_s, started = _children_s(), containers_s(), time.monotonic()
    with watch:
        work()
    wall_s = time.monotonic() - started
    return Cost(wall_s, _children_s() - before + containers_s() - cpu_s, watch.peak_mb)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def containers_s() -> float:
    """CPU seconds of all containers since the engine's control group was made."""
    with suppress(OSError):
        return int(_CONTAINERS.read_text()) / 1e9
    return 0.0


class _Memory:
    """A thread that looks."""

    def __init__(self, candidate_depth: int) -> None:
        self._depth = candidate_depth
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak_mb = 0.0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            pids = [pid for pid, depth in _below(os.getpid()) if depth < self._depth]
            pids += [pid for root in _of_containers() for pid in (root, *_children(root))]
            self.peak_mb = max(self.peak_mb, sum(map(_pss_mb, pids)))


def _below(root: int) -> Iterator[tuple[int, int]]:
    level, depth = _children(root), 1
    while level:
        yield from ((pid, depth) for pid in level)
        level, depth = [child for pid in level for child in _children(pid)], depth + 1


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _of_containers() -> list[int]:
    """Supervisors: children of the shims that hold containers."""
    shims = [pid for pid in descendants(1) if _name(pid) == "containerd-shim"]
    return [child for shim in shims for child in _children(shim)]


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _pss_mb(pid: int) -> float:
    with suppress(OSError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
