"""A unit of a teacher's work as candidates: all that can be said of a task without a sandbox.

    for candidate in candidates_of(Unit(teacher="grammar", type="dp", level=2, seed=7), wanted): ...

The teacher's solutions run here, in process, on all tests: they must agree, and every mutant must
fail one. That is for programs that were written by rule, our own code (decision 0023). A unit is a
pure function of its fields, so units are made in any process, in any order, and again after a kill;
a process that made the one before of a stream goes on where it stands.

Not here: the sandbox, whose answers are the ones that count (verify.py), and what the row is
compared with (decontaminate.py, dedupe.py).
"""

import importlib
import math
import signal
import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TypeAlias, cast

from generators import behaviour, dedupe, fingerprints
from generators.fingerprints import CodeShape
from generators.runner import Program
from generators.teachers.protocol import Portion, Task, Teacher
from harness.datasets import STDIO_NAME
from harness.errors import UnknownName
from harness.grading.calls import Unequal, strictly_equal
from harness.records import Value
from sandboxes.agent import codec

TEACHERS: Mapping[str, str] = {"grammar": "generators.teachers.grammar.teacher:GrammarTeacher"}
"""The built-in teachers; any other is named by its dotted path, `module:Class`."""
FLOAT_ATOL = 1e-6
"""What `strict` grading bears."""
MAX_STREAMS = 8
"""That are kept open: more than are read from at a time."""
MAX_CPU_S = 1.0
"""Of one program on all tests of a task."""
TYPED_CALLS = 16
"""From which argument types are read: all of them say the same, and it is slow."""
MAX_TEST_CHARS = 4000
"""Of one test, written out."""

_Call = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A few tasks of one type and level: some of those that the teacher proposes for a seed."""

    teacher: str
    type: str
    level: int
    seed: int
    size: int
    skip: int = 0
    """Tasks of that seed that are other units'."""
    portion: Portion = "train"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task on its way to a row. `complaint` says why it can't become one."""

    id: str
    type: str
    family: str
    level: int
    form: str
    prompt: str
    entry_point: str
    solution: str
    style: str
    calls: tuple[_Call, ...]
    expected: tuple[Value, ...]
    """What the teacher's solutions answer."""
    tests: tuple[str, ...]
    signature: str
    seed_id: str
    teacher: str
    """`<name>@<version>`."""
    plan: str = ""
    """Of a replayed row: the plan that once asked for it."""
    place: int = 0
    """Among the candidates that are verified together."""
    words: tuple[str, ...] = ()
    """Of the prompt, as rows are told apart by them."""
    asked: tuple[str, ...] = ()
    """The same without constants, as they are held against evaluation problems."""
    code: CodeShape | None = None
    types: str = ""
    """Canonical argument types, where an evaluation problem has the same."""
    probes: tuple[tuple[int, _Call], ...] = ()
    """Those of the type that lie within what the tests pass, by number."""
    near: dedupe.NearKey | None = None
    complaint: str = ""


@cache
def teacher_named(name: str) -> Teacher:
    """The teacher of that name.

    Raises:
        UnknownName: there is none; the message has those that are built in.
    """
    module, colon, attribute = TEACHERS.get(name, name).partition(":")
    if not colon:
        raise UnknownName("teacher", name, TEACHERS)
    try:
        return cast(Teacher, getattr(importlib.import_module(module), attribute)())
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name not in (None, module):
            raise
        raise UnknownName("teacher", name, TEACHERS) from None


def candidates_of(unit: Unit, wanted_types: frozenset[str]) -> list[Candidate]:
    """The candidates of a unit, in the teacher's order.

    `wanted_types` are the argument types whose behaviour is compared: probes are made for these.
    """
    teacher = teacher_named(unit.teacher)
    written_by = f"{teacher.name}@{teacher.version}"
    return [
        replace(candidate_of(task, teacher=written_by, wanted_types=wanted_types), place=place)
        for place, task in enumerate(_tasks(unit, teacher))
    ]


_Stream: TypeAlias = tuple[str, str, int, int, Portion]
_under_way: OrderedDict[_Stream, tuple[int, Iterator[Task]]] = OrderedDict()
"""Streams of tasks of this process, and how many were taken: a unit goes on from the one before."""


def _tasks(unit: Unit, teacher: Teacher) -> list[Task]:
    """The tasks of a unit, whatever was asked for before; in order is quicker."""
    name = unit.teacher, unit.type, unit.level, unit.seed, unit.portion
    position, proposed = _under_way.pop(name, (0, None))
    if proposed is None or position != unit.skip:
        proposed = teacher.propose(
            unit.type, level=unit.level, seed=unit.seed, portion=unit.portion
        )
        deque(islice(proposed, unit.skip), maxlen=0)
    taken = list(islice(proposed, unit.size))
    _under_way[name] = unit.skip + unit.size, proposed
    if len(_under_way) > MAX_STREAMS:
        _under_way.popitem(last=False)
    return taken


def candidate_of(task: Task, *, teacher: str, wanted_types: frozenset[str]) -> Candidate:
    """The task, examined."""
    calls = task.base + task.plus
    frames = [codec.encode(arguments, inline_limit=None) for arguments in calls]
    answers, complaint = _examine(task, frames)
    tests: tuple[str, ...] = ()
    if not complaint:
        tests, complaint = _tests(task, calls, answers)
    shapes = (
        behaviour.shapes_of(calls[:TYPED_CALLS]) if task.entry_point and not complaint else None
    )
    types = behaviour.canonical(shapes) if shapes else ""
    is_wanted = types in wanted_types
    words = fingerprints.prompt_words(task.prompt)
    return Candidate(
        id=task.id,
        type=task.type,
        family=task.family,
        level=task.level,
        form=task.form,
        prompt=task.prompt,
        entry_point=task.entry_point,
        solution=task.solutions[0].code,
        style=task.solutions[0].style,
        calls=calls,
        expected=tuple(answers),
        tests=tests,
        signature=task.signature,
        seed_id=str(task.seed),
        teacher=teacher,
        words=words,
        asked=fingerprints.prompt_words(task.prompt, constants=False),
        code=fingerprints.read_code(task.solutions[0].code),
        types=types if is_wanted else "",
        probes=probes_of(calls, shapes) if shapes and is_wanted else (),
        near=dedupe.near_key(words),
        complaint=complaint,
    )


def probes_of(
    calls: Sequence[_Call], shapes: Sequence[behaviour.Shape]
) -> tuple[tuple[int, _Call], ...]:
    """The probes that a function with these tests is asked, by number."""
    probes = behaviour.probes_for(shapes)
    return tuple((number, probes[number]) for number in behaviour.within(calls, probes))


def _examine(task: Task, frames: Sequence[bytes]) -> tuple[list[Value], str]:
    """What the reference answers, and what is wrong with the task; empty where nothing is."""
    if not task.prompt.strip() or not frames or not task.solutions:
        return [], "incomplete"
    reference, *others = (Program(each.code, task.entry_point) for each in task.solutions)
    answers: list[Value] = []
    try:
        with _cpu_limit():
            for frame in frames:
                answers.append(_answer(reference, frame))
    except _TooSlow:
        return [], "solution too slow"
    except Exception:  # noqa: BLE001 — the teacher's program, which may raise anything
        return [], "solution raises"
    if any(_first_difference(other, frames, answers) is not None for other in others):
        return answers, "styles disagree"
    for code in task.mutants:
        if _first_difference(Program(code, task.entry_point), frames, answers) is None:
            return answers, "mutant survives"
    if len({behaviour.answer_text(answer) for answer in answers}) < 2:
        return answers, "one answer only"
    return answers, ""


class _TooSlow(Exception):
    """A program used more CPU on one task than any right one needs."""


@contextmanager
def _cpu_limit() -> Generator[None]:
    """Raises _TooSlow in what runs too long; elsewhere than in a main thread it can't."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _answer(program: Program, frame: bytes) -> Value:
    """From arguments of its own, which it may change."""
    return program(*cast(_Call, codec.decode_trusted(frame)))


def _first_difference(
    program: Program, frames: Sequence[bytes], expected: Sequence[Value]
) -> int | None:
    """The number of the first test that the program fails; None where it passes all."""
    number = 0
    try:
        with _cpu_limit():
            for number, (frame, right) in enumerate(zip(frames, expected, strict=True)):
                answer = _answer(program, frame)
                # Of builtin types, and the same text: equal, at a tenth of the cost.
                if repr(answer) != repr(right) and not equal(answer, right):
                    return number
    except Exception:  # noqa: BLE001 — mutants raise what they like, or never come back
        return number
    return None


def equal(answer: Value, expected: Value) -> bool:
    """Whether `strict` grading would take the answer."""
    try:
        return strictly_equal(answer, expected, FLOAT_ATOL)
    except Unequal:
        return False


def _tests(
    task: Task, calls: Sequence[_Call], answers: Sequence[Value]
) -> tuple[tuple[str, ...], str]:
    """The tests as expressions, each call once; or why they can't be written."""
    name = task.entry_point or STDIO_NAME
    texts: dict[str, None] = {}
    for arguments, answer in zip(calls, answers, strict=True):
        parts = [literal(argument) for argument in arguments]
        right = literal(answer)
        if right is None or None in parts:
            return (), "not a literal"
        text = f"{name}({', '.join(map(str, parts))}) == {right}"
        if len(text) > MAX_TEST_CHARS:
            return (), "test too long"
        texts[text] = None
    return tuple(texts), ""


def literal(value: Value) -> str | None:
    """The value as a Python literal, the same text each time; None where there is none.

    >>> literal({"b": [1, float("inf")], "a": {3, 1}})
    "{'b': [1, float('inf')], 'a': {1, 3}}"
    """
    if value is None or type(value) in (bool, int, str):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"float('{value}')"
    if isinstance(value, dict):
        pairs = cast(Mapping[Value, Value], value).items()
        texts = [(literal(key), literal(member)) for key, member in pairs]
        if any(None in pair for pair in texts):
            return None
        return "{" + ", ".join(f"{key}: {member}" for key, member in texts) + "}"
    if isinstance(value, list | tuple | set):
        members = [literal(member) for member in cast(Sequence[Value], value)]
        inner = [member for member in members if member is not None]
        if len(inner) < len(members):
            return None
        if isinstance(value, list):
            return f"[{', '.join(inner)}]"
        if isinstance(value, set):
            return "{" + ", ".join(sorted(inner)) + "}" if inner else "set()"
        return f"({inner[0]},)" if len(inner) == 1 else f"({', '.join(inner)})"
    return None
