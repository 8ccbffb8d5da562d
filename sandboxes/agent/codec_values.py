"""What the two ends of the codec agree on: the values that stand for what did not cross as itself,
the limits that hold on both sides, the builtin types by kind, the layout of nodes and D frames.

Neither end is here, nor are the tags: codec_writer.py and codec_reader.py each hold their half of
them, and the tests that these match. Others import codec.py, which passes the values on.
"""

import re
import struct
from dataclasses import dataclass
from typing import TypeAlias

MAX_DEPTH = 200
"""Containers inside containers. The same on both sides, so no recursion here goes deeper."""
MAX_FRACTION_BITS = 1 << 14
"""Of numerator and denominator: `Fraction` takes their gcd, in quadratic time."""
MAX_NAME, MAX_REPR, MAX_REASON = 100, 200, 200

TOO_DEEP = "cycle or too deep"
TOO_LARGE = "too large"

PLAIN, DOUBTFUL = 1, 2
"""The flags of a D frame: `Digest.plain` and `Digest.nan`."""

NODE = struct.Struct(">cI")
"""Tag and length."""
DIGEST = struct.Struct(">cBQ32s")
"""A whole D frame."""

SCALARS: frozenset[type] = frozenset({type(None), bool, int, float, complex, str, bytes})
FLAT: frozenset[type] = frozenset({list, tuple, set, frozenset})
CONTAINERS = FLAT | {dict}
EXACT = SCALARS | CONTAINERS
INEXACT: frozenset[type] = frozenset({float, complex})

DTYPE = re.compile(
    r"\|b1|\|[iu]1|[<>](?:[iu][248]|f[248]|c8|c16)|[<>]U[1-9]\d{0,8}|\|S[1-9]\d{0,8}"
    # Of no unit there is but one date, NaT, and the others raise when they are shown.
    r"|[<>](?:m8|[mM]8\[[1-9]?\d{0,8}(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])",
    re.ASCII,
)
"""The numpy types that cross: their meaning is fixed, and no element is an object or a record."""


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
"""What decodes: the types of M and T frames (codec.py), or one of these four."""
