"""The writing end of the codec: what turns a value of hostile code into the content of a frame.

Runs inside the job. A value is read by the methods of the exact types that cross, which no subclass
overrides, so that it can't pass for another by accident or by an overridden `==`. Code of the
candidate may run all the same (the `repr` of an Opaque, the `hash` of a type with a metaclass),
and nothing here stops a forger: this is the candidate's own process.

Not here: never raising. `Refusal`, and whatever a metaclass or an allocation throws, becomes an
X frame in `codec.encode`.
"""

import marshal
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import chain, repeat
from operator import ne
from typing import Any

from sandboxes.agent.codec_values import (
    CONTAINERS,
    DTYPE,
    EXACT,
    INEXACT,
    MAX_DEPTH,
    MAX_FRACTION_BITS,
    MAX_NAME,
    MAX_REPR,
    NODE,
    SCALARS,
    TOO_DEEP,
    TOO_LARGE,
)

MAX_ENCODED_VISITS = 1 << 28
"""Elements of a value of exact builtins, which are visited at C speed: a small value that shares
its parts can be astronomically large. One expected value of MBPP+ (task 255) has 130 million."""
MAX_NESTED_SETS = 3
"""Levels of an M frame that hold a set; more make a T frame."""
MAX_NODES = 1 << 22
"""Nodes of a T frame, each of which costs a microsecond and not twenty nanoseconds."""

_SETS: frozenset[type] = frozenset({set, frozenset})
_dict_values = dict[Any, Any].values


class Refusal(Exception):
    """Ends an encoding; its text is the reason in the X frame."""


def marshalled(value: Any) -> bytes | None:
    """The M frame of exact builtins; None where marshal can't.

    Since 3.11 marshal sorts the members of a set, and says MemoryError when two NaN of type
    complex have no order; a real one comes back from the T frame that is tried then.
    """
    try:
        return b"M" + marshal.dumps(value, 2)
    except ValueError:
        return None
    except MemoryError:
        kinds = exact_kinds(value) or set()
        if complex in kinds and not kinds.isdisjoint(_SETS):
            return None
        raise


def exact_kinds(value: object) -> set[type] | None:
    """The types in a value that is marshal's, else None. Level by level, at C speed.

    That is one of exact builtins only: marshal itself would write an array or any other buffer as
    bytes, and accept code objects. And not of sets in sets in sets: since 3.11 marshal writes each
    member twice, first to sort it, so its time doubles with every level.
    """
    seen = kinds = {type(value)}
    level: list[Any] = [value] if kinds <= CONTAINERS else []
    num_visits, num_sets = 1, 0
    for _ in range(MAX_DEPTH):
        num_sets += not kinds.isdisjoint(_SETS)
        if not kinds <= EXACT or num_sets > MAX_NESTED_SETS:
            return None
        dicts = _only(level, {dict}) if dict in kinds else []
        num_visits += sum(map(len, level)) + sum(map(len, dicts))
        if num_visits > MAX_ENCODED_VISITS:
            raise Refusal(TOO_LARGE)
        kinds = set(map(type, _members(level, dicts)))
        seen |= kinds
        if kinds.isdisjoint(CONTAINERS):
            return seen if seen <= EXACT else None
        level = _only(_members(level, dicts), CONTAINERS)  # the leaves are never listed
    raise Refusal(TOO_DEEP)


def _only(values: Iterable[Any], kinds: Collection[type]) -> list[Any]:
    return [value for value in values if type(value) in kinds]


def _members(level: list[Any], dicts: list[Any]) -> Iterable[Any]:
    return chain(chain.from_iterable(level), chain.from_iterable(map(_dict_values, dicts)))


def is_nan(value: Any) -> bool:
    return value.is_nan()  # a signalling one raises when it is compared


def type_name(kind: type) -> str:
    """By `type`'s own getter, for a metaclass may lie; an exact str, for it may be another."""
    return str.__getitem__(type.__dict__["__name__"].__get__(kind), slice(MAX_NAME))


def _repr(value: object) -> str:
    try:
        return str.__getitem__(repr(value), slice(MAX_REPR))
    except BaseException:  # SystemExit too: it is the candidate's code that runs here
        return "<repr failed>"


class Writer:
    """Writes nodes; one writer a frame."""

    def __init__(self, size_limit: int) -> None:
        self.bytes_left = size_limit
        self.nodes_left = MAX_NODES
        self.doubtful = False
        """See `Digest.nan`."""
        self.has_keys = False
        self.numpy_types: set[type] = set()
        try:
            numpy = sys.modules["numpy"]  # whoever has an array has imported it
            self.numpy_types = {numpy.ndarray, *numpy.sctypeDict.values()}
        except Exception:  # absent, half imported, or something else under its name
            pass

    def node(self, value: object, depth: int) -> bytes:
        kind = type(value)
        if kind in SCALARS:
            return self._scalar(value)
        if kind in PARTS:
            return self._container(value, kind, depth)
        try:
            if kind in LEAVES:
                tag, to_fields = LEAVES[kind]
                self.doubtful |= kind is Decimal and is_nan(value)
                return self._leaf(tag, *to_fields(value))
            if kind in self.numpy_types and (fields := self._numpy_fields(value, kind)):
                return self._leaf(*fields)
        except (Refusal, MemoryError, RecursionError):
            raise
        except Exception:  # a Fraction whose slots were meddled with, a time zone of its own
            return self._opaque(value, kind)
        for base in _BASES:
            if issubclass(kind, base):
                return self._subclass(value, kind, base, depth)
        return self._opaque(value, kind)

    def _pack(self, tag: bytes, content: bytes) -> bytes:
        self.nodes_left -= 1
        self.bytes_left -= NODE.size + len(content)
        if self.nodes_left < 0 or self.bytes_left < 0 or len(content) >= 1 << 32:
            raise Refusal(TOO_LARGE)
        return NODE.pack(tag, len(content)) + content

    def _leaf(self, tag: bytes, *fields: Any) -> bytes:
        return self._pack(tag, marshal.dumps(fields, 2))

    def _scalar(self, value: Any) -> bytes:
        self.doubtful |= type(value) in INEXACT and bool(ne(value, value))
        return self._pack(b"m", marshal.dumps(value, 2))

    def _container(self, value: Any, kind: type, depth: int) -> bytes:
        """`kind` is the type of the value, or the base through which it is read."""
        if depth >= MAX_DEPTH:
            raise Refusal(TOO_DEEP)
        tag, to_parts = PARTS[kind]
        parts = list(to_parts(value))
        kinds = set(map(type, parts))
        if type(value) in CONTAINERS and kinds <= SCALARS and (frame := marshalled(value)):
            self.doubtful |= not kinds.isdisjoint(INEXACT) and any(map(ne, parts, parts))
            return self._pack(b"m", frame[1:])
        self.has_keys |= kind not in (list, tuple, deque)
        if kind is deque:
            parts.insert(0, value.maxlen)
        nodes = b"".join(map(self.node, parts, repeat(depth + 1)))
        self.bytes_left += len(nodes)  # each was charged by itself
        return self._pack(tag, nodes)

    def _subclass(self, value: Any, kind: type, base: type, depth: int) -> bytes:
        if depth >= MAX_DEPTH:
            raise Refusal(TOO_DEEP)
        self.doubtful = True
        if base in PARTS:
            held = self._container(value, base, depth + 1)
        else:
            held = self._scalar(_SCALAR_BASES[base](value))
        name = self._scalar(type_name(kind))
        self.bytes_left += len(name) + len(held)
        return self._pack(b"Z", name + held)

    def _opaque(self, value: object, kind: type) -> bytes:
        self.doubtful = True
        return self._leaf(b"?", type_name(kind), _repr(value))

    def _numpy_fields(self, value: Any, kind: type) -> tuple[Any, ...] | None:
        """Tag and fields if the meaning of the type is fixed, else None."""
        if kind.__name__ == "str_":
            return b"n", "U", str.__str__(value).encode("utf-8", "surrogatepass")
        if kind.__name__ == "bytes_":  # as an array element it would lose its trailing NULs
            return b"n", "S", _exact_bytes(value)
        dtype = value.dtype
        if not DTYPE.fullmatch(dtype.str):  # objects, records, long double
            return None
        if kind.__name__ == "ndarray":
            self.doubtful = True
            return b"N", dtype.str, value.shape, value.tobytes()
        self.doubtful |= bool(ne(value, value))
        return b"n", dtype.str, value.tobytes()


def _exact_bytes(value: bytes) -> bytes:
    return bytes.__getitem__(value, slice(None))


def _iterator_of(kind: Any) -> Callable[[Any], Iterable[Any]]:
    """The type's own `__iter__`, which a subclass can't override."""
    return kind.__iter__


def _flat_items_of(kind: Any) -> Callable[[Any], Iterable[Any]]:
    """Key, value, key, value … by the type's own `items`."""
    items = kind.items
    return lambda mapping: chain.from_iterable(items(mapping))


def _zone(zone: tzinfo | None) -> tuple[object, ...]:
    """Days, seconds, microseconds and perhaps a name; empty for a naive time.

    Raises:
        TypeError: not a fixed offset: its meaning is code, or a database.
    """
    if zone is None:
        return ()
    if type(zone) is not timezone:
        raise TypeError("not a fixed offset")
    fixed: Any = zone
    offset, *name = fixed.__getinitargs__()  # as pickle asks: `tzname` would invent a name
    return (offset.days, offset.seconds, offset.microseconds, *map(str.__str__, name))


def _clock(value: datetime | time) -> tuple[object, ...]:
    clock = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    return (*clock, _zone(value.tzinfo))


def _fraction_fields(value: Fraction) -> tuple[int, ...]:
    parts = (value.numerator, value.denominator)
    if any(type(part) is not int or part.bit_length() > MAX_FRACTION_BITS for part in parts):
        raise TypeError("too long, or not a fraction of ints")
    return parts


PARTS: dict[type, tuple[bytes, Callable[[Any], Iterable[Any]]]] = {
    list: (b"[", _iterator_of(list)),
    tuple: (b"(", _iterator_of(tuple)),
    set: (b"<", _iterator_of(set)),
    frozenset: (b">", _iterator_of(frozenset)),
    dict: (b"{", _flat_items_of(dict)),
    Counter: (b"C", _flat_items_of(dict)),
    OrderedDict: (b"O", _flat_items_of(OrderedDict)),  # its order is not the dict's in it
    defaultdict: (b"d", _flat_items_of(dict)),
    deque: (b"q", _iterator_of(deque)),
}
"""Containers: their tag, and their parts in order by the type's own method."""

LEAVES: dict[type, tuple[bytes, Callable[[Any], tuple[object, ...]]]] = {
    bytearray: (b"a", lambda v: (bytes(v),)),
    range: (b"r", lambda v: tuple(map(int.__pos__, (v.start, v.stop, v.step)))),
    Decimal: (b"D", lambda v: (Decimal.__str__(v),)),
    Fraction: (b"F", _fraction_fields),
    datetime: (b"t", lambda v: (v.year, v.month, v.day, *_clock(v))),
    date: (b"y", lambda v: (v.year, v.month, v.day)),
    time: (b"h", _clock),
    timedelta: (b"e", lambda v: (v.days, v.seconds, v.microseconds)),
    timezone: (b"z", lambda v: (_zone(v),)),
}
"""The others: their tag, and what tells them apart, as builtins. `_FROM_FIELDS`, in the reader,
is the way back."""

_SCALAR_BASES: dict[type, Callable[[Any], object]] = {
    int: int.__pos__,
    float: float.__pos__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: _exact_bytes,
}
_BASES = (*_SCALAR_BASES, list, tuple, set, frozenset, dict)
