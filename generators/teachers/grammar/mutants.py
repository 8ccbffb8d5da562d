"""Trees one edit away from a right one: what a wrong program for the task would mean.

    constants      one more, one less; another letter
    predicates     `greater than` for `at least`, and others that take the same
    operations     left out, or one of the same family in its place
    arguments      two of one kind swapped

Most are wrong and some mean the same after all: the tests tell (teacher.py).
"""

from collections.abc import Iterator
from functools import cache

from generators.teachers.grammar.spec import (
    OPS,
    Arg,
    Call,
    Const,
    Slot,
    Spec,
    arguments,
    kind_of,
    walk,
)
from generators.teachers.grammar.values import fits


@cache
def _siblings(op: str) -> tuple[str, ...]:
    own = OPS[op]
    return tuple(
        other.name
        for other in OPS.values()
        if other.name != op
        and other.type == own.type
        and other.family == own.family
        and other.result == own.result
        and [slot.kind for slot in other.slots] == [slot.kind for slot in own.slots]
        and all(
            one.is_param == two.is_param
            and (one.may_be_arg, one.choices) == (two.may_be_arg, two.choices)
            for one, two in zip(own.slots, other.slots, strict=True)
        )
    )


def edits(spec: Spec) -> Iterator[Spec]:
    """All trees that differ in one place."""
    if not isinstance(spec, Call):
        return
    for sibling in _siblings(spec.op):
        yield Call(sibling, spec.kids)
    for place, kid in enumerate(spec.kids):
        slot = OPS[spec.op].slots[place]
        for edited in _constants(kid, slot) if isinstance(kid, Const) else edits(kid):
            yield _with(spec, place, edited)
    yield from _swapped(spec)


def _constants(const: Const, slot: Slot) -> Iterator[Spec]:
    """Values next to it: within the slot's own range, where the slot takes nothing else."""
    if isinstance(const.value, int):
        beyond = slot.may_be_arg and slot.kind == "int"
        for value in (const.value + 1, const.value - 1):
            if beyond or value in slot.choices:
                yield Const(value, const.kind)
        return
    other = next((one for one in slot.choices if one != const.value), None)
    if other is not None:
        yield Const(other, const.kind)


def _swapped(spec: Call) -> Iterator[Spec]:
    for left in range(len(spec.kids)):
        for right in range(left + 1, len(spec.kids)):
            one, other = spec.kids[left], spec.kids[right]
            if isinstance(one, Arg) and isinstance(other, Arg) and one.kind == other.kind:
                yield _with(_with(spec, left, other), right, one)


def _with(spec: Call, place: int, kid: Spec) -> Call:
    return Call(spec.op, (*spec.kids[:place], kid, *spec.kids[place + 1 :]))


def mutants(spec: Call) -> list[Spec]:
    """Edited trees that still take the same arguments, each once, in a fixed order."""
    kinds = arguments(spec)
    found = [*edits(spec), *shortened(spec), *_careless(spec)]
    return [
        edited
        for edited in dict.fromkeys(found)
        if edited != spec and _indices(edited) <= set(range(len(kinds)))
    ]


_CARELESS = {
    "ints": ("drop.int", "distinct.int"),
    "nats": ("drop.int", "distinct.int"),
    "strs": ("drop.text", "distinct.text"),
    "text": ("trim_text", "to_upper"),
    "letters": ("trim_text",),
    "brackets": ("trim_text",),
    "int": ("plus",),
    "nat": ("plus",),
    "medium": ("plus",),
    "small": ("plus",),
    "count": ("plus",),
    "pairs": ("swap_pairs",),
    "pair": (),
    "grid": ("flip_rows", "mirror_rows"),
    "square": ("flip_rows", "mirror_rows"),
}
"""What a careless program does to an argument first: begin with the second, forget duplicates."""


def _careless(spec: Spec) -> Iterator[Spec]:
    """Trees in which one argument was not taken as it is."""
    for arg in dict.fromkeys(node for node in walk(spec) if isinstance(node, Arg)):
        for op in _CARELESS.get(arg.kind, ()):
            first = Const(1, "count")
            kids = {
                "drop.int": (first, arg), "drop.text": (first, arg), "trim_text": (first, arg),
                "plus": (arg, first),
            }  # fmt: skip
            yield _put(spec, arg, Call(op, kids.get(op, (arg,))))


def _put(spec: Spec, arg: Arg, new: Spec) -> Spec:
    if spec == arg:
        return new
    if not isinstance(spec, Call):
        return spec
    return Call(spec.op, tuple(_put(kid, arg, new) for kid in spec.kids))


def _indices(spec: Spec) -> set[int]:
    if isinstance(spec, Arg):
        return {spec.index}
    if isinstance(spec, Const):
        return set()
    return set[int]().union(*(_indices(kid) for kid in spec.kids))


def shortened(spec: Spec) -> Iterator[Spec]:
    """All trees in which an operation is left out, and what it worked on, or any argument of the
    program, takes its place."""
    args = [node for node in walk(spec) if isinstance(node, Arg)]
    yield from _shortened(spec, tuple(dict.fromkeys(args)))


def _shortened(spec: Spec, args: tuple[Arg, ...]) -> Iterator[Spec]:
    if not isinstance(spec, Call) or OPS[spec.op].result[-1] in "?>":
        return
    for kid in dict.fromkeys((*spec.kids, *args)):
        if not isinstance(kid, Const) and fits(kind_of(kid), kind_of(spec)):
            yield kid
    for place, kid in enumerate(spec.kids):
        for shorter in _shortened(kid, args):
            yield _with(spec, place, shorter)
