"""The reading end of the codec: bytes that nobody trusts, taken apart on our side.

M, T and D frames are parsed here and nowhere else, marshal's format by a reader of our own. No
length is believed before the bytes are seen to be there; what is called are the constructors of
the types that cross, on arguments of checked types, and the `hash` and `==` of what they made.

Not here: the X frame, which is a text; bytes left over, which `codec.decode` refuses; one kind of
error. A constructor raises what it likes of month 13 or an unhashable key, and `codec.decode` makes
a `CodecError` of it.
"""

import importlib
import math
import re
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import ModuleType
from typing import Any

from sandboxes.agent.codec_values import (
    DIGEST,
    DOUBTFUL,
    DTYPE,
    EXACT,
    MAX_DEPTH,
    MAX_FRACTION_BITS,
    MAX_NAME,
    MAX_REPR,
    NODE,
    PLAIN,
    TOO_DEEP,
    CodecError,
    Digest,
    Opaque,
    Subclass,
)

MAX_COLLISIONS = 1024
"""Keys of one set or dict with one hash. Lookups among them are quadratic, and whoever picks the
ints picks their hashes. Not lower: hash(-1) == hash(-2), so honest grids of tuples collide too.
(Keys that differ in hash but share a probe sequence get through; the size of a frame bounds them.)
"""
MAX_KEY_DIGITS = 1100
"""15-bit digits of an int among keys with a Decimal. Made to share its hash, it is compared with it,
in quadratic time."""

_INT32 = struct.Struct("<i")
_FLOAT = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")
_RUNS = {b"i": struct.Struct("<xi"), b"g": struct.Struct("<xd")}
_SINGLETONS: dict[bytes, bool | None] = {b"N": None, b"T": True, b"F": False}
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+|Infinity|s?NaN\d*)", re.ASCII)

_dict_update = dict[Any, Any].update


class Reader:
    """A position in bytes that nobody trusts. No declared length is believed before it is
    checked against the bytes that are there."""

    def __init__(self, frame: bytes, max_items: int) -> None:
        self.frame = frame
        self.position: int = 1
        self.items_left = max_items
        self.key_depth = 0
        """Above zero inside a key of a T frame."""
        self.has_decimal_key = self.has_long_key = False

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
        self.has_long_key |= self.key_depth > 0 and count > MAX_KEY_DIGITS
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
        tag, size = NODE.unpack_from(self.frame, self.position)
        start = self.position + NODE.size
        stop = start + size
        if stop > end:
            raise CodecError("a length beyond the end")
        self._spend(1)
        self.position = start
        if tag == b"m":
            value = self.marshalled(depth)
        elif tag in _FROM_FIELDS:
            self.has_decimal_key |= self.key_depth > 0 and tag == b"D"
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
        if self.has_decimal_key and self.has_long_key:
            raise CodecError("keys too dear to compare")
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
        if tag == b"Z" and len(parts) == 2 and type(parts[1]) in EXACT:
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


def digest(frame: bytes) -> Digest:
    if len(frame) != DIGEST.size or frame[1] not in (0, PLAIN, DOUBTFUL):
        raise CodecError("not a digest")
    _, flags, size, sha256 = DIGEST.unpack(frame)
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
    if not DTYPE.fullmatch(dtype_text):
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
