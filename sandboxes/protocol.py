"""What a sandbox promises: jobs in, executions out, and nothing believed.

A sandbox runs programs that nobody trusts on inputs that it was given, and sends back what
they returned, encoded (agent/codec.py). It knows no expected value and no verdict: `end` says
how the program ended, `harness.grading` says what that is worth.

    with sandbox.open("python", workers=2) as workers:
        workers.load(bundle)
        for execution in workers.run(jobs, on_values=grader): ...

`run` is a plain iterator: executions come as they finish, in any order, each with its job's
id; threads are inside. `lost` is the only end that is ours.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias


class SandboxError(Exception):
    """The machine's fault: a worker that can't start, answer or be swept."""


class SandboxUnavailable(SandboxError):
    """No sandbox of the wanted kind can be opened on this machine; the message says why."""


class End(StrEnum):
    """How a program ended. Everything but LOST is the program's own doing."""

    COMPLETED = "completed"
    """Every input was given to it and answered: with a value, or with an exception."""
    ENOUGH = "enough"
    """We stopped it: `on_values` had seen what it needed."""
    EXCEPTION = "exception"
    """Loading it raised, or the entry point does not exist."""
    SYNTAX = "syntax"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    """It ended by a signal or by `os._exit` before it had answered."""
    FORBIDDEN = "forbidden"
    """It sent what no honest program sends: a malformed or oversized frame."""
    LOST = "lost"
    """Our failure: the worker died or stopped answering, twice."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may use. Seconds, MiB."""

    wall_s: float
    """For the whole job, less the time that it waited for a free core."""
    cpu_s: float
    """CPU of the job and its children."""
    input_wall_s: tuple[float, ...] | None = None
    """For each input, less run-queue delay; None where the profile has no such rule."""
    memory_mb: int = 4096
    """What the program may allocate, beyond what its parent held at the fork. Encoding an
    answer may take as much again."""
    output_mb: int = 2048
    """One encoded value at most."""
    processes: int = 64


@dataclass(frozen=True, slots=True)
class Bundle:
    """The inputs of a problem, sent once a worker. `frames` are codec frames, one a call."""

    frames: tuple[bytes, ...]
    sha256: str

    @classmethod
    def of(cls, frames: Sequence[bytes]) -> "Bundle":
        digest = hashlib.sha256()
        for frame in frames:
            digest.update(len(frame).to_bytes(8, "big"))
            digest.update(frame)
        return cls(tuple(frames), digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Job:
    """One program to run on the inputs of one bundle."""

    id: str
    code: str
    entry_point: str
    bundle: Bundle
    limits: Limits
    kind: Literal["calls", "stdio", "unittest"] = "calls"
    """`stdio`: each input is one text, for the standard input of a run of the whole program; an
    answer is the pair of its standard output, in bytes, and its exit status. `unittest`: the bundle
    is empty, `tests` is run beside the program."""
    tests: str = ""
    """The text of a unittest file with a class `TestCases`."""
    rules: str = ""
    """Whose surroundings the tests find (agent/unittest_rules.py); empty: plain ones."""
    replay_after_s: float = 0.0
    """Of a unittest job: how long the replay waits, so that a test that looks at the clock fails."""
    libraries: str = ""
    """Of a unittest job: the group of its environment's libraries that should be loaded already."""
    seed: int = 0
    stop_at_exception: bool = True
    """End after the first input that raises (the grader would say `enough` anyway)."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What one call gave."""

    index: int
    frame: bytes
    """The codec frame of the value; empty when it raised."""
    exception: str = ""
    """`Type: message`, cut; empty when it returned."""
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """One test method of one run, from its start to its stop, by our clock. Forgeable."""

    name: str
    """`(class)` for what `setUpClass` and its kind say."""
    outcome: str = ""
    """`passed`, `failed`, `error`, `skipped` …; empty where it never stopped."""
    message: str = ""
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class UnittestRun:
    """The tests once through, in one role: `real`, `poison` or `replay` (agent/unittests.py)."""

    tests: tuple[MethodRecord, ...] = ()
    """In the order of their starts."""
    end: str = ""
    """`completed`, `timeout`, `forged`, or how the program failed to load."""
    problem: str = ""
    """Why the test file could not be run to its end, where it could not."""
    changed: tuple[str, ...] = ()
    """What of unittest, the builtins and the test class was no longer what it had been."""
    foreign: tuple[str, ...] = ()
    """Types in the answers that are not data; with `own:` before it, a class of the program's."""

    @property
    def passed(self) -> frozenset[str]:
        return frozenset(test.name for test in self.tests if test.outcome == "passed")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a unittest job shows beyond its tests: the runs that were made, by role."""

    runs: Mapping[str, UnittestRun] = field(default_factory=dict[str, UnittestRun])

    def run(self, role: str) -> UnittestRun:
        return self.runs.get(role, UnittestRun())


class Reply(StrEnum):
    """What `on_values` answers. FULL asks for the value that was just sent as a digest."""

    GO_ON = "go_on"
    ENOUGH = "enough"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Execution:
    """How a job ended, and what it cost."""

    job_id: str
    end: End
    num_values: int = 0
    detail: str = ""
    """The exception or signal that ended it, or why it was lost."""
    stdout: str = ""
    stderr: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_rss_mb: float = 0.0
    level: str = ""
    values: tuple[Returned, ...] = field(default=(), repr=False)
    """Filled only where `run` was called without `on_values`."""
    tests: tuple[MethodRecord, ...] = ()
    """Of a unittest job: its real run, a record each test method that started."""
    evidence: Evidence = Evidence()
    """Of a unittest job."""


OnValues: TypeAlias = Callable[[str, Sequence[Returned]], Reply]
"""Called in a worker's thread with a job's id and its next answers, in order, each once.

A large value comes as a digest frame, last in its chunk; the job waits for the reply. After
`FULL` the same index comes again with the whole value, or with a frame that says why not."""


class Workers(Protocol):
    """An open sandbox."""

    @property
    def level(self) -> str:
        """`container`, `namespaces`, `plain` or `fake`."""
        ...

    @property
    def environment(self) -> str:
        """Digest of what programs run on: interpreter, numpy, image."""
        ...

    def run(self, jobs: Iterable[Job], on_values: OnValues | None = None) -> Iterator[Execution]:
        """Run jobs on all workers; every job gives exactly one execution."""
        ...


class Sandbox(Protocol):
    def open(self, environment: str, workers: int) -> AbstractContextManager[Workers]:
        """Start workers for an environment (`python`).

        Raises:
            SandboxUnavailable: it can't be had on this machine; the message says why.
        """
        ...
