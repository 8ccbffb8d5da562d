"""What a function does, as a fingerprint: its answers on 32 fixed probes of its argument types.

    shapes = shapes_of(suite.inputs)                  what it is called with
    probes = probes_for(canonical(shapes))            the same for every function of these types
    key = signature(canonical(shapes), answers)       equal where two functions do the same

Argument types are read off the values that the tests pass, so that nobody has to be believed about
them. A tuple or an array of like members counts as a list, in arguments and in answers: a problem
that was reworded to return a tuple is still the same problem.

Not here: running anything (verify.py, decontaminate.py), and functions whose arguments are
no builtin values: they have no shape.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from harness.records import Value

NUM_PROBES = 32
MIN_DISTINCT = 3
"""Answers that a behaviour needs for being told from a constant."""
MIN_OF_EACH = 8
"""Probes that get either answer of a predicate, for the same reason."""
MIN_ANSWERED = 12
"""Probes that a benchmark's solution must answer: what raises on most has no behaviour here."""
RAISED = "!"
"""The answer of a row that raises on a probe."""
VERSION = "1"
"""Changes with the probes."""

_SCALARS: Mapping[type, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    type(None): "none",
}
_WORDS = "a of the cat tree Abba x level Stone 12 7 hello world i".split()


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of a value: a scalar, or a container with the shapes of its members."""

    kind: str
    """`int`, `float`, `bool`, `str`, `none`, `list`, `tuple`, `set`, `dict`, or `any`: nothing
    was seen of it."""
    members: tuple["Shape", ...] = ()
    """One for a list, tuple or set of like members, key and value of a dict; of a `record`, a
    tuple of fixed length and unlike members, one each."""


ANY = Shape("any")


def shapes_of(calls: Sequence[tuple[Value, ...]]) -> tuple[Shape, ...] | None:
    """The shapes of the arguments of all these calls; None where they have none in common."""
    if not calls or len({len(arguments) for arguments in calls}) != 1:
        return None
    shapes: list[Shape] = []
    for position in range(len(calls[0])):
        joined: Shape | None = ANY
        for arguments in calls:
            seen = _shape(arguments[position])
            joined = None if seen is None or joined is None else _join(joined, seen)
        if joined is None:
            return None
        shapes.append(joined)
    return tuple(shapes)


def _shape(value: Value, depth: int = 0) -> Shape | None:
    if type(value) in _SCALARS:
        return Shape(_SCALARS[type(value)])
    if depth > 4:
        return None
    if isinstance(value, dict):
        pairs = cast(dict[Value, Value], value)
        keys = _join_all([_shape(key, depth + 1) for key in list(pairs)[:50]])
        values = _join_all([_shape(member, depth + 1) for member in list(pairs.values())[:50]])
        return None if keys is None or values is None else Shape("dict", (keys, values))
    if isinstance(value, list | tuple | set | frozenset):
        kind = "list" if isinstance(value, list) else "tuple"
        kind = "set" if isinstance(value, set | frozenset) else kind
        seen = [_shape(member, depth + 1) for member in list(cast(Sequence[Value], value))[:50]]
        joined = _join_all(seen)
        if joined is not None:
            return Shape(kind, (joined,))
        if kind == "tuple" and len(seen) <= 4 and all(member is not None for member in seen):
            return Shape("record", tuple(member for member in seen if member is not None))
    return None


def _join_all(shapes: Sequence[Shape | None]) -> Shape | None:
    joined: Shape | None = ANY
    for shape in shapes:
        joined = None if shape is None or joined is None else _join(joined, shape)
    return joined


def _join(left: Shape, right: Shape) -> Shape | None:
    """What both are; None where they have nothing in common."""
    if ANY in (left, right):
        return right if left == ANY else left
    if left.kind != right.kind:
        numbers = {left.kind, right.kind} <= {"int", "float"}
        return Shape("float") if numbers else None
    if len(left.members) != len(right.members):
        return None
    members = [_join(one, other) for one, other in zip(left.members, right.members, strict=True)]
    if any(member is None for member in members):
        return None
    return Shape(left.kind, tuple(member for member in members if member is not None))


def canonical(shapes: Sequence[Shape]) -> str:
    """The types in words, sequences of like members all called lists.

    >>> canonical((Shape("tuple", (Shape("int"),)), Shape("str")))
    'list[int],str'
    """
    return ",".join(map(_word, shapes))


def _word(shape: Shape) -> str:
    kind = {"tuple": "list", "any": "int"}.get(shape.kind, shape.kind)
    return f"{kind}[{','.join(map(_word, shape.members))}]" if shape.members else kind


def as_integers(shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    """The same with int for float: a function of floats has a behaviour on integers too."""
    return tuple(
        Shape("int") if shape.kind == "float" else Shape(shape.kind, as_integers(shape.members))
        for shape in shapes
    )


def probes_for(shapes: Sequence[Shape]) -> tuple[tuple[Value, ...], ...]:
    """Arguments to try a function on: the same values for one canonical type, in these containers.

    Small and mostly natural numbers, short lists and plain words: what most functions answer.
    """
    digest = hashlib.sha256(f"{VERSION} {canonical(shapes)}".encode()).digest()
    draw = random.Random(int.from_bytes(digest[:8], "big"))
    return tuple(
        tuple(_value(shape, draw, number) for shape in shapes) for number in range(NUM_PROBES)
    )


def within(calls: Sequence[tuple[Value, ...]], probes: Sequence[tuple[Value, ...]]) -> list[int]:
    """The numbers of the probes whose integers lie where those of the calls do, by argument.

    A function may well not come back from what it was never meant for (a negative count, a depth
    of thirty), so that is not asked.
    """
    ranges = [_range(values) for values in zip(*calls, strict=True)]
    return [
        number
        for number, probe in enumerate(probes)
        if all(
            low <= integer <= high
            for argument, (low, high) in zip(probe, ranges, strict=True)
            for integer in _integers(argument)
        )
    ]


def _range(values: Sequence[Value]) -> tuple[float, float]:
    integers = [integer for value in values for integer in _integers(value)]
    return min(integers, default=0), max(integers, default=0)


def _integers(value: Value) -> Iterator[int | float]:
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict):
        for pair in cast(Mapping[Value, Value], value).items():
            yield from _integers(pair)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in cast(Sequence[Value], value):
            yield from _integers(member)


def _value(shape: Shape, draw: random.Random, number: int) -> Value:
    match shape.kind:
        case "int" | "any":
            return _integer(draw, number)
        case "float":
            return _integer(draw, number) + draw.choice((0.0, 0.5, 0.25, 0.75))
        case "bool":
            return draw.random() < 0.5
        case "str":
            words = [draw.choice(_WORDS) for _ in range(draw.choice((1, 1, 1, 2, 3)))]
            return " ".join(words) if number else ""
        case "record":
            return tuple(_value(member, draw, number) for member in shape.members)
        case "dict":
            key, value = shape.members
            return {
                _value(key, draw, number): _value(value, draw, number)
                for _ in range(draw.randint(1, 4))
            }
        case "list" | "tuple" | "set":
            size = number % 2 if number < 4 else draw.randint(2, 6)
            members = [_value(shape.members[0], draw, number) for _ in range(size)]
            if shape.kind == "set":
                return {_hashable(member) for member in members}
            return tuple(members) if shape.kind == "tuple" else members
        case _:
            return None


def _integer(draw: random.Random, number: int) -> int:
    if number % 8 == 7:
        return -draw.randint(1, 9)
    return draw.randint(0, 9) if number % 2 else draw.randint(1, 30)


def _hashable(value: Value) -> Value:
    return tuple(cast(list[Value], value)) if isinstance(value, list) else value


def answer_text(value: Value) -> str:
    """An answer as text: tuples as lists, sets and dicts sorted, floats to nine digits."""
    return json.dumps(_plain(value), ensure_ascii=True, default=repr)


def _plain(value: Value) -> object:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list | tuple):
        return [_plain(member) for member in cast(Sequence[Value], value)]
    if isinstance(value, set | frozenset):
        return {"set": sorted(json.dumps(_plain(m), default=repr) for m in cast(set[Value], value))}
    if isinstance(value, dict):
        pairs = cast(Mapping[Value, Value], value)
        return {
            "dict": sorted(
                json.dumps([_plain(key), _plain(member)], default=repr)
                for key, member in pairs.items()
            )
        }
    return value


def same_behaviour(known: Sequence[str | None], answers: Sequence[str | None]) -> bool:
    """Whether two functions of one type do the same on the probes that say something of both.

    None is a probe that says nothing. What the first function raises on says nothing, since a
    problem may promise nothing there; what the second one raises on is RAISED, and differs.
    """
    both: list[str | None] = []
    for one, other in zip(known, answers, strict=True):
        if one is not None and other is not None:
            if one != other:
                return False
            both.append(one)
    return has_behaviour(both)


def has_behaviour(answers: Sequence[str | None]) -> bool:
    """Whether these answers say enough to know a function by.

    Of a predicate they do where both answers are common.
    """
    given = Counter(answer for answer in answers if answer is not None)
    if given.total() < MIN_ANSWERED or len(given) < 2:
        return False
    return len(given) >= MIN_DISTINCT or min(given.values()) >= MIN_OF_EACH
