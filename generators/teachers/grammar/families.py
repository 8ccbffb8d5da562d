"""Which trees are grown for a type: families, depth, and the portions that share nothing.

    spec = grow("dp", level=2, portion="train", rng=rng)

A tree is a core operation of one family of the type, with operations of types of lower priority
before and after it, so that the whole stays of the type. The level is the number of operations.
A tree belongs to a portion by three rules, so that portions are disjoint in all three ways:

    families    those of `OOD_FAMILIES` appear under `ood-family` alone, anywhere in a tree
    signatures  a tenth of all, by hash, for each of the four held-out portions; the rest is `train`
    pairs       one composed pair of ten appears under `dev-test` alone (and out of distribution)

Not here: whether a tree is any good (teacher.py asks its outputs).
"""

import hashlib
import random
from collections.abc import Sequence
from functools import cache

from generators.teachers.grammar.spec import (
    OPS,
    TYPES,
    Arg,
    Call,
    Const,
    Op,
    Slot,
    Spec,
    calls,
    core_of,
    kind_of,
    pairs_of,
    rank,
    walk,
)
from generators.teachers.grammar.values import KINDS, fits
from generators.teachers.protocol import Portion

OOD_FAMILIES = frozenset(
    {
        "regex / splitting",
        "date_time / years",
        "bits_bases / gray",
        "matrix_grid / spirals",
        "dp / strings",
        "stack_queue / machines",
        "combinatorics / orders",
        "recursion / halves",
        "number_theory / multiples",
        "math_geometry / rates",
        "dict_count / merging",
        "set_unique / gaps",
        "sort_order / ranks",
        "tuple / intervals",
        "string / ciphers",
        "list_array / two_lists",
        "string / lists, two_lists",
        "arith_expr / scores",
    }
)
"""One family of each type that no other portion has."""

LEVELS = (1, 2, 3, 4)
DEEP_LEVELS = (5, 6)
"""Of `ood-depth`: more operations than any task of another portion has."""

_SIZES = {1: (1,), 2: (2,), 3: (3,), 4: (4, 5), 5: (6,), 6: (7,)}
_MOST_ARGS = 3
_PARAM_IS_ARG = 0.2

_BUCKETS: dict[Portion, range] = {
    "train": range(0, 60),
    "dev-steer": range(60, 70),
    "dev-test": range(70, 80),
    "ood-family": range(80, 90),
    "ood-depth": range(90, 100),
}
_PAIRS_HELD_OUT = 10


def family_of(spec: Spec) -> str:
    """That of the operation that gives the type; a held-out one wherever it stands."""
    ops = [OPS[node.op] for node in walk(spec) if isinstance(node, Call)]
    held_out = [_family(op) for op in ops if _family(op) in OOD_FAMILIES]
    return held_out[0] if held_out else _family(OPS[core_of(spec).op])


def _family(op: Op) -> str:
    return f"{op.type} / {op.family}"


@cache
def is_held_out(pair: tuple[str, str]) -> bool:
    """Whether this composition is kept for `dev-test`."""
    digest = hashlib.sha256("∘".join(pair).encode()).digest()
    return digest[0] % _PAIRS_HELD_OUT == 0


def may_be_in(spec: Spec, portion: Portion) -> bool:
    """Whether family and pairs allow the portion; the signature is asked by `has_bucket`."""
    ood = any(
        _family(OPS[node.op]) in OOD_FAMILIES for node in walk(spec) if isinstance(node, Call)
    )
    if ood != (portion == "ood-family"):
        return False
    if portion in ("train", "dev-steer"):
        return not any(map(is_held_out, pairs_of(spec)))
    return True


def has_bucket(signature: str, portion: Portion) -> bool:
    """Whether a signature is the portion's.

    >>> has_bucket("00000000", "train"), has_bucket("00000000", "dev-test")
    (True, False)
    """
    return int(signature[:8], 16) % 100 in _BUCKETS[portion]


@cache
def families(type_: str) -> tuple[str, ...]:
    """The families of a type, in the order of the tables."""
    found = dict.fromkeys(
        _family(op) for op in OPS.values() if op.type == type_ and _members(_family(op))
    )
    return tuple(found)


@cache
def _members(family: str) -> tuple[Op, ...]:
    """What a task of the family may be about: its core operations, and its predicates unless
    they are just the everyday ones of arithmetic and text."""
    everyday = family in ("arith_expr / predicates", "string / predicates")
    return tuple(
        op
        for op in OPS.values()
        if _family(op) == family and (op.is_core or (op.result[-1] == "?" and not everyday))
    )


@cache
def _givers(kind: str, lowest: int, with_ood: bool) -> tuple[Op, ...]:
    """Operations that give this kind and leave a program of rank `lowest` of its type."""
    return tuple(
        op
        for op in OPS.values()
        if _allowed(op, lowest, with_ood)
        and op.result[-1] not in "?>"
        and fits(op.result, kind)
        and any(slot.is_value for slot in op.slots)
    )


@cache
def _takers(kind: str, lowest: int, with_ood: bool) -> tuple[Op, ...]:
    """Operations that take this kind, likewise."""
    return tuple(
        op
        for op in OPS.values()
        if _allowed(op, lowest, with_ood)
        and op.result[-1] not in "?>"
        and any(slot.is_value and fits(kind, slot.kind) for slot in op.slots)
    )


def _allowed(op: Op, lowest: int, with_ood: bool) -> bool:
    return rank(op.name) >= lowest and (with_ood or _family(op) not in OOD_FAMILIES)


@cache
def _rules(kind: str, lowest: int) -> tuple[Op, ...]:
    """Predicates and keys for a slot such as `int?`."""
    return tuple(
        op
        for op in OPS.values()
        if op.result[-1] == kind[-1]
        and fits(kind[:-1], op.result[:-1])
        and _allowed(op, lowest, False)
    )


_TAME = frozenset(
    {
        "list_array / slices",
        "list_array / filters",
        "list_array / running",
        "list_array / each",
        "tuple / columns",
        "set_unique / distinct",
        "sort_order / sorting",
    }
)
"""What may go into operations that try all choices: nothing that makes a list longer."""
_WILD = frozenset({"dp", "combinatorics"})


class _Grower:
    """One tree while it grows."""

    def __init__(self, rng: random.Random, lowest: int) -> None:
        self.rng = rng
        self.lowest = lowest
        self.args: list[Arg] = []
        self.used: set[str] = set()
        self.tame = False

    def call(self, op: Op, budget: int, given: tuple[int, Spec] | None = None) -> Call | None:
        """The operation with its kids; `budget` operations go into them."""
        self.used.add(op.name)
        places = [place for place, slot in enumerate(op.slots) if slot.is_value]
        if given and given[0] in places:
            places.remove(given[0])
        shares = dict.fromkeys(places, 0)
        for _ in range(budget if places else 0):
            shares[self.rng.choice(places)] += 1
        kids: list[Spec] = []
        outside = self.tame
        self.tame = outside or op.type in _WILD
        for place, slot in enumerate(op.slots):
            kid = given[1] if given and place == given[0] else self.kid(slot, shares.get(place, 0))
            if kid is None:
                return None
            kids.append(kid)
        self.tame = outside
        return Call(op.name, tuple(kids))

    def kid(self, slot: Slot, budget: int) -> Spec | None:
        if slot.kind[-1] in "?>":
            rules = _rules(slot.kind, self.lowest)
            return self.call(self.rng.choice(rules), 0) if rules else None
        if slot.is_param:
            if not slot.may_be_arg or self.rng.random() >= _PARAM_IS_ARG:
                return Const(self.rng.choice(slot.choices), slot.kind)
            return self.arg(slot.kind)
        if budget:
            givers = [
                op
                for op in _givers(slot.kind, self.lowest, False)
                if op.name not in self.used
                and not (self.tame and slot.kind == "ints" and _family(op) not in _TAME)
            ]
            return self.call(self.rng.choice(givers), budget - 1) if givers else None
        return self.arg(slot.kind)

    def arg(self, kind: str) -> Arg | None:
        same = [arg for arg in self.args if arg.kind == kind]
        if same and self.rng.random() < 0.3:
            return self.rng.choice(same)
        if len(self.args) >= _MOST_ARGS:
            return self.rng.choice(same) if same else None
        self.args.append(Arg(len(self.args), kind))
        return self.args[-1]

    def core(self, family: str, before: int) -> Call | None:
        """An operation of the family; a predicate comes with an operation that asks it."""
        member = self.rng.choice(_members(family))
        if member.result[-1] != "?":
            return self.call(member, before)
        hosts = [
            op
            for op in OPS.values()
            if op.result[-1] not in "?>"
            and _allowed(op, self.lowest, False)
            and any(
                slot.kind[-1] == "?" and fits(slot.kind[:-1], member.result[:-1])
                for slot in op.slots
            )
        ]
        if not hosts:
            return None
        host = self.rng.choice(hosts)
        place = next(place for place, slot in enumerate(host.slots) if slot.kind[-1] == "?")
        rule = self.call(member, 0)
        return self.call(host, before, (place, rule)) if rule else None


def grow(type_: str, *, level: int, portion: Portion, rng: random.Random) -> Call | None:
    """A tree of this type, or None where the dice led nowhere."""
    ood = portion == "ood-family"
    names = [name for name in families(type_) if (name in OOD_FAMILIES) == ood]
    size = rng.choice(_SIZES[level])
    if type_ == "arith_expr":
        size += 1  # one sum or product is no task
    grower = _Grower(rng, TYPES.index(type_))
    before = rng.randint(0, size - 1)
    spec = grower.core(rng.choice(names), before)
    while spec is not None and len(calls(spec)) < size:
        takers = [
            op for op in _takers(kind_of(spec), grower.lowest, False) if op.name not in grower.used
        ]
        if not takers:
            return None
        op = rng.choice(takers)
        places = [
            place
            for place, slot in enumerate(op.slots)
            if slot.is_value and fits(kind_of(spec), slot.kind)
        ]
        if op.type in _WILD and any(_family(OPS[one.op]) not in _TAME for one in calls(spec)):
            return None
        spec = grower.call(op, 0, (rng.choice(places), spec))
    if spec is None or len(calls(spec)) != size:
        return None
    if type_ in ("list_array", "arith_expr") and any(
        "str" in KINDS[node.kind].annotation for node in walk(spec) if isinstance(node, Arg)
    ):
        return None  # by priority, what takes text is a matter of strings
    return _in_order(spec)


def _in_order(spec: Call) -> Call:
    """The arguments renumbered: values as they come, parameters such as `k` behind them."""
    seen = list(dict.fromkeys(node for node in walk(spec) if isinstance(node, Arg)))
    params = set(_parameters(spec))
    ordered = [arg for arg in seen if arg not in params] + [arg for arg in seen if arg in params]
    new = {arg: Arg(index, arg.kind) for index, arg in enumerate(ordered)}
    renumbered = _replaced(spec, new)
    assert isinstance(renumbered, Call)
    return renumbered


def _parameters(spec: Spec) -> Sequence[Arg]:
    return [
        kid
        for node in walk(spec)
        if isinstance(node, Call)
        for kid, slot in zip(node.kids, OPS[node.op].slots, strict=True)
        if isinstance(kid, Arg) and slot.is_param
    ]


def _replaced(spec: Spec, new: dict[Arg, Arg]) -> Spec:
    if isinstance(spec, Arg):
        return new[spec]
    if isinstance(spec, Const):
        return spec
    return Call(spec.op, tuple(_replaced(kid, new) for kid in spec.kids))
