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

This file is what others call. codec_writer.py writes what a frame holds, codec_reader.py reads it,
codec_values.py holds what both must agree on. All four also run inside the sandbox: standard
library only, Python 3.10 to 3.13, and no late import of one another, for once a worker has its own
root these files are out of sight.
"""

import hashlib
import marshal
import struct
import sys
from decimal import Decimal
from operator import ne
from typing import Any

from sandboxes.agent.codec_reader import MAX_COLLISIONS, Reader, digest
from sandboxes.agent.codec_values import (
    DIGEST,
    DOUBTFUL,
    FLAT,
    INEXACT,
    MAX_REASON,
    PLAIN,
    SCALARS,
    TOO_DEEP,
    TOO_LARGE,
    CodecError,
    Digest,
    Opaque,
    Subclass,
    Unencodable,
    Value,
)
from sandboxes.agent.codec_writer import (
    LEAVES,
    PARTS,
    Refusal,
    Writer,
    exact_kinds,
    is_nan,
    marshalled,
    type_name,
)

__all__ = [
    "INLINE_LIMIT",
    "MAX_COLLISIONS",
    "MAX_VISITS",
    "CodecError",
    "Digest",
    "Opaque",
    "Subclass",
    "Unencodable",
    "Value",
    "decode",
    "decode_trusted",
    "digest_size",
    "encode",
    "same_bytes_mean_equal",
]

INLINE_LIMIT = 65536
"""Bytes of a frame that cross unasked. Of 124,253 outputs of HumanEval+ 69 are longer."""
MAX_VISITS = 1 << 26
"""Elements that are decoded, unless the caller says otherwise."""

OUT_OF_MEMORY = "out of memory"
BAD_KEYS = "keys that can't be told apart"

_PLAIN_TYPES: frozenset[type] = frozenset({type(None), int, str, bytes, list, tuple})
_SELF_EQUAL = (SCALARS - INEXACT) | (LEAVES.keys() - {Decimal})


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
        is_flat = kind in SCALARS or (kind in FLAT and _holds_scalars(value))
        kinds = None if is_flat else exact_kinds(value)
        frame = marshalled(value) if is_flat or kinds else None
        doubtful = False
        if frame is None:
            writer = Writer(size_limit)
            frame = b"T" + writer.node(value, 0)
            doubtful = writer.doubtful
            if writer.has_keys:
                decode(frame)  # hashable there is not hashable here: a `Subclass` of a list is not
        if len(frame) > size_limit:
            return b"X" + TOO_LARGE.encode()
        if inline_limit is None or len(frame) <= inline_limit:
            return frame
        flags = DOUBTFUL * doubtful if frame[:1] == b"T" else _flags(value, kinds)
        return DIGEST.pack(b"D", flags, len(frame), hashlib.sha256(frame).digest())
    except Refusal as refusal:
        reason = str(refusal)
    except CodecError:
        reason = BAD_KEYS
    except MemoryError:
        reason = OUT_OF_MEMORY
    except RecursionError:
        reason = TOO_DEEP
    except BaseException as error:  # a metaclass may raise anything from a mere hash(type(v))
        reason = "failed: " + type_name(type(error))
    return b"X" + reason.encode("utf-8", "replace")


def decode(frame: bytes, *, max_items: int = MAX_VISITS) -> Value:
    """The value of a frame that anybody may have written.

    Raises:
        CodecError: it is no frame, or holds more than `max_items` elements. Nothing else is
            raised on account of the bytes; time and memory are proportional to their number.
    """
    kind, reader = frame[:1], Reader(frame, max_items)
    try:
        if kind == b"M":
            value = reader.marshalled(0)
        elif kind == b"T":
            value = reader.node(0, len(frame))
        elif kind == b"D":
            value = digest(frame)
            reader.position = len(frame)
        elif kind == b"X" and len(frame) <= 1 + 4 * MAX_REASON:
            value = Unencodable(frame[1:].decode())
            reader.position = len(frame)
        else:
            raise CodecError("unknown kind of frame")
    except CodecError:
        raise
    except MemoryError:
        raise CodecError("a value that takes more memory than there is") from None
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
            return not digest(frame).nan
        return kind in (b"M", b"T") and not _doubtful(decode(frame))
    except CodecError:
        return False


def digest_size(frame: bytes) -> int:
    """Bytes of the full frame that a D frame stands for."""
    return digest(frame).size


def _holds_scalars(flat: Any) -> bool:
    return SCALARS.issuperset(map(type, flat))


def _flags(value: object, kinds: set[type] | None) -> int:
    """Flags of the D frame of a value whose frame is M; `kinds` where they are known already."""
    kinds = kinds or exact_kinds(value)
    if kinds is None:  # a thread of the candidate has changed the value meanwhile
        return DOUBTFUL
    if kinds <= _PLAIN_TYPES:
        return PLAIN  # marshal 2 is injective on these: no two of them share their bytes
    return DOUBTFUL if kinds & INEXACT and _doubtful(value) else 0


def _doubtful(root: object) -> bool:
    """Whether a value, its decoded copy rather, might not equal another copy of itself."""
    pending: list[object] = [root]
    numpy = sys.modules.get("numpy")
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind in _SELF_EQUAL:
            continue
        if kind in INEXACT:
            if ne(value, value):
                return True
        elif kind is Decimal:
            if is_nan(value):
                return True
        elif kind in PARTS:
            parts = list(PARTS[kind][1](value))
            kinds = set(map(type, parts))
            if kinds <= SCALARS:
                if kinds & INEXACT and any(map(ne, parts, parts)):
                    return True
            else:
                pending += parts
        elif numpy is None or not isinstance(value, numpy.generic) or ne(value, value):
            return True
    return False
