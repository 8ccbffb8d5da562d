"""Thousands of attacks in random order, honest programs in between, and nothing that piles up.

    python -m tests.soak --attacks 2000 --workers 2 --sandbox namespaces --seed 1

Every attack of the suite comes equally often, after each a witness that must pass in normal time.
In the end nothing may be left (tests/sandboxes/leftovers.py), and neither the harness nor its
workers may hold more memory in the last quarter of the run than in the first. Exits with 1 where
any of this failed, with what it was; with 2 where there is no such sandbox. The last line is the
summary.

Not here: what each attack does (sandboxes/attacks/), and each on its own (test_attacks.py).
"""

import argparse
import contextlib
import ctypes
import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders, load
from harness.grading import Judge, Submission
from harness.grading.profiles import Profile
from harness.grading.truth import TruthCache
from harness.records import Problem
from sandboxes.protocol import End, Execution, Job, Workers
from tests.sandboxes import leftovers
from tests.sandboxes.attacks.loader import CHEATS, HOSTILE, Attack
from tests.sandboxes.jobs import descendants, job, sandbox_named, values

PROFILE = Profile(name="soak", comparison="strict", min_time_limit_s=0.5)
"""Strict, and soon out of patience: a cheat that stalls has to be waited for twice."""
ROUND = 50
"""Attacks between two looks at the memory, when no job runs."""
WITNESS_S = 5.0
GROWTH, SLACK_MB = 1.05, 8.0
"""Memory is flat within these: in 2,000 attacks a leak of 10 kB each would show."""
KINDS = ("harness", "a process of a worker")


_libc = ctypes.CDLL(None)


def _allocate_plainly() -> None:
    """What is freed goes back to the system, so that resident is what is held.

    The allocator keeps an arena a thread, and learns from large answers not to return such blocks:
    that fills up in the course of hours, and would hide a leak or be taken for one.
    """
    arena_max, mmap_threshold = -8, -3
    _libc.mallopt(arena_max, 1)
    _libc.mallopt(mmap_threshold, 128 * 1024)


class Soak:
    """One run: what was seen, and what was wrong."""

    def __init__(self, workers: Workers, judge: Judge, problems: Sequence[Problem], seed: int):
        self._workers = workers
        self._judge = judge
        self._problems = problems
        self._random = random.Random(seed)
        self._deck: list[Attack] = []
        self.faults: list[str] = []
        self.ends: Counter[str] = Counter()
        self.num_attacks = 0
        self.num_witnesses = 0
        self.memory_mb: list[dict[str, float]] = []
        """After each round, by kind of process."""

    def round(self, num_attacks: int) -> None:
        attacks = [self._draw() for _ in range(num_attacks)]
        for execution in self._workers.run(self._hostile(attacks)):
            self._see_execution(execution)
        submissions = list(self._submissions(attacks))
        for verdict in self._judge.grade(submissions):
            attack = CHEATS[verdict.index] if verdict.index < len(CHEATS) else None
            if attack is None:
                self._see_witness(verdict.passed, verdict.wall_s, f"{verdict.status}")
                continue
            self.ends[verdict.status.value] += 1
            if verdict.status not in attack.ends:
                self.faults.append(f"{attack.name} on {verdict.problem_id}: {verdict.status}")
        self.num_attacks += num_attacks

    def _draw(self) -> Attack:
        if not self._deck:
            self._deck = CHEATS + HOSTILE
            self._random.shuffle(self._deck)
        return self._deck.pop()

    def _hostile(self, attacks: Sequence[Attack]) -> Iterator[Job]:
        for attack in attacks:
            if attack in HOSTILE:
                yield job(attack.program(), id=f"attack {HOSTILE.index(attack)}", **attack.limits)
                yield job("def f(x): return x + 1", inputs=[(41,)], id="witness")

    def _submissions(self, attacks: Sequence[Attack]) -> Iterator[Submission]:
        for attack in attacks:
            if attack in CHEATS:
                problem = self._random.choice(self._problems)
                yield Submission(problem, attack.program(problem.entry_point), CHEATS.index(attack))
                yield Submission(problem, problem.solution, len(CHEATS))

    def _see_execution(self, execution: Execution) -> None:
        kind, _, number = execution.job_id.partition(" ")
        if kind == "witness":
            right = execution.end == End.COMPLETED and values(execution) == [42]
            self._see_witness(right, execution.wall_s, execution.end)
            return
        attack = HOSTILE[int(number)]
        self.ends[execution.end.value] += 1
        if harm := attack.harm(execution):
            self.faults.append(f"{attack.name}: {harm[:500]}")

    def _see_witness(self, passed: bool, wall_s: float, end: str) -> None:
        self.num_witnesses += 1
        if not passed or wall_s > WITNESS_S:
            self.faults.append(f"witness {self.num_witnesses}: {end} after {wall_s:.1f} s")

    def look_at_memory(self, before: leftovers.Machine) -> None:
        gc.collect()
        _libc.malloc_trim(0)
        pids = _worker_pids(before)
        # Their mean: more workers than cores come and go, for jobs that sleep.
        resident = _resident_mb([os.getpid()]), _resident_mb(pids) / max(1, len(pids))
        self.memory_mb.append(dict(zip(KINDS, resident, strict=True)))

    def growth(self) -> str:
        """`harness 81 to 82 MB`, and a fault where it is too much."""
        quarter = max(1, len(self.memory_mb) // 4)
        said: list[str] = []
        for kind in KINDS:
            course = [look[kind] for look in self.memory_mb]
            first, last = statistics.median(course[:quarter]), statistics.median(course[-quarter:])
            said.append(f"{kind} {first:.0f} to {last:.0f} MB")
            # The first quarter must have seen every attack, the largest answers too.
            judged = self.num_attacks >= 4 * len(CHEATS + HOSTILE)
            if judged and last > GROWTH * first + SLACK_MB:
                self.faults.append(f"memory grows: {said[-1]}")
            if not first:
                self.faults.append(f"memory of {kind} can't be seen from here")
        return ", ".join(said)


def main() -> None:
    arguments = _arguments()
    _allocate_plainly()
    before = leftovers.look()
    started = time.monotonic()
    try:
        sandbox = sandbox_named(arguments.sandbox)
    except pytest.skip.Exception as reason:
        print(f"nothing soaked: {reason}")
        sys.exit(2)
    problems = load("sanity", data=DataFolders.from_env()).problems
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox.open("python", arguments.workers) as workers,
    ):
        cache = TruthCache(Path(folder), workers.environment)
        judge = Judge(sandbox, workers, arguments.workers, PROFILE, cache)
        judge.prepare(problems)
        soak = Soak(workers, judge, problems, arguments.seed)
        while soak.num_attacks < arguments.attacks:
            soak.round(min(ROUND, arguments.attacks - soak.num_attacks))
            soak.look_at_memory(before)
            _progress(soak, arguments.attacks, started)
    for kind, things in leftovers.left_over(before).items():
        soak.faults.append(f"left over, {kind}: {', '.join(sorted(things)[:5])}")
    growth = soak.growth()
    print(", ".join(f"{count} {end}" for end, count in soak.ends.most_common()))
    for fault in soak.faults[:50]:
        print(f"FAULT {fault}")
    print(
        f"{soak.num_attacks} attacks and {soak.num_witnesses} witnesses in "
        f"{time.monotonic() - started:.0f} s, seed {arguments.seed}: "
        f"{len(soak.faults)} faults; {growth}"
    )
    sys.exit(1 if soak.faults else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--attacks", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sandbox", choices=["namespaces", "container"], default="namespaces")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _progress(soak: Soak, total: int, started: float) -> None:
    memory = ", ".join(f"{kind} {mb:.0f} MB" for kind, mb in soak.memory_mb[-1].items())
    print(
        f"{soak.num_attacks}/{total} attacks, {time.monotonic() - started:.0f} s, {memory}, "
        f"{len(soak.faults)} faults",
        flush=True,
    )


def _worker_pids(before: leftovers.Machine) -> list[int]:
    """Supervisors and zygotes: children of this process, or first processes of containers."""
    pids = [pid for pid in descendants() if str(pid) not in before.processes]
    first = leftovers.first_processes(leftovers.look().containers - before.containers)
    return pids + first + [pid for process in first for pid in descendants(process)]


def _resident_mb(pids: Sequence[int]) -> float:
    num_pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # gone meanwhile
            num_pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return num_pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    main()
