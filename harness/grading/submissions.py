"""What is graded: a program for a problem; and programs that are equal to the byte.

Models repeat themselves, above all at low temperature. A twin of a program that was judged for the
same problem gets a copy of its verdict, with `same_as` in place of a cost. Never of a timeout, which
is a matter of the moment, nor of what we failed to measure: there each program has its own run.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from harness.records import Problem, Status, Verdict


@dataclass(frozen=True, slots=True)
class Submission:
    """A program to be graded."""

    problem: Problem
    code: str
    index: int = 0
    """Number of the sample among those of its problem."""
    truncated: bool = False
    """The reply was cut by the token limit."""


class Settled(NamedTuple):
    """What follows from one more verdict."""

    copies: list[tuple[Submission, Verdict]]
    owed: list[Submission]
    """Twins of a program whose verdict can't be copied: they are to be run."""


_UNCERTAIN = {Status.TIMEOUT, Status.TRUNCATED, Status.UNSCORED}
"""Statuses that say nothing of the next run. TRUNCATED hides the status that the program had."""


class Twins:
    """Keeps twins back until the first of them is judged. Fed by several threads."""

    def __init__(self, known: Iterable[tuple[Submission, Verdict]] = ()) -> None:
        """`known`: programs that were judged before, in the same run."""
        self._lock = threading.Lock()
        self._verdicts = {
            _key(program): verdict for program, verdict in known if _can_be_copied(verdict)
        }
        self._waiting: dict[bytes, list[Submission]] = {}
        self._copies: list[tuple[Submission, Verdict]] = []

    def firsts(self, programs: Iterable[Submission]) -> Iterator[Submission]:
        """Those that have to be run: each program the first time that it is seen."""
        for program in programs:
            key = _key(program)
            with self._lock:
                verdict = self._verdicts.get(key)
                if verdict is not None:
                    self._copies.append((program, _copy(program, verdict)))
                    continue
                if key in self._waiting:
                    self._waiting[key].append(program)
                    continue
                self._waiting[key] = []
            yield program

    def settle(self, program: Submission, verdict: Verdict) -> Settled:
        """A first was judged: what follows for its twins so far."""
        key = _key(program)
        with self._lock:
            twins = self._waiting.pop(key, [])
            copies, self._copies = self._copies, []
            if not _can_be_copied(verdict):
                return Settled(copies, twins)
            self._verdicts[key] = verdict
        return Settled([*copies, *((twin, _copy(twin, verdict)) for twin in twins)], [])

    def rest(self) -> list[tuple[Submission, Verdict]]:
        """Copies that no verdict has brought up."""
        with self._lock:
            copies, self._copies = self._copies, []
            return copies


def _key(program: Submission) -> bytes:
    # By name and by content: two problems of a benchmark may ask and test the same.
    problem = f"{program.problem.id}\0{program.problem.sha256}"
    content = f"{problem}\0{program.code}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).digest()


def _can_be_copied(verdict: Verdict) -> bool:
    return not any(result.status in _UNCERTAIN for result in verdict.suites.values())


def _copy(program: Submission, verdict: Verdict) -> Verdict:
    first = verdict.index if verdict.same_as is None else verdict.same_as
    return verdict.model_copy(
        update={"index": program.index, "same_as": first, "cpu_s": 0.0, "wall_s": 0.0}
    )
