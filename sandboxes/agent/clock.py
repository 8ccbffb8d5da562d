"""The clock of a job: when to look at it, and when it has had its time, or its memory.

Runs in the supervisor and reads /proc, which is all that it believes of a job.
"""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from sandboxes.agent.calls import JobSpec

_ASLEEP = 0.1
"""Share of a core below which a job is asleep: another may run meanwhile."""


class Sight(NamedTuple):
    """What the supervisor lets its clock see."""

    strangers: "Callable[[], list[int]]"
    """All processes of the job, the job itself first."""
    last_pid: "Callable[[], int]"
    """The number that was given out last: it tells of children that came and went unseen."""
    zygote_pid: int
    usual_processes: int
    """Of a job that starts none."""


class Clock:
    """Elapsed seconds count less the run-queue delay: the time that the job was ready and no core
    was free. A job that ever started a thread or process may have kept the cores busy itself, so
    for it every second counts. A hard cap of ten times the limit holds whatever the machine does.
    """

    def __init__(self, sight: Sight, job: JobSpec, pid: int) -> None:
        """`pid`: the job's first process."""
        self._sight = sight
        self._referee = 0 if job["kind"] == "calls" else pid
        self._wall_s = job["wall_s"]
        self._cpu_s = job["cpu_s"]
        self._memory = job["memory_mb"] << 20
        self._alone = True
        self._last_pid_at_start = sight.last_pid()
        self._zygote = _process(sight.zygote_pid) or _NOTHING
        self._started = time.monotonic()
        self._next_look = self._started + min(0.5, self._wall_s)
        self.waited_s = 0.0
        self.is_asleep = False
        """It used no core worth the name since the last look."""
        self._seen = (self._started, 0.0)

    def milliseconds_to_look(self) -> int:
        return max(1, int((self._next_look - time.monotonic()) * 1000) + 1)

    def expired(self) -> str:
        """`wall`, `cpu`, `memory` or `stopped`, or the empty string."""
        now = time.monotonic()
        if now < self._next_look:
            return ""
        self._next_look = now + 0.25
        elapsed_s = now - self._started
        pids = self._sight.strangers()
        processes = [process for pid in pids if (process := _process(pid))]
        cpu_s = sum(process.cpu_s for process in processes)
        if cpu_s > self._cpu_s:
            return "cpu"
        if self._too_much_memory(processes):
            return "memory"
        if self._referee and stat_fields(self._referee)[:1] == ["T"]:
            return "stopped"  # it runs no program, and stops for nobody of its own accord
        self._alone &= (
            self._sight.last_pid() == self._last_pid_at_start
            and len(processes) <= self._sight.usual_processes
            and all(process.num_threads == 1 for process in processes)
        )
        waited_s = max(map(_run_queue_delay_s, pids), default=0.0)
        self.waited_s = max(self.waited_s, waited_s) if self._alone else 0.0
        (seen_at, used_s), self._seen = self._seen, (now, cpu_s + waited_s)
        used_s = cpu_s + waited_s - used_s
        self.is_asleep = bool(processes) and used_s < _ASLEEP * (now - seen_at)
        left_s = self._wall_s - (elapsed_s - self.waited_s)
        if left_s <= 0 or elapsed_s > 10 * self._wall_s + 60:
            return "wall"
        self._next_look = now + min(0.25, left_s)
        return ""

    def _too_much_memory(self, processes: "list[Process]") -> bool:
        """What the job's processes hold together, beyond what each of them was born with.

        Each has limits of its own (zygote.py); this is for many, and for what is shared among
        them. Address space too, because shared pages can be held and not be resident.
        """
        resident = sum(max(0, p.resident - self._zygote.resident) for p in processes)
        mapped = sum(max(0, p.mapped - self._zygote.mapped) for p in processes)
        return resident > 2 * self._memory or mapped > 6 * self._memory


class Process(NamedTuple):
    """From /proc/<pid>/stat."""

    cpu_s: float
    """Its own and that of the children that it waited for."""
    num_threads: int
    mapped: int
    """Bytes of address space."""
    resident: int


_NOTHING = Process(0.0, 1, 0, 0)


def _process(pid: int) -> "Process | None":
    fields = stat_fields(pid)
    if not fields:
        return None
    ticks = sum(int(field) for field in fields[11:15])
    resident = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Process(ticks / os.sysconf("SC_CLK_TCK"), int(fields[17]), int(fields[20]), resident)


def _run_queue_delay_s(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/schedstat") as schedstat:
            return int(schedstat.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def stat_fields(pid: int) -> "list[str]":
    """/proc/<pid>/stat after the command's name: state, ppid, … utime at 11."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []
