"""One Python value as one frame of bytes, and back again from bytes that nobody trusts.

`encode` runs inside the job, next to hostile code: it is fast, and never raises. `decode` runs on
our side: any bytes give a value or `CodecError`, and nothing in them is ever called. The first
byte says which kind of frame it is:

    M  marshal version 2 of exact builtins: None bool int float complex str bytes list tuple set
       frozenset dict. Written by `marshal.dumps`, read here by a strict reader of our own.
    T  a node: tag, length (4 bytes, big-endian), content; containers hold nodes. For the decimal,
       fractions, datetime and collections types, range, bytearray, numpy scalars and arrays, and
       any container that holds one. What only resembles a builtin is a `Subclass`, what is
       neither is `Opaque`.
    D  flags, size (8 bytes, big-endian), sha256 of an M or T frame too long to send unasked.
    X  a reason in UTF-8: this value has no frame.

Not here: pickle, `marshal.loads` on bytes of a candidate, calling a method that a candidate may
have overridden, but for the `repr` of an Opaque. Also not here: honesty. A candidate can send any
frame it likes; a forged frame is just an answer.

Left to the caller: comparing. `Decimal == int`, and `str` of a large int, take quadratic time,
and ints are as large as their frame. A timer's exception raised inside `encode` ends as a frame,
so keep the clock elsewhere. Not kept: the factory of a defaultdict, which would be code.

The file is also copied into the sandbox: standard library only, Python 3.10 to 3.13.
"""

import hashlib
import importlib
import marshal
import math
import re
import struct
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import chain, repeat
from operator import ne
from types import ModuleType
from typing import Any, TypeAlias

INLINE_LIMIT = 65536
"""Bytes of a frame that cross unasked. Of 124,253 outputs of HumanEval+ 69 are longer."""
MAX_DEPTH = 200
"""Containers inside containers. The same on both sides, so no recursion here goes deeper."""
MAX_VISITS = 1 << 26
"""Elements that are decoded, unless the caller says otherwise."""
MAX_ENCODED_VISITS = 1 << 28
"""Elements of a value of exact builtins, which are visited at C speed: a small value that shares
its parts can be astronomically large. One expected value of MBPP+ (task 255) has 130 million."""
MAX_NESTED_SETS = 3
"""Levels of an M frame that hold a set; more make a T frame."""
MAX_NODES = 1 << 22
"""Nodes of a T frame, each of which costs a microsecond and not twenty nanoseconds."""
MAX_COLLISIONS = 1024
"""Keys of one set or dict with one hash. Lookups among them are quadratic, and whoever picks the
ints picks their hashes. Not lower: hash(-1) == hash(-2), so honest grids of tuples collide too.
(Keys that differ in hash but share a probe sequence get through; the size of a frame bounds them.)
"""
MAX_KEY_DIGITS = 1100
"""15-bit digits of an int in a key of a T frame, which a Decimal there may be compared with."""
MAX_FRACTION_BITS = 1 << 14
"""Of numerator and denominator: `Fraction` takes their gcd, in quadratic time."""
MAX_NAME, MAX_REPR, MAX_REASON = 100, 200, 200

TOO_DEEP = "cycle or too deep"
TOO_LARGE = "too large"
OUT_OF_MEMORY = "out of memory"
BAD_KEYS = "keys that can't be told apart"

PLAIN, DOUBTFUL = 1, 2


class CodecError(ValueError):
    """These bytes are not a frame that `encode` could have written."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value of a type that does not cross. Under strict comparison it equals nothing."""

    type_name: str
    repr: str
    """Cut to 200 characters, and whatever the candidate wanted it to be."""


@dataclass(frozen=True, slots=True)
class Subclass:
    """An instance of a subclass of a builtin: an IntEnum, a namedtuple, a str with a lying `==`."""

    type_name: str
    base: object
    """What the builtin base class itself holds: no override had a say in it."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Stands for a frame above the inline limit."""

    size: int
    """Of the full frame, in bytes, its kind included."""
    sha256: bytes
    """Of the full frame."""
    plain: bool
    """Only exact None, int, str, bytes, list, tuple. Two of these with unequal digests differ."""
    nan: bool
    """Equal digests do not prove equal values: there may be a NaN in it, or an Opaque, a Subclass
    or an array."""


@dataclass(frozen=True, slots=True)
class Unencodable:
    """The job had a value, but there is no frame for it."""

    reason: str


Value: TypeAlias = object
"""What decodes: the types of M and T frames above, or one of these four."""


class _Refusal(Exception):
    """Ends an encoding; its text is the reason in the X frame."""


_SCALARS: frozenset[type] = frozenset({type(None), bool, int, float, complex, str, bytes})
_FLAT: frozenset[type] = frozenset({list, tuple, set, frozenset})
_SETS: frozenset[type] = frozenset({set, frozenset})
_CONTAINERS = _FLAT | {dict}
_EXACT = _SCALARS | _CONTAINERS
_INEXACT: frozenset[type] = frozenset({float, complex})
_PLAIN: frozenset[type] = frozenset({type(None), int, str, bytes, list, tuple})

_dict_values, _dict_update = dict[Any, Any].values, dict[Any, Any].update

_NODE = struct.Struct(">cI")
_DIGEST = struct.Struct(">cBQ32s")
_INT32 = struct.Struct("<i")
_FLOAT = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")


def encode(
    value: object, *, inline_limit: int | None = INLINE_LIMIT, size_limit: int = 1 << 30
) -> bytes:
    """The frame of a value. Never raises, whatever the value is.

    A frame longer than `inline_limit` bytes (None: no limit) is replaced by its D frame; one
    longer than `size_limit` by an X frame.
    """
    try:
        kind = type(value)
        # Half of a benchmark's values are five bytes long: they end here, in half a microsecond.
        is_flat = kind in _SCALARS or (kind in _FLAT and _holds_scalars(value))
        kinds = None if is_flat else _exact_kinds(value)
        frame = _marshalled(value) if is_flat or kinds else None
        doubtful = False
        if frame is None:
            writer = _Writer(size_limit)
            frame = b"T" + writer.node(value, 0)
            doubtful = writer.doubtful
            if writer.has_keys:
                decode(frame)  # hashable there is not hashable here: a `Subclass` of a list is not
        if len(frame) > size_limit:
            return b"X" + TOO_LARGE.encode()
        if inline_limit is None or len(frame) <= inline_limit:
            return frame
        flags = DOUBTFUL * doubtful if frame[:1] == b"T" else _flags(value, kinds)
        return _DIGEST.pack(b"D", flags, len(frame), hashlib.sha256(frame).digest())
    except _Refusal as refusal:
        reason = str(refusal)
    except CodecError:
        reason = BAD_KEYS
    except MemoryError:
        reason = OUT_OF_MEMORY
    except RecursionError:
        reason = TOO_DEEP
    except BaseException as error:  # a metaclass may raise anything from a mere hash(type(v))
        reason = "failed: " + _type_name(type(error))
    return b"X" + reason.encode("utf-8", "replace")


def decode(frame: bytes, *, max_items: int = MAX_VISITS) -> Value:
    """The value of a frame that anybody may have written.

    Raises:
        CodecError: it is no frame, or holds more than `max_items` elements. Nothing else is
            raised on account of the bytes; time and memory are proportional to their number.
    """
    kind, reader = frame[:1], _Reader(frame, max_items)
    try:
        if kind == b"M":
            value = reader.marshalled(0)
        elif kind == b"T":
            value = reader.node(0, len(frame))
        elif kind == b"D":
            value = _digest(frame)
            reader.position = len(frame)
        elif kind == b"X" and len(frame) <= 1 + 4 * MAX_REASON:
            value = Unencodable(frame[1:].decode())
            reader.position = len(frame)
        else:
            raise CodecError("unknown kind of frame")
    except CodecError:
        raise
    except (ValueError, TypeError, ArithmeticError, LookupError, struct.error) as error:
        # From a type's own constructor: month 13, an unhashable key, bytes that end too early.
        raise CodecError(f"malformed frame: {error}") from error
    if reader.position != len(frame):
        raise CodecError("bytes after the value")
    return value


def decode_trusted(frame: bytes) -> Value:
    """The value of a frame that our own side wrote: an input on its way to a job.

    Raises:
        CodecError: it is torn.
    """
    if frame[:1] != b"M":
        return decode(frame)
    try:
        return marshal.loads(memoryview(frame)[1:])
    except (EOFError, ValueError, TypeError) as error:
        raise CodecError(f"malformed frame: {error}") from error


def same_bytes_mean_equal(frame: bytes) -> bool:
    """Whether a frame of the same bytes proves a value that is `==`. Cheap, and never wrongly True.

    False where the frame may hold a NaN, an Opaque or Subclass (their `==` is unknown) or an array
    (its `==` is no bool). `frame` is one of our own: garbage may pass unseen.
    """
    kind = frame[:1]
    if kind == b"M" and b"g" not in frame and b"y" not in frame:
        return True  # the letters of float and complex; elsewhere they only cost a slow look
    try:
        if kind == b"D":
            return not _digest(frame).nan
        return kind in (b"M", b"T") and not _doubtful(decode(frame))
    except CodecError:
        return False


def digest_size(frame: bytes) -> int:
    """Bytes of the full frame that a D frame stands for."""
    return _digest(frame).size


# ---- writing -----------------------------------------------------------------------------------


def _holds_scalars(flat: Any) -> bool:
    return _SCALARS.issuperset(map(type, flat))


def _marshalled(value: Any) -> bytes | None:
    """The M frame of exact builtins; None where marshal can't.

    Since 3.11 marshal sorts the members of a set, and says MemoryError when two NaN of type
    complex have no order; a real one comes back from the T frame that is tried then.
    """
    try:
        return b"M" + marshal.dumps(value, 2)
    except ValueError:
        return None
    except MemoryError:
        kinds = _exact_kinds(value) or set()
        if complex in kinds and not kinds.isdisjoint(_SETS):
            return None
        raise


def _exact_kinds(value: object) -> set[type] | None:
    """The types in a value that is marshal's, else None. Level by level, at C speed.

    That is one of exact builtins only: marshal itself would write an array or any other buffer as
    bytes, and accept code objects. And not of sets in sets in sets: since 3.11 marshal writes each
    member twice, first to sort it, so its time doubles with every level.
    """
    seen = kinds = {type(value)}
    level: list[Any] = [value] if kinds <= _CONTAINERS else []
    num_visits, num_sets = 1, 0
    for _ in range(MAX_DEPTH):
        num_sets += not kinds.isdisjoint(_SETS)
        if not kinds <= _EXACT or num_sets > MAX_NESTED_SETS:
            return None
        dicts = _only(level, {dict}) if dict in kinds else []
        num_visits += sum(map(len, level)) + sum(map(len, dicts))
        if num_visits > MAX_ENCODED_VISITS:
            raise _Refusal(TOO_LARGE)
        kinds = set(map(type, _members(level, dicts)))
        seen |= kinds
        if kinds.isdisjoint(_CONTAINERS):
            return seen if seen <= _EXACT else None
        level = _only(_members(level, dicts), _CONTAINERS)  # the leaves are never listed
    raise _Refusal(TOO_DEEP)


def _only(values: Iterable[Any], kinds: Collection[type]) -> list[Any]:
    return [value for value in values if type(value) in kinds]


def _members(level: list[Any], dicts: list[Any]) -> Iterable[Any]:
    return chain(chain.from_iterable(level), chain.from_iterable(map(_dict_values, dicts)))


def _flags(value: object, kinds: set[type] | None) -> int:
    """Flags of the D frame of a value whose frame is M; `kinds` where they are known already."""
    kinds = kinds or _exact_kinds(value)
    if kinds is None:  # a thread of the candidate has changed the value meanwhile
        return DOUBTFUL
    if kinds <= _PLAIN:
        return PLAIN  # marshal 2 is injective on these: no two of them share their bytes
    return DOUBTFUL if kinds & _INEXACT and _doubtful(value) else 0


def _doubtful(root: object) -> bool:
    """Whether a value, its decoded copy rather, might not equal another copy of itself."""
    pending: list[object] = [root]
    numpy = sys.modules.get("numpy")
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind in _SELF_EQUAL:
            continue
        if kind in _INEXACT:
            if ne(value, value):
                return True
        elif kind is Decimal:
            if _is_nan(value):
                return True
        elif kind in _PARTS:
            parts = list(_PARTS[kind][1](value))
            kinds = set(map(type, parts))
            if kinds <= _SCALARS:
                if kinds & _INEXACT and any(map(ne, parts, parts)):
                    return True
            else:
                pending += parts
        elif numpy is None or not isinstance(value, numpy.generic) or ne(value, value):
            return True
    return False


def _is_nan(value: Any) -> bool:
    return value.is_nan()  # a signalling one raises when it is compared


def _type_name(kind: type) -> str:
    """By `type`'s own getter, for a metaclass may lie; an exact str, for it may be another."""
    return str.__getitem__(type.__dict__["__name__"].__get__(kind), slice(MAX_NAME))


def _repr(value: object) -> str:
    try:
        return str.__getitem__(repr(value), slice(MAX_REPR))
    except BaseException:  # SystemExit too: it is the candidate's code that runs here
        return "<repr failed>"


class _Writer:
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
        if kind in _SCALARS:
            return self._scalar(value)
        if kind in _PARTS:
            return self._container(value, kind, depth)
        try:
            if kind in _LEAVES:
                tag, to_fields = _LEAVES[kind]
                self.doubtful |= kind is Decimal and _is_nan(value)
                return self._leaf(tag, *to_fields(value))
            if kind in self.numpy_types and (fields := self._numpy_fields(value, kind)):
                return self._leaf(*fields)
        except (_Refusal, MemoryError, RecursionError):
            raise
        except Exception:  # a Fraction whose slots were meddled with, a time zone of its own
            return self._opaque(value, kind)
        for base in _BASES:
            if issubclass(kind, base):
                return self._subclass(value, kind, base, depth)
        return self._opaque(value, kind)

    def _pack(self, tag: bytes, content: bytes) -> bytes:
        self.nodes_left -= 1
        self.bytes_left -= _NODE.size + len(content)
        if self.nodes_left < 0 or self.bytes_left < 0 or len(content) >= 1 << 32:
            raise _Refusal(TOO_LARGE)
        return _NODE.pack(tag, len(content)) + content

    def _leaf(self, tag: bytes, *fields: Any) -> bytes:
        return self._pack(tag, marshal.dumps(fields, 2))

    def _scalar(self, value: Any) -> bytes:
        self.doubtful |= type(value) in _INEXACT and bool(ne(value, value))
        return self._pack(b"m", marshal.dumps(value, 2))

    def _container(self, value: Any, kind: type, depth: int) -> bytes:
        """`kind` is the type of the value, or the base through which it is read."""
        if depth >= MAX_DEPTH:
            raise _Refusal(TOO_DEEP)
        tag, to_parts = _PARTS[kind]
        parts = list(to_parts(value))
        kinds = set(map(type, parts))
        if type(value) in _CONTAINERS and kinds <= _SCALARS and (frame := _marshalled(value)):
            self.doubtful |= not kinds.isdisjoint(_INEXACT) and any(map(ne, parts, parts))
            return self._pack(b"m", frame[1:])
        self.has_keys |= kind not in (list, tuple, deque)
        if kind is deque:
            parts.insert(0, value.maxlen)
        nodes = b"".join(map(self.node, parts, repeat(depth + 1)))
        self.bytes_left += len(nodes)  # each was charged by itself
        return self._pack(tag, nodes)

    def _subclass(self, value: Any, kind: type, base: type, depth: int) -> bytes:
        if depth >= MAX_DEPTH:
            raise _Refusal(TOO_DEEP)
        self.doubtful = True
        if base in _PARTS:
            held = self._container(value, base, depth + 1)
        else:
            held = self._scalar(_SCALAR_BASES[base](value))
        name = self._scalar(_type_name(kind))
        self.bytes_left += len(name) + len(held)
        return self._pack(b"Z", name + held)

    def _opaque(self, value: object, kind: type) -> bytes:
        self.doubtful = True
        return self._leaf(b"?", _type_name(kind), _repr(value))

    def _numpy_fields(self, value: Any, kind: type) -> tuple[Any, ...] | None:
        """Tag and fields if the meaning of the type is fixed, else None."""
        if kind.__name__ == "str_":
            return b"n", "U", str.__str__(value).encode("utf-8", "surrogatepass")
        if kind.__name__ == "bytes_":  # as an array element it would lose its trailing NULs
            return b"n", "S", _exact_bytes(value)
        dtype = value.dtype
        if not _DTYPE.fullmatch(dtype.str):  # objects, records, long double
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


_PARTS: dict[type, tuple[bytes, Callable[[Any], Iterable[Any]]]] = {
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

_LEAVES: dict[type, tuple[bytes, Callable[[Any], tuple[object, ...]]]] = {
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
"""The others: their tag, and what tells them apart, as builtins. `_FROM_FIELDS` is the way back."""

_SELF_EQUAL = (_SCALARS - _INEXACT) | (_LEAVES.keys() - {Decimal})

_SCALAR_BASES: dict[type, Callable[[Any], object]] = {
    int: int.__pos__,
    float: float.__pos__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: _exact_bytes,
}
_BASES = (*_SCALAR_BASES, list, tuple, set, frozenset, dict)

_DTYPE = re.compile(
    r"\|b1|\|[iu]1|[<>](?:[iu][248]|f[248]|c8|c16)|[<>]U[1-9]\d{0,8}|\|S[1-9]\d{0,8}"
    r"|[<>][mM]8(?:\[[1-9]?\d{0,8}(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?",
    re.ASCII,
)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+|Infinity|s?NaN\d*)", re.ASCII)


# ---- reading -----------------------------------------------------------------------------------


class _Reader:
    """A position in bytes that nobody trusts. No declared length is believed before it is
    checked against the bytes that are there."""

    def __init__(self, frame: bytes, max_items: int) -> None:
        self.frame = frame
        self.position: int = 1
        self.items_left = max_items
        self.key_depth = 0
        """Above zero inside a key of a T frame."""

    def marshalled(self, depth: int) -> object:
        """The value at the position: exactly what `marshal.dumps(v, 2)` writes for the exact
        builtins, and so no reference flag and no other way to write the same value."""
        frame, start = self.frame, self.position
        code = frame[start : start + 1]
        self.position = start + 1
        if code == b"i":
            self.position = start + 5
            return _INT32.unpack_from(frame, start + 1)[0]
        if code == b"u":
            return self._sized().decode("utf-8", "surrogatepass")
        if code in _SINGLETONS:
            return _SINGLETONS[code]
        if code == b"g":
            self.position = start + 9
            return _FLOAT.unpack_from(frame, start + 1)[0]
        if code == b"s":
            return self._sized()
        if code == b"l":
            return self._long()
        if code == b"y":
            self.position = start + 17
            return complex(*_COMPLEX.unpack_from(frame, start + 1))
        if depth >= MAX_DEPTH:
            raise CodecError(TOO_DEEP)
        if code == b"[":
            return self._sequence(depth)
        if code == b"(":
            return tuple(self._sequence(depth))
        if code == b"{":
            return self._dict(depth)
        if code == b"<":
            return _set(set, self._sequence(depth))
        if code == b">":
            return _set(frozenset, self._sequence(depth))
        raise CodecError("unknown type code")

    def _count(self) -> int:
        """A 32-bit length that the remaining bytes can hold, one byte each at least."""
        (count,) = _INT32.unpack_from(self.frame, self.position)
        self.position += 4
        if not 0 <= count <= len(self.frame) - self.position:
            raise CodecError("a length beyond the end")
        return count

    def _sized(self) -> bytes:
        count = self._count()
        self.position += count
        return self.frame[self.position - count : self.position]

    def _spend(self, num_items: int) -> None:
        self.items_left -= num_items
        if self.items_left < 0:
            raise CodecError("too many items")

    def _sequence(self, depth: int) -> list[Any]:
        frame, count = self.frame, self._count()
        self._spend(count)
        start = self.position
        code = frame[start : start + 1]
        if count > 3 and code in _RUNS:
            layout = _RUNS[code]
            stop = start + layout.size * count
            # All of the same fixed size: if each stands where it should, it is what it seems.
            if stop <= len(frame) and frame[start : stop : layout.size] == code * count:
                self.position = stop
                return [number for (number,) in layout.iter_unpack(memoryview(frame)[start:stop])]
        values: list[Any] = []
        position = start
        for _ in range(count):
            code = frame[position : position + 1]
            if code == b"i":  # `marshalled` does these two as well, at thrice the price
                values += _INT32.unpack_from(frame, position + 1)
                position += 5
            elif code == b"u":
                (size,) = _INT32.unpack_from(frame, position + 1)
                position += 5 + size
                if size < 0 or position > len(frame):
                    raise CodecError("a length beyond the end")
                values.append(frame[position - size : position].decode("utf-8", "surrogatepass"))
            else:
                self.position = position
                values.append(self.marshalled(depth + 1))
                position = self.position
        self.position = position
        return values

    def _dict(self, depth: int) -> dict[Any, Any]:
        parts: list[Any] = []
        while self.frame[self.position : self.position + 1] != b"0":
            self._spend(2)
            parts.append(self.marshalled(depth + 1))
            parts.append(self.marshalled(depth + 1))
        self.position += 1
        return _mapping(parts)

    def _long(self) -> int:
        """An int above 32 bits: 15-bit digits, joined pairwise: that takes n log n, not n²."""
        (signed_count,) = _INT32.unpack_from(self.frame, self.position)
        start, count = self.position + 4, abs(signed_count)
        self.position = start + 2 * count
        if count < 3 or self.position > len(self.frame):  # 30 bits always fit into code i
            raise CodecError("an int of impossible length")
        if self.key_depth and count > MAX_KEY_DIGITS:
            raise CodecError("a key too large")
        digits = list(struct.unpack_from(f"<{count}H", self.frame, start))
        if max(digits) >> 15 or not digits[-1]:
            raise CodecError("not the digits of an int")
        width = 15
        while len(digits) > 1:
            if len(digits) % 2:
                digits.append(0)
            pairs = zip(digits[::2], digits[1::2], strict=True)
            digits = [low | high << width for low, high in pairs]
            width *= 2
        number = digits[0] if signed_count > 0 else -digits[0]
        if -(1 << 31) <= number < 1 << 31:
            raise CodecError("a small int in the long form")
        return number

    def node(self, depth: int, end: int) -> object:
        """The node at the position, which may not reach beyond `end`."""
        tag, size = _NODE.unpack_from(self.frame, self.position)
        start = self.position + _NODE.size
        stop = start + size
        if stop > end:
            raise CodecError("a length beyond the end")
        self._spend(1)
        self.position = start
        if tag == b"m":
            value = self.marshalled(depth)
        elif tag in _FROM_FIELDS:
            build, *kinds = _FROM_FIELDS[tag]
            fields: Any = self.marshalled(MAX_DEPTH - 2)  # a tuple, with a tuple in it at most
            if [tuple, *kinds] != [type(fields), *map(type, fields)]:
                raise CodecError("fields of other types than the tag's")
            value = build(*fields)
        elif depth >= MAX_DEPTH:
            raise CodecError(TOO_DEEP)
        else:
            value = self._container(tag, depth, stop)
        if self.position != stop:
            raise CodecError("a node that does not fill its length")
        return value

    def _container(self, tag: bytes, depth: int, stop: int) -> object:
        every_part, every_other = tag in (b"<", b">"), tag in _FROM_MAPPING
        parts: list[Any] = []
        while self.position < stop:
            is_key = every_part or (every_other and len(parts) % 2 == 0)
            self.key_depth += is_key
            parts.append(self.node(depth + 1, stop))
            self.key_depth -= is_key
        if every_other:
            return _FROM_MAPPING[tag](_mapping(parts))
        if every_part:
            return _set(set if tag == b"<" else frozenset, parts)
        if tag == b"[":
            return parts
        if tag == b"(":
            return tuple(parts)
        if tag == b"q" and parts:
            return _deque(*parts)
        if tag == b"Z" and len(parts) == 2 and type(parts[1]) in _EXACT:
            return Subclass(_short(parts[0], MAX_NAME), parts[1])
        raise CodecError("unknown tag")


def _set(kind: Callable[[list[Any]], Any], members: list[Any]) -> Any:
    _refuse_flood(members)
    distinct = kind(members)
    if len(distinct) != len(members):
        raise CodecError("a member twice")
    return distinct


def _mapping(parts: list[Any]) -> dict[Any, Any]:
    """The dict of key, value, key, value …"""
    keys = parts[::2]
    _refuse_flood(keys)
    mapping = dict(zip(keys, parts[1::2], strict=True))
    if len(mapping) != len(keys):
        raise CodecError("a key twice")
    return mapping


def _refuse_flood(keys: list[Any]) -> None:
    if len(keys) > MAX_COLLISIONS and max(Counter(map(hash, keys)).values()) > MAX_COLLISIONS:
        raise CodecError("too many keys of one hash")


def _short(text: object, limit: int) -> str:
    if type(text) is not str or len(text) > limit:
        raise CodecError("not a short text")
    return text


def _digest(frame: bytes) -> Digest:
    if len(frame) != _DIGEST.size or frame[1] not in (0, PLAIN, DOUBTFUL):
        raise CodecError("not a digest")
    _, flags, size, sha256 = _DIGEST.unpack(frame)
    return Digest(size, sha256, plain=flags == PLAIN, nan=flags == DOUBTFUL)


def _opaque(type_name: str, text: str) -> Opaque:
    return Opaque(_short(type_name, MAX_NAME), _short(text, MAX_REPR))


def _deque(maxlen: object, *parts: object) -> deque[object]:
    if maxlen is not None and (type(maxlen) is not int or maxlen < len(parts)):
        raise CodecError("not the length of a deque")
    return deque(parts, maxlen)


def _counter(mapping: dict[Any, Any]) -> Counter[Any]:
    counter: Counter[Any] = Counter()
    _dict_update(counter, mapping)  # Counter's own may add up
    return counter


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise CodecError("not a decimal")
    return Decimal(text)


def _fraction(numerator: int, denominator: int) -> Fraction:
    if max(numerator.bit_length(), denominator.bit_length()) > MAX_FRACTION_BITS:
        raise CodecError("a fraction too long")
    return Fraction(numerator, denominator)


def _zone_of(fields: tuple[Any, ...]) -> timezone | None:
    if not fields:
        return None
    if tuple(map(type, fields)) not in ((int, int, int), (int, int, int, str)):
        raise CodecError("not a fixed offset")
    return timezone(timedelta(*fields[:3]), *fields[3:])


def _datetime(*fields: Any) -> datetime:
    *clock, fold, zone = fields
    return datetime(*clock, tzinfo=_zone_of(zone), fold=fold)


def _time(*fields: Any) -> time:
    *clock, fold, zone = fields
    return time(*clock, tzinfo=_zone_of(zone), fold=fold)


@lru_cache(maxsize=1)
def _numpy() -> ModuleType | None:
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


def _numpy_scalar(dtype_text: str, content: bytes) -> object:
    numpy = _numpy()
    if numpy is None:
        return Opaque(dtype_text[:MAX_NAME], content.hex()[:MAX_REPR])
    if dtype_text == "U":
        return numpy.str_(content.decode("utf-8", "surrogatepass"))
    if dtype_text == "S":
        return numpy.bytes_(content)
    if dtype_text[1:2] in ("U", "S"):
        raise CodecError("not a numpy scalar")
    return _numpy_array(dtype_text, (), content)[()]


def _numpy_array(dtype_text: str, shape: tuple[Any, ...], content: bytes) -> Any:
    numpy = _numpy()
    if numpy is None:
        return Opaque(dtype_text[:MAX_NAME], f"array of shape {shape}"[:MAX_REPR])
    if not _DTYPE.fullmatch(dtype_text):
        raise CodecError("not a data type")
    dtype = numpy.dtype(dtype_text)
    if len(shape) > 64 or not all(type(size) is int and 0 <= size < 1 << 62 for size in shape):
        raise CodecError("not a shape")
    if math.prod(shape) * dtype.itemsize != len(content):
        raise CodecError("bytes that do not fill the shape")
    # numpy believes its bytes: a bool of 2 is neither, a character above Unicode an error later.
    if dtype.kind == "b" and content.translate(None, b"\0\1"):
        raise CodecError("not a bool")
    if dtype.kind == "U" and (numpy.frombuffer(content, dtype_text[0] + "u4") > 0x10FFFF).any():
        raise CodecError("not a character")
    return numpy.ndarray(shape, dtype, content).copy()


_RUNS = {b"i": struct.Struct("<xi"), b"g": struct.Struct("<xd")}
_SINGLETONS: dict[bytes, bool | None] = {b"N": None, b"T": True, b"F": False}

_FROM_MAPPING: dict[bytes, Callable[[dict[Any, Any]], object]] = {
    b"{": dict,
    b"C": _counter,
    b"O": OrderedDict,
    b"d": lambda mapping: defaultdict(None, mapping),
}
_FROM_FIELDS: dict[bytes, tuple[Any, ...]] = {
    b"a": (bytearray, bytes),
    b"r": (range, int, int, int),
    b"D": (_decimal, str),
    b"F": (_fraction, int, int),
    b"t": (_datetime, int, int, int, int, int, int, int, int, tuple),
    b"y": (date, int, int, int),
    b"h": (_time, int, int, int, int, int, tuple),
    b"e": (timedelta, int, int, int),
    b"z": (_zone_of, tuple),
    b"n": (_numpy_scalar, str, bytes),
    b"N": (_numpy_array, str, tuple, bytes),
    b"?": (_opaque, str, str),
}
"""Tag: the constructor, and the exact types of its arguments."""
