"""The harness's record of a unittest job: what was said, when, and in which order.

Each start and stop crosses as it happens, so order and seconds are ours. All of it may be
forged: what no honest runner says (a stop without its start, two tests at once) ends the job as
malformed, and the rest is for `harness.grading` to hold against what it knows.
"""

import json
import time
from dataclasses import dataclass, field
from typing import cast

from sandboxes.agent.wire import WireError
from sandboxes.protocol import Evidence, MethodRecord, UnittestRun

ROLES = ("real", "poison", "replay")
_MAX_TESTS = 10_000
_MAX_BYTES = 4 << 20
"""Of a job's records together."""
_EVENTS = {
    "start": (str,),
    "stop": (str, str, str),
    "evidence": (str, list, list),
    "looked": (str,),
    "ended": (str, str),
}
"""What follows the event's name and its run's."""


@dataclass
class _Open:
    """One run as it goes on."""

    tests: list[MethodRecord] = field(default_factory=list[MethodRecord])
    started: float | None = None
    end: str = ""
    problem: str = ""
    changed: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


class UnittestRecords:
    """Follows the TEST frames of one job."""

    def __init__(self) -> None:
        self._runs: dict[str, _Open] = {}
        self._bytes_left = _MAX_BYTES

    def take(self, payload: bytes) -> None:
        """One frame.

        Raises:
            WireError, ValueError, RecursionError: an honest referee does not send it.
        """
        self._bytes_left -= len(payload)
        if self._bytes_left < 0:
            raise WireError("too many records")
        record: object = json.loads(payload)
        event, role, *rest = cast(list[object], record) if isinstance(record, list) else ["", ""]
        kinds = _EVENTS.get(event) if isinstance(event, str) else None
        if kinds is None or role not in ROLES or tuple(map(type, rest)) != kinds:
            raise WireError("a record of no known kind")
        run = self._runs.setdefault(str(role), _Open())
        if run.end:
            raise WireError("a record after the end of its run")
        match event:
            case "start":
                self._start(run, _clean(rest[0]))
            case "stop":
                self._stop(run, *map(_clean, rest))
            case "looked":
                run.changed = (*run.changed, _clean(rest[0]))
            case "evidence":
                run.problem = _clean(rest[0])
                run.changed += tuple(map(_clean, cast(list[object], rest[1])))
                run.foreign = tuple(map(_clean, cast(list[object], rest[2])))
            case _:
                run.end = _clean(rest[0])
                run.problem = run.problem or _clean(rest[1])

    def _start(self, run: _Open, name: str) -> None:
        if run.started is not None or len(run.tests) >= _MAX_TESTS:
            raise WireError("a test that starts before the last one has stopped")
        run.started = time.monotonic()
        run.tests.append(MethodRecord(name))

    def _stop(self, run: _Open, name: str, outcome: str, message: str) -> None:
        if run.started is None or run.tests[-1].name != name:
            raise WireError("a test that stops and had not started")
        elapsed_s = time.monotonic() - run.started
        run.started = None
        run.tests[-1] = MethodRecord(name, outcome, message, elapsed_s)

    def run(self, role: str) -> UnittestRun:
        run = self._runs.get(role, _Open())
        return UnittestRun(tuple(run.tests), run.end, run.problem, run.changed, run.foreign)

    def evidence(self) -> Evidence:
        return Evidence({role: self.run(role) for role in self._runs})


def _clean(text: object) -> str:
    """Lone surrogates are legal in JSON, and in no file that we write."""
    return str(text).encode("utf-8", "backslashreplace").decode()
