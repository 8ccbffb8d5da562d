"""What a teacher is: it proposes training problems of a wanted type, complete with their evidence.

    for task in teacher.propose("dp", level=2, seed=7, portion="train"):
        ...

A task brings solutions in several styles that agreed, tests by input, and wrong programs that the
tests kill. Whoever consumes it need not believe that: `generators.verify` runs the reference in the
sandbox and has its answers; what a task says is a claim until then.

Not here: who decides how many tasks of which type are wanted (plan.py), what keeps a task out
(dedupe.py, decontaminate.py), and any teacher itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from harness.records import Value

Portion: TypeAlias = Literal["train", "dev-steer", "dev-test", "ood-family", "ood-depth"]
"""Which part of the teacher's space a task comes from. Portions share no semantic signature:
`dev-steer` is measured between rounds and steers, `dev-test` decides on promotion; `ood-family`
holds families and `ood-depth` compositions deeper than any that the other portions have."""

Form: TypeAlias = Literal["docstring", "sentence", "stdio"]
"""How a task is put: a signature with a docstring that the program goes on from, a sentence with an
assertion, or a program that reads standard input and writes standard output."""


@dataclass(frozen=True, slots=True)
class Solution:
    """One whole program that solves a task."""

    style: str
    """How it is written: `loop`, `comprehension`, `recursive` or `library`."""
    code: str


@dataclass(frozen=True, slots=True)
class Task:
    """A proposed training problem, complete with its evidence."""

    id: str
    """Made of the teacher's version, the type, the level, the seed and the portion: the same
    arguments give the same task, byte for byte, on any machine."""
    type: str
    """The problem type that was asked for, by its name in the taxonomy."""
    family: str
    """The template it is an instance of; splits and clusters go by it."""
    level: int
    """1 (easiest) to 4; 5 and more where the portion is `ood-depth`."""
    seed: int
    """The seed that makes this very task again."""
    form: Form
    prompt: str
    entry_point: str
    """The function that is asked for; empty where the form is `stdio`."""
    solutions: tuple[Solution, ...]
    """Programs in three styles or more that agreed on every probe and test; the first is the
    reference."""
    base: tuple[tuple[Value, ...], ...]
    """The argument tuples of the base tests; where the form is `stdio`, one text of standard input
    in each."""
    plus: tuple[tuple[Value, ...], ...]
    """The argument tuples of the extra tests."""
    mutants: tuple[str, ...]
    """Wrong programs, one edit away from a right one, that the tests kill."""
    signature: str
    """Of what the task means: a hash of the types of arguments and answer and of the answers on 32
    fixed probes of these types. Two tasks with one signature are the same task."""
    pairs: tuple[tuple[str, str], ...]
    """The operations that are composed, outer and inner: what pairs are held out by."""


class Teacher(Protocol):
    """One who writes tasks."""

    name: str
    """Goes into manifests and commands, as in `grammar`."""
    version: str
    """Changes whenever the same arguments would give other tasks."""
    types: tuple[str, ...]
    """The problem types it can write; no other may be asked for."""

    def propose(self, type: str, *, level: int, seed: int, portion: Portion) -> Iterator[Task]:
        """Tasks of this type, one after another, each once, until there are no more to find.

        Deterministic: the same arguments give the same tasks in the same order. Two seeds are two
        orders through one space and may give the same task; the consumer drops what it has.

        Raises:
            ValueError: a type, level or portion that the teacher hasn't.
        """
        ...
