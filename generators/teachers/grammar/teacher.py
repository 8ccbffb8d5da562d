"""The embedded teacher: verified problems of a wanted type, with no model and no network.

    teacher = GrammarTeacher()
    for task in islice(teacher.propose("dp", level=2, seed=7, portion="train"), 100):
        ...

For each tree that is grown: the reference must give three different answers or more on the probes,
every operation must matter, the styles must agree, the prompt must mean this tree and no other, and
each wrong program that differs anywhere must fail a test. What fails any of these is dropped, never
mended. All of it is a pure function of the arguments; the random generator of each attempt is its
own, so that processes share nothing.
"""

import builtins
import keyword
import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

from generators.teachers.grammar import code, families, mutants, prompts, stdio, values
from generators.teachers.grammar.examples import Made, finished, shown_prompt
from generators.teachers.grammar.phrases import Untidy
from generators.teachers.grammar.spec import (
    STYLES,
    TYPES,
    Call,
    Const,
    Spec,
    arguments,
    calls,
    kind_of,
    pairs_of,
    type_of,
    walk,
)
from generators.teachers.protocol import Form, Portion, Solution, Task
from harness.records import Value

VERSION = "1"
NUM_BASE, NUM_PLUS = 8, 24
FEWEST_TESTS = 12
STDIO_SHARE = 0.16
"""Of the tasks whose arguments can be read from lines."""
FEWEST_ANSWERS = 3
FEWEST_STYLES = 3
MOST_MUTANTS = 8
PATIENCE = 3000
"""Attempts without a new task after which a stream ends."""
_LARGEST = 10**9
_LONGEST_ANSWER = 160
_PROMPT_TRIES = 6

_LOOPS = frozenset(
    "list_array string tuple dict_count bits_bases number_theory matrix_grid".split()
)
"""Types whose reference is a loop every other time."""
_NEUTRAL = ("solve", "process", "transform", "evaluate", "answer", "f")


_CRASHES = (ArithmeticError, LookupError, ValueError, TypeError, RecursionError, StopIteration)
"""What a program of ours may raise on inputs that are beyond it. Anything else is a bug."""


class _Failed(Exception):
    """A program of ours gave no answer."""


Function = Callable[..., object]


class _Tested(NamedTuple):
    """Tests, and the wrong programs that they kill."""

    inputs: list[tuple[Value, ...]]
    killed: list[str]


class GrammarTeacher:
    """The Teacher whose problems are compositions of typed operations."""

    name = "grammar"
    version = VERSION
    types = tuple(TYPES)

    def propose(self, type: str, *, level: int, seed: int, portion: Portion) -> Iterator[Task]:
        """Tasks of this type, each meaning once, until `PATIENCE` attempts give nothing new.

        `level` is 1 to 4, or 5 or 6 where the portion is `ood-depth`.

        Raises:
            ValueError: a type, level or portion that the teacher hasn't.
        """
        if type not in self.types:
            raise ValueError(f"no type {type!r}: there are {', '.join(self.types)}")
        levels = families.DEEP_LEVELS if portion == "ood-depth" else families.LEVELS
        if level not in levels:
            raise ValueError(f"no level {level} in {portion}: there are {levels}")
        return self._stream(type, level, seed, portion)

    def _stream(self, type_: str, level: int, seed: int, portion: Portion) -> Iterator[Task]:
        seen: set[str] = set()
        last = -1
        attempt = 0
        while attempt - last <= PATIENCE:
            task = attempted(type_, level, seed, portion, attempt, seen)
            if task is not None:
                seen.add(task.signature)
                last = attempt
                yield task
            attempt += 1


class _Reference(NamedTuple):
    """A tree that is worth a task, and its program."""

    spec: Call
    style: str
    name: str
    names: list[str]
    function: Function
    answers: list[str]
    signature: str


def attempted(
    type_: str, level: int, seed: int, portion: Portion, attempt: int, seen: set[str]
) -> Task | None:
    """What one attempt of a stream gives; None where the tree is no good or not new."""
    rng = random.Random(f"{VERSION}/{type_}/{level}/{seed}/{portion}/{attempt}")
    spec = families.grow(type_, level=level, portion=portion, rng=rng)
    if spec is None or not arguments(spec) or not families.may_be_in(spec, portion):
        return None
    try:
        reference = _reference(spec, type_, rng)
        if reference.signature in seen or not families.has_bucket(reference.signature, portion):
            return None
        if not _is_worth(reference):
            return None
        written = _written(reference, rng)
    except _Failed:
        return None
    if written is None:
        return None
    made, solutions, killed = written
    return Task(
        id=f"grammar-{VERSION}/{type_}/{level}/{portion}/{seed}.{attempt}",
        type=type_,
        family=families.family_of(spec),
        level=level,
        seed=seed,
        form=made.form,
        prompt=shown_prompt(made),
        entry_point="" if made.form == "stdio" else made.name,
        solutions=tuple(
            Solution(style=one.style, code=finished(made, one.code)) for one in solutions
        ),
        base=made.inputs[:NUM_BASE],
        plus=made.inputs[NUM_BASE:],
        mutants=tuple(finished(made, wrong) for wrong in killed),
        signature=reference.signature,
        pairs=pairs_of(spec),
    )


def _reference(spec: Call, type_: str, rng: random.Random) -> _Reference:
    kinds = arguments(spec)
    style = "idiom-loop" if type_ in _LOOPS and rng.random() < 0.5 else "idiom"
    names = argument_names(kinds, rng)
    name = entry_name(spec, rng, names)
    function = code.compiled(code.program(spec, style, name=name, arguments=names), name)
    answers = answers_of(function, values.probes(kinds))
    signature = values.signature(kinds, tuple(answers))
    return _Reference(spec, style, name, names, function, answers, signature)


def _is_worth(reference: _Reference) -> bool:
    """Whether its answers differ, and depend on all that it does."""
    if len(set(reference.answers)) < FEWEST_ANSWERS:
        return False
    return not _is_idle(reference.spec, values.probes(arguments(reference.spec)), reference.answers)


def _written(
    reference: _Reference, rng: random.Random
) -> tuple[Made, list[Solution], list[str]] | None:
    """The task's form, text, solutions and tests, and the wrong programs that these kill."""
    spec, kinds = reference.spec, arguments(reference.spec)
    name, names = reference.name, reference.names
    solutions = _solutions(spec, reference.style, name, names)
    if len(solutions) < FEWEST_STYLES:
        return None
    form = _form(kinds, kind_of(spec), rng)
    words = [f"`{one}`" for one in names] if rng.random() < 0.4 else list(names)
    asked = _asked(spec, rng, form, words, reference.signature)
    if asked is None:
        return None
    tested = _tested(reference, rng)
    if len(tested.inputs) < FEWEST_TESTS:
        return None
    expected = reference.answers + answers_of(reference.function, tested.inputs)
    inputs = [*values.probes(kinds), *tested.inputs]
    for solution in solutions[1:]:
        if answers_of(code.compiled(solution.code, name), inputs) != expected:
            return None
    made = Made(
        spec, form, asked, name, tuple(names), kinds, reference.function, tuple(tested.inputs)
    )
    return made, solutions, tested.killed


def _form(kinds: tuple[str, ...], result: str, rng: random.Random) -> Form:
    draw = rng.random()
    if draw < STDIO_SHARE and stdio.is_possible(kinds, result):
        return "stdio"
    return "docstring" if draw < (1 + STDIO_SHARE) / 2 else "sentence"


def answers_of(function: Function, inputs: Sequence[tuple[Value, ...]]) -> list[str]:
    """What it answers, as text.

    Raises:
        _Failed: it raised, or an answer is too large to be of use.
    """
    shown: list[str] = []
    for given in inputs:
        try:
            answer = function(*given)
        except _CRASHES as error:
            raise _Failed from error
        text = values.shown(answer)
        if len(text) > _LONGEST_ANSWER or (
            isinstance(answer, int | float) and abs(answer) > _LARGEST
        ):
            raise _Failed
        shown.append(text)
    return shown


def argument_names(kinds: Sequence[str], rng: random.Random) -> list[str]:
    """Names for the arguments, each once."""
    names: list[str] = []
    for kind in kinds:
        free = [name for name in values.KINDS[kind].names if name not in names]
        spare = free or [f"{values.KINDS[kind].names[0]}{len(names) + 1}"]
        names.append(rng.choice(spare[:3]))
    return names


def entry_name(spec: Call, rng: random.Random, taken: Sequence[str]) -> str:
    """A name for the function: of what it does, or (one in ten) one that says nothing."""
    if rng.random() < 0.1:
        return rng.choice(_NEUTRAL)
    stems = [_stem(call.op) for call in calls(spec)]
    name = stems[0]
    if len(stems) > 1 and rng.random() < 0.5:
        name = f"{stems[0]}_of_{stems[1]}"
    elif rng.random() < 0.3:
        name = f"{rng.choice(('get', 'find', 'compute'))}_{stems[0]}"
    reserved = keyword.iskeyword(name) or hasattr(builtins, name) or name in code.RESERVED
    return f"get_{name}" if reserved or name in taken else name


def _stem(op: str) -> str:
    parts = op.split(".")
    return {"is": "is_", "each": "each_"}.get(parts[0], "") + (
        parts[1] if parts[0] in ("is", "each") else parts[0]
    )


def _solutions(spec: Call, style: str, name: str, names: Sequence[str]) -> list[Solution]:
    """A program in every style, those that are the same text once; the reference first."""
    programs: dict[str, str] = {}
    for one in (style, *STYLES):
        programs.setdefault(code.program(spec, one, name=name, arguments=names), one)
    called = {"idiom": "comprehension", "idiom-loop": "loop"}
    own = code.IDIOMS.get(type_of(spec), called[style])
    return [
        Solution(style=own if one == style else one, code=source)
        for source, one in programs.items()
    ]


def _is_idle(spec: Call, probes: Sequence[tuple[Value, ...]], answers: list[str]) -> bool:
    """Whether it gives back an argument, or any operation could be left out."""
    for place in range(len(probes[0])):
        if [values.shown(given[place]) for given in probes] == answers:
            return True
    for shorter in mutants.shortened(spec):
        try:
            if answers_of(_quick(shorter, len(probes[0])), probes) == answers:
                return True
        except _Failed:
            continue
    return False


def _quick(spec: Spec, num_arguments: int) -> Function:
    names = [f"a{index}" for index in range(num_arguments)]
    written = code.body(spec, "comprehension", name="f", arguments=names)
    inside = "\n    ".join((*written.imports, *"\n".join(written.lines).split("\n")))
    return code.compiled(f"def f({', '.join(names)}):\n    {inside}\n", "f")


def _asked(
    spec: Call, rng: random.Random, form: Form, words: Sequence[str], signature: str
) -> str | None:
    """A text that means the tree and nothing else; None where no draw does."""
    kinds = arguments(spec)
    for _ in range(_PROMPT_TRIES):
        try:
            asked = prompts.ask(spec, rng, form=form, names=words)
        except Untidy:
            continue
        read = prompts.read(asked.text, kinds, words, kind_of(spec))
        if spec in read and all(
            other == spec or meaning(other, kinds) == signature for other in read
        ):
            return asked.text
    return None


def meaning(spec: Spec, kinds: tuple[str, ...]) -> str:
    """The signature of a tree; empty where it gives no answers."""
    try:
        answers = answers_of(_quick(spec, len(kinds)), values.probes(kinds))
    except _Failed:
        return ""
    return values.signature(kinds, tuple(answers))


def _tested(reference: _Reference, rng: random.Random) -> _Tested:
    """Tests that kill every mutant that differs from the reference anywhere among the candidates."""
    spec, style, name, names, function, *_ = reference
    kinds = arguments(spec)
    pool = _candidates(spec, kinds, rng)
    expected = dict(zip(pool, answers_of(function, list(pool.values())), strict=True))
    chosen: dict[str, tuple[Value, ...]] = {}
    killed: list[str] = []
    edited = mutants.mutants(spec)
    rng.shuffle(edited)
    for tree in edited:
        if len(killed) == MOST_MUTANTS:
            break
        source = code.mutant(tree, style, name, names, kinds)
        wrong = code.compiled(source, name)
        killer = next(
            (key for key in (*chosen, *pool) if _differs(wrong, pool[key], expected[key])),
            None,
        )
        if killer is not None:
            chosen.setdefault(killer, pool[killer])
            killed.append(source)
    seen = {expected[key] for key in chosen}
    fresh = [key for key in pool if key not in chosen]
    # Of the rest, first those whose answer no test has yet.
    fresh.sort(key=lambda key: expected[key] in seen)
    for key in fresh[: NUM_BASE + NUM_PLUS - len(chosen)]:
        chosen[key] = pool[key]
    return _Tested(list(chosen.values()), killed)


def _differs(wrong: Function, given: tuple[Value, ...], expected: str) -> bool:
    try:
        return values.shown(wrong(*given)) != expected
    except _CRASHES:
        return True


def _candidates(
    spec: Call, kinds: tuple[str, ...], rng: random.Random
) -> dict[str, tuple[Value, ...]]:
    """Inputs to choose tests from: edges and probes, drawn ones, and the bounds of constants."""
    rows = [*values.probes(kinds)]
    rows += [values.draw(kinds, rng) for _ in range(24)]
    for node in walk(spec):
        if isinstance(node, Const):
            for _ in range(2):
                rows.append(_around(node, values.draw(kinds, rng), kinds, rng))
    rng.shuffle(rows)
    return {repr(row): row for row in rows}


def _around(
    const: Const, row: tuple[Value, ...], kinds: tuple[str, ...], rng: random.Random
) -> tuple[Value, ...]:
    """A row in which a number stands at the constant or next to it, or a text holds its letter."""
    changed = list(row)
    for place, kind in enumerate(kinds):
        value = changed[place]
        if isinstance(const.value, int):
            near = const.value + rng.randint(-1, 1)
            if kind == "int" or (kind in ("nat", "medium", "small") and near >= 0):
                changed[place] = near
            elif kind == "ints" or (kind == "nats" and near >= 0):
                listed = cast(list[int], value)
                at = rng.randrange(len(listed) + 1)
                changed[place] = [*listed[:at], near, *listed[at + 1 :]]
        elif kind == "text" and isinstance(value, str):
            at = rng.randint(0, len(value))
            changed[place] = value[:at] + const.value + value[at:]
    return tuple(changed)
