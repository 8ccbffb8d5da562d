"""The codec: what goes in comes out, what lies is read through, what is garbage is refused.

`shape` is the yardstick: a nested tuple that tells apart whatever Python's `==` would blur, types,
signs of zero and the order of a dict included, and that counts one NaN as another.
"""

import array
import hashlib
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import time
import types
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandboxes.agent import codec, codec_reader, codec_values, codec_writer
from sandboxes.agent.codec import (
    CodecError,
    Digest,
    Opaque,
    Subclass,
    Unencodable,
    decode,
    decode_trusted,
    encode,
    same_bytes_mean_equal,
)

ROOT = Path(codec.__file__).parents[2]
NAN = float("nan")


def shape(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return kind, "nan" if math.isnan(value) else value.hex()
    if kind is int:
        return kind, hex(value)  # decimal digits end at 4300
    if kind is complex:
        return kind, shape(value.real), shape(value.imag)
    if kind in (list, tuple):
        return kind, *map(shape, value)
    if kind is deque:
        return kind, value.maxlen, *map(shape, value)
    if kind in (set, frozenset):
        return kind, frozenset(Counter(map(shape, value)).items())
    if isinstance(value, dict):
        return kind, *((shape(key), shape(each)) for key, each in value.items())
    if kind in (datetime, clock):
        return kind, value.isoformat(), value.fold, repr(value.tzinfo)
    if kind is Subclass:
        return kind, value.type_name, shape(value.base)
    if kind is np.ndarray:
        return kind, value.dtype.str, value.shape, value.tobytes()
    return kind, repr(value)


# ---- values ------------------------------------------------------------------------------------

exact_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 70), 1 << 70),
    st.integers(0, 15_000).map(lambda bits: 7 * (1 << bits) - 1),
    st.sampled_from([2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**30, 2**45, -(2**60)]),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=())),  # lone surrogates too
    st.binary(),
)
keys = st.recursive(
    exact_scalars,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)


def containers_of(inner: st.SearchStrategy[Any], key: st.SearchStrategy[Any] = keys) -> Any:
    return st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(key, inner, max_size=4),
        st.sets(key, max_size=4),
        st.frozensets(key, max_size=4),
    )


exact_values = st.recursive(exact_scalars, containers_of, max_leaves=15)

zones = st.none() | st.builds(
    lambda minutes, name: timezone(timedelta(minutes=minutes), *name),
    st.integers(-1439, 1439),
    st.lists(st.text(max_size=3), max_size=1),
)
dtypes = st.sampled_from(
    "|b1 |i1 |u1 <i2 >i4 <i8 >u8 <f2 <f4 >f8 <c8 <c16 <U3 >U2 |S4 <M8[s] <m8[ns] <M8[25D]".split()
)
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def _array(dtype: str, dimensions: tuple[int, ...], seed: int) -> Any:
    numbers = np.random.default_rng(seed).integers(0, 100, dimensions)
    return numbers.astype(str).astype(dtype) if dtype[1] in "US" else numbers.astype(dtype)


numpy_scalars = st.one_of(
    st.builds(lambda dtype, seed: _array(dtype, (1,), seed)[0], dtypes, st.integers(0, 99)),
    st.floats().map(np.float64),
    st.floats(width=32).map(np.float32),
    st.text().map(np.str_),
    st.binary().map(np.bytes_),
)
typed_keys = st.one_of(
    st.decimals(allow_nan=False),
    st.fractions(),
    st.dates(),
    st.datetimes(timezones=zones),
    st.times(timezones=zones),
    st.timedeltas(),
    zones.filter(lambda zone: zone is not None),
    st.builds(range, st.integers(), st.integers(), st.integers(1)),
)
typed_scalars = st.one_of(
    typed_keys,
    numpy_scalars,
    st.binary().map(bytearray),
    st.sampled_from([Decimal("NaN"), Decimal("sNaN12"), Decimal("-Infinity"), Decimal("1E+99999")]),
    st.builds(_array, dtypes, shapes, st.integers(0, 99)),
)


def typed_containers_of(inner: st.SearchStrategy[Any]) -> Any:
    pairs = st.dictionaries(keys | typed_keys, inner, max_size=4)
    return st.one_of(
        containers_of(inner, keys | typed_keys),
        pairs.map(OrderedDict),
        pairs.map(lambda mapping: defaultdict(list, mapping)),
        st.lists(keys).map(Counter),
        st.lists(inner, max_size=4).map(deque),
        st.lists(inner, max_size=4).map(lambda parts: deque(parts, len(parts) + 1)),
    )


values = st.recursive(exact_scalars | typed_scalars, typed_containers_of, max_leaves=10)
comparable = st.recursive(  # whose `==` is a bool, and the same for a copy
    st.integers(-3, 3)
    | st.booleans()
    | st.sampled_from([0.0, -0.0, 1.0, 1j, "", "a", b"a", None, Decimal("1.0"), Decimal("1.00")])
    | st.sampled_from([Fraction(2), bytearray(b"a"), range(0), range(3, 3), date.min])
    | st.sampled_from([timedelta(1), UTC, 2**62]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(st.integers(0, 1), inner, max_size=2)
        | st.dictionaries(st.integers(0, 1), inner, max_size=2).map(OrderedDict)
        | st.dictionaries(st.integers(0, 1), inner, max_size=2).map(Counter)
        | st.sets(st.integers(0, 2), max_size=2)
        | st.lists(inner, max_size=2).map(deque)
    ),
    max_leaves=4,
)
thorough = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def whole(value: object) -> bytes:
    return encode(value, inline_limit=None)


@thorough
@given(exact_values)
@example([{}, [], (), set(), frozenset(), "", b"", [[[]]], -0.0, math.inf, NAN])
@example({"b": 1, "a": 2, 3: [True, 1, 1.0]})
@example(["\ud800", "\ud800\udc00", "\U00010000", "\0"])
@example([1, 2, 3, 4, 5] * 20)
@example([0.5, -0.0, NAN, math.inf] * 5)
@example([105, "i", 2**40, 105, 105])  # 105 is the letter i: a run that is none
@example({complex(NAN, 1), complex(NAN, 2), complex(1, NAN)})  # marshal can't sort these
def test_exact_builtins_come_back(value: object) -> None:
    frame = whole(value)
    assert shape(decode(frame)) == shape(value)
    assert frame[:1] in (b"M", b"T")


@thorough
@given(values)
@example(deque([1, 2], maxlen=2))
@example(
    [np.bytes_(b"a\0\0"), np.str_(""), np.datetime64("NaT", "D"), np.float16(0.1), np.bool_(True)]
)
@example({(Decimal(1), 2): {Fraction(1, 3)}, frozenset({Decimal(2)}): bytearray(b"x")})
@example(datetime(2020, 1, 1, fold=1, tzinfo=timezone(timedelta(hours=-3), "\ud800")))
def test_typed_values_come_back(value: object) -> None:
    assert shape(decode(whole(value))) == shape(value)


@thorough
@given(comparable, comparable)
def test_equality_survives(one: object, other: object) -> None:
    assert (decode(whole(one)) == decode(whole(other))) == (one == other)
    assert decode(whole(one)) == one


@thorough
@given(values, values)
def test_same_bytes_mean_equal_is_never_wrongly_true(one: object, other: object) -> None:
    for value in (one, [one], {"k": (one, other)}):
        frame = whole(value)
        if same_bytes_mean_equal(frame):
            assert bool(decode(frame) == decode(frame)), value
        assert same_bytes_mean_equal(encode(value, inline_limit=0)) == same_bytes_mean_equal(frame)


@given(st.recursive(st.integers() | st.text() | st.binary() | st.none(), st.lists))
def test_same_bytes_settle_what_holds_no_float(value: object) -> None:
    assert same_bytes_mean_equal(whole(value))


@pytest.mark.parametrize(
    "value",
    [
        NAN,
        [1.0, NAN],
        {"a": (complex(0, NAN),)},
        {NAN},
        Decimal("NaN"),
        [Decimal("sNaN")],
        np.float32("nan"),
        [np.datetime64("NaT", "s")],
        np.array([1.0]),
        deque([{"k": [NAN]}]),
        object(),
        IntEnum("Colour", "RED").RED,  # type: ignore[attr-defined]
    ],
    ids=repr,
)
def test_same_bytes_prove_nothing(value: object) -> None:
    assert not same_bytes_mean_equal(whole(value))
    assert not same_bytes_mean_equal(encode(value, inline_limit=0))


def test_same_bytes_of_a_reason_or_of_garbage_prove_nothing() -> None:
    for frame in (b"", b"Xtoo large", b"Mg", b"T", b"D", b"?"):
        assert not same_bytes_mean_equal(frame)


@given(st.lists(exact_scalars) | exact_scalars)
def test_equal_values_have_equal_bytes(value: object) -> None:
    copy = decode(whole(value))
    assert whole(copy) == whole(value)


plain_values = st.recursive(
    st.none() | st.integers() | st.text(st.characters(exclude_categories=())) | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


@thorough
@given(plain_values, plain_values)
def test_plain_digests_differ_where_values_do(one: object, other: object) -> None:
    digests = [decode(encode(value, inline_limit=0)) for value in (one, other)]
    assert all(isinstance(digest, Digest) and digest.plain for digest in digests)
    assert (digests[0] == digests[1]) == (one == other)


@pytest.mark.parametrize(
    ("value", "plain", "nan"),
    [
        ([1, "a", (None, b"")], True, False),
        ([1, True], False, False),
        ([1.5], False, False),
        ([1.5, NAN], False, True),
        ({1: 2}, False, False),
        ([Decimal(1)], False, False),
        ([Decimal(1), {1.5: NAN}], False, True),
        ("long", True, False),
        ([object()], False, True),
    ],
    ids=repr,
)
def test_a_long_frame_becomes_its_digest(value: object, plain: bool, nan: bool) -> None:
    frame = whole(value)
    digest = hashlib.sha256(frame).digest()
    assert decode(encode(value, inline_limit=len(frame) - 1)) == Digest(
        len(frame), digest, plain=plain, nan=nan
    )
    assert encode(value, inline_limit=len(frame)) == frame


def test_the_inline_limit_is_64_kib() -> None:
    assert encode("x" * 65530) == whole("x" * 65530)
    assert encode("x" * 65531)[:1] == b"D"


def test_a_frame_over_the_size_limit_is_refused() -> None:
    for value in ("x" * 1000, ["ab"] * 300, [Decimal(1)] * 100, [[Decimal(1), "x" * 1000]]):
        assert decode(encode(value, size_limit=999)) == Unencodable("too large")


# ---- values that lie, raise or do not end ------------------------------------------------------


def fail(*_: object, **__: object) -> NoReturn:
    raise SystemExit("no")


class Furious:
    """Raises from whatever can be asked of it."""

    __class__ = property(fail)  # type: ignore[assignment]
    __repr__ = __hash__ = __len__ = __iter__ = __eq__ = __bool__ = __getattribute__ = fail  # type: ignore[assignment]
    __str__ = __index__ = __float__ = __reduce__ = __array__ = __instancecheck__ = fail  # type: ignore[assignment]


def lying(base: type) -> type:
    """A subclass that answers every question with a lie or an exception."""
    asked = (
        "__repr__ __str__ __len__ __iter__ __eq__ __ne__ __lt__ __bool__ __int__ __index__"
        " __float__ __pos__ __getitem__ __contains__ items keys values copy real imag __format__"
        " __complex__ __bytes__ encode __buffer__ __reduce__ __getattribute__"
    ).split()
    namespace = dict.fromkeys(asked, fail) | {"__hash__": lambda self: 7, "__class__": int}
    return type(f"Lying{base.__name__}", (base,), namespace)


@pytest.mark.parametrize(
    "held",
    [-5, 2**80, 1.5, 1 + 2j, "a\ud800", b"b\0", [1, [2]], (1, 2), {1, 2}, frozenset({3}), {"k": 1}],
    ids=repr,
)
def test_a_subclass_is_read_through_its_base(held: Any) -> None:
    liar = lying(type(held))(held)
    expected = shape(Subclass(f"Lying{type(held).__name__}", held))
    assert shape(decode(whole(liar))) == expected
    assert shape(decode(whole([Decimal(1), liar]))) == (*shape([Decimal(1), None])[:2], expected)


def test_named_tuples_enums_and_numpys_own_subclasses() -> None:
    Point = namedtuple("Point", "x y")
    Colour = IntEnum("Colour", "RED")
    assert decode(whole(Point(1, Decimal(2)))) == Subclass("Point", (1, Decimal(2)))
    assert decode(whole({Colour.RED: 1})) == {Subclass("Colour", 1): 1}  # type: ignore[attr-defined]
    assert type(decode(whole(np.float64(1.5)))) is np.float64
    assert type(decode(whole([np.str_("a"), 1])[:])[0]) is np.str_  # type: ignore[index]
    assert decode(whole(type("Mine", (np.float64,), {})(1.5))) == Subclass("Mine", 1.5)
    assert decode(whole(type("Tally", (Counter,), {})("aab"))) == Subclass(
        "Tally", {"a": 2, "b": 1}
    )


class LyingMeta(type):
    __name__ = property(fail)  # type: ignore[assignment]
    __instancecheck__ = __subclasscheck__ = __repr__ = fail  # type: ignore[assignment]


class LyingStr(str):
    __getitem__ = __len__ = __str__ = encode = fail  # type: ignore[assignment]


def test_a_type_name_is_an_exact_short_str() -> None:
    for kind in (LyingMeta("N" * 300, (), {}), type(LyingStr("N" * 300), (), {})):
        value = decode(whole(kind()))
        assert isinstance(value, Opaque)
        assert type(value.type_name) is str and value.type_name == "N" * 100
    short = decode(whole(type(LyingStr("Short"), (int,), {})(3)))
    assert isinstance(short, Subclass) and type(short.type_name) is str
    assert short == Subclass("Short", 3)


def test_what_does_not_cross_is_opaque() -> None:
    crossing: list[object] = [
        (n for n in ()), fail.__code__, np.datetime64("NaT"), sys, memoryview(b"ab"), array.array("i", [1]), ..., NotImplemented,
        StopIteration, int, len, slice(1), np.array([object()]), np.longdouble(1), np.zeros(1, "i4,f8"),
        np.ma.masked_array([1]), {}.keys(), iter([1]), Path("x"), type("Sub", (Decimal,), {})(1),
        datetime(2020, 1, 1, tzinfo=ZoneInfo("UTC")),
    ]  # fmt: skip
    for value in crossing:
        decoded = decode(whole(value))
        assert type(decoded) is Opaque, value
        assert decoded == Opaque(type(value).__name__, repr(value)[:200])
        within = decode(whole([1, value, {"k": value}]))
        assert within == [1, decoded, {"k": decoded}] or "object at" in decoded.repr


def test_a_hostile_repr_is_cut_or_failed() -> None:
    assert decode(whole(Furious())) == Opaque("Furious", "<repr failed>")
    assert decode(whole([Furious()])) == [Opaque("Furious", "<repr failed>")]
    long = decode(whole(type("Long", (), {"__repr__": lambda self: LyingStr("r" * 10**6)})()))
    assert long == Opaque("Long", "r" * 200)
    assert isinstance(long, Opaque) and type(long.repr) is str


def test_a_meddled_or_long_fraction_is_opaque() -> None:
    long = Fraction(1, 1 << 20_000)  # its repr is beyond 4300 digits
    assert decode(whole(long)) == Opaque("Fraction", "<repr failed>")
    half = Fraction(1, 2)
    half._numerator = "1"  # type: ignore[attr-defined]
    assert isinstance(decode(whole(half)), Opaque)


def test_keys_that_only_their_own_class_tells_apart() -> None:
    class Odd(int):
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            return self is other

    class Hashable(list[int]):
        __hash__ = object.__hash__  # type: ignore[assignment]

    for value in ({Odd(1), Odd(1)}, {Hashable(): 1}):
        assert decode(whole(value)) == Unencodable("keys that can't be told apart")


def test_a_metaclass_that_raises_from_its_hash() -> None:
    class Meta(type):
        __hash__ = fail  # type: ignore[assignment]

    value = Meta("Value", (), {})()
    assert decode(whole(value)) == Unencodable("failed: SystemExit")
    assert decode(whole([value])) == Unencodable("failed: SystemExit")


def nested(depth: int, wrap: Callable[[Any], Any], core: object = 1) -> Any:
    for _ in range(depth):
        core = wrap(core)
    return core


@pytest.mark.parametrize("core", [1, Decimal(1)], ids=["marshal", "typed"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: [inner],
        lambda inner: (inner,),
        lambda inner: {0: inner},
        lambda inner: frozenset([inner]),
    ],
    ids=["list", "tuple", "dict", "frozenset"],
)
def test_depth_ends_at_200(wrap: Callable[[Any], Any], core: object) -> None:
    deepest = nested(200, wrap, core)
    assert shape(decode(whole(deepest))) == shape(deepest)
    assert decode(whole(nested(201, wrap, core))) == Unencodable("cycle or too deep")


def test_cycles_and_abysses_are_refused() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    mapping: dict[str, Any] = {}
    mapping["k"] = [Decimal(1), mapping]
    loop: deque[Any] = deque()
    loop.append(loop)
    abysses = [nested(10**5, lambda inner: [inner], core) for core in (1, Decimal(1))]
    named = nested(300, lambda inner: Nest([inner]))
    for value in (cycle, mapping, loop, *abysses, named):
        assert decode(whole(value)) == Unencodable("cycle or too deep")
    while abysses:  # unwound by hand: a debug build frees 10**5 lists recursively
        abyss = abysses.pop()
        while type(abyss) is list:
            abyss = abyss.pop()


class Nest(list[Any]):
    pass


@pytest.mark.parametrize("core", [1, Decimal(1)], ids=["marshal", "typed"])
def test_a_bomb_of_shared_parts_is_refused(core: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_writer, "MAX_ENCODED_VISITS", 1 << 16)
    monkeypatch.setattr(codec_writer, "MAX_NODES", 1 << 12)
    for wrap in (lambda x: [x, x], lambda x: {1: x, 2: x}, lambda x: (x, [x])):
        assert decode(whole(nested(60, wrap, core))) == Unencodable("too large")
    assert decode(whole([1] * (1 << 17))) == [1] * (1 << 17)  # a flat list is what it is


def test_no_memory_is_a_reason() -> None:
    """In a process with 1 GiB, a value of 4 GB that shares one str."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from sandboxes.agent import codec; part = 'x' * 10**6\n"
        "sys.stdout.write(codec.encode([part] * 4000, size_limit=1 << 40).decode())"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=60)
    assert (ran.stdout, ran.stderr, ran.returncode) == (b"Xout of memory", b"", 0)


def test_it_needs_no_package_nor_its_files_once_imported_and_imports_no_numpy() -> None:
    program = (
        "import sys, decimal; from sandboxes.agent import codec; del sys.path[0]\n"
        "ours = {name for name in sys.modules if name.startswith('sandboxes')}\n"
        "assert codec.decode(codec.encode([1, {decimal.Decimal(1)}])) == [1, {decimal.Decimal(1)}]\n"
        "assert 'numpy' not in sys.modules\n"
        "sys.modules['numpy'] = object()\n"
        "assert codec.encode(...)[:1] == b'T'\n"
        "assert ours == {name for name in sys.modules if name.startswith('sandboxes')}"
    )
    ran = subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, capture_output=True)
    assert (ran.stderr, ran.returncode) == (b"", 0)


def test_without_numpy_its_values_are_opaque(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = whole([np.int8(5), np.zeros((2, 1), "<i4"), np.str_("a")])
    monkeypatch.setattr(codec_reader, "_numpy", lambda: None)
    assert decode(frame) == [
        Opaque("|i1", "05"),
        Opaque("<i4", "array of shape (2, 1)"),
        Opaque("U", "61"),
    ]


# ---- bytes that lie ----------------------------------------------------------------------------

INTERPRETERS = [
    Path(sys.executable),
    *map(
        Path, filter(None, (shutil.which(f"/usr/bin/python3.{minor}") for minor in range(10, 14)))
    ),
    *sorted(Path.home().glob(".pyenv/versions/3.1[0-3].*/bin/python")),
]
"""This one, and what other versions the machine has: a sandbox has a Python of its own."""


def test_a_trusted_frame_takes_the_short_way() -> None:
    value = [1, "a", {"k": (1.5, None)}, {2**70}]
    assert decode_trusted(whole(value)) == value
    assert decode_trusted(whole([Decimal(1), value])) == [Decimal(1), value]
    for frame in (b"M", b"M[\x05\0\0\0", whole(Decimal(1))[:-1]):
        with pytest.raises(CodecError):
            decode_trusted(frame)


def M(content: bytes) -> bytes:
    return b"M" + content


def T(tag: bytes, content: bytes) -> bytes:
    return tag + struct.pack(">I", len(content)) + content


def fields(tag: bytes, *held: object) -> bytes:
    return b"T" + T(tag, whole(held)[1:])


I1, I2 = b"i\1\0\0\0", b"i\2\0\0\0"
N1, N2 = T(b"m", I1), T(b"m", I2)

REFUSED = {
    "empty": b"",
    "unknown kind": b"Z",
    "no value": b"M",
    "two values": M(b"NN"),
    "null": M(b"0"),
    "reference flag": M(b"\xe9\1\0\0\0"),
    "reference": M(b"r\0\0\0\0"),
    "code object": M(b"c"),
    "ellipsis": M(b"."),
    "StopIteration": M(b"S"),
    "int64": M(b"I" + bytes(8)),
    "text float": M(b"f\x031.5"),
    "interned": M(b"t\1\0\0\0a"),
    "short ascii": M(b"z\1a"),
    "small tuple": M(b")\1N"),
    "torn int": M(b"i\1\0\0"),
    "torn float": M(b"g\0\0"),
    "torn complex": M(b"y" + bytes(15)),
    "torn str": M(b"u\5\0\0\0abcd"),
    "torn str in a list": M(b"[\2\0\0\0Nu\5\0\0\0abcd"),
    "negative length": M(b"u\xff\xff\xff\xff"),
    "negative length in a list": M(b"[\2\0\0\0Nu\xff\xff\xff\xff"),
    "overlong utf-8": M(b"u\2\0\0\0\xc0\x80"),
    "list of 2**31 - 1": M(b"[\xff\xff\xff\x7f"),
    "list of -1": M(b"[\xff\xff\xff\xff"),
    "unending dict": M(b"{NN"),
    "dict without a value": M(b"{N0"),
    "unhashable key": M(b"{[\0\0\0\0N0"),
    "unhashable member": M(b"<\1\0\0\0[\0\0\0\0"),
    "key twice": M(b"{NNNN0"),
    "equal keys": M(b"{TN" + I1 + b"N0"),
    "member twice": M(b"<\2\0\0\0NN"),
    "long zero": M(b"l\0\0\0\0"),
    "long of 2**31": M(b"l\0\0\0\x80"),
    "long of 2**31 - 1": M(b"l\xff\xff\xff\x7f"),
    "long with a leading zero": M(b"l\4\0\0\0" + b"\1\0" * 3 + b"\0\0"),
    "long with a digit of 16 bits": M(b"l\3\0\0\0" + b"\xff\xff" * 3),
    "small long": M(b"l\3\0\0\0" + b"\1\0" * 3),
    "smallest int as a long": M(b"l\xfd\xff\xff\xff\0\0\0\0\2\0"),
    "depth 201": M(b"[\1\0\0\0" * 201 + b"N"),
    "depth 10**5": M(b"[\1\0\0\0" * 10**5 + b"N"),
    "depth in dicts": M(b"{N" * 10**5),
    "node beyond the end": b"T[\0\0\0\5abcd",
    "node of 4 GiB": b"T[\xff\xff\xff\xff",
    "node too short": b"T" + T(b"m", I1 + b"N"),
    "node beyond its parent": b"T" + T(b"[", b"m\0\0\0\6" + I1) + b"N",
    "value beyond its node": b"T" + T(b"[", T(b"m", b"u\4\0\0\0") + b"abcd"),
    "bytes after the node": b"T" + N1 + b"N",
    "unknown tag": b"T" + T(b"@", b""),
    "typed unhashable key": b"T" + T(b"{", T(b"[", b"") + N1),
    "typed key twice": b"T" + T(b"{", N1 + N2 + N1 + N2),
    "typed key without a value": b"T" + T(b"O", N1),
    "typed member twice": b"T" + T(b"<", N1 + N1),
    "opaque twice": b"T" + T(b">", fields(b"?", "a", "b")[1:] * 2),
    "typed depth": b"T" + nested(201, lambda inner: T(b"[", inner), b""),
    "typed depth in fields": fields(b"r", *nested(100, lambda inner: (inner,), (1,))),
    "deque without maxlen": b"T" + T(b"q", b""),
    "deque too full": b"T" + T(b"q", N1 + N1 + N2),
    "deque of maxlen -1": b"T" + T(b"q", T(b"m", b"i\xff\xff\xff\xff")),
    "subclass of a decimal": b"T" + T(b"Z", T(b"m", b"u\1\0\0\0a") + fields(b"D", "1")[1:]),
    "subclass without a base": b"T" + T(b"Z", T(b"m", b"u\1\0\0\0a")),
    "subclass without a name": b"T" + T(b"Z", N1 + N2),
    "long type name": fields(b"?", "a" * 101, ""),
    "long repr": fields(b"?", "a", "b" * 201),
    "range of step 0": fields(b"r", 1, 2, 0),
    "range of bools": fields(b"r", True, 2, 1),
    "range of two": fields(b"r", 1, 2),
    "fields not a tuple": b"T" + T(b"r", whole([1, 2, 3])[1:]),
    "fraction over 0": fields(b"F", 1, 0),
    "long fraction": fields(b"F", 1, 1 << 20_000),
    "decimal of text": fields(b"D", "one"),
    "decimal with spaces": fields(b"D", " 1_0 "),
    "decimal of Arabic digits": fields(b"D", "١"),
    "decimal beyond exponents": fields(b"D", "1E+9999999999999999999999"),
    "month 13": fields(b"y", 2020, 13, 1),
    "year 2**70": fields(b"y", 2**70, 1, 1),
    "fold 2": fields(b"h", 1, 1, 1, 1, 2, ()),
    "zone of text": fields(b"h", 1, 1, 1, 1, 0, ("UTC",)),
    "zone of two days": fields(b"z", (2, 0, 0)),
    "no zone": b"T" + T(b"z", b"N"),
    "endless timedelta": fields(b"e", 10**12, 0, 0),
    "object array": fields(b"N", "|O", (1,), bytes(8)),
    "array of records": fields(b"N", "i4,i4", (1,), bytes(8)),
    "array of nothing": fields(b"N", "<U0", (10**9,), b""),
    "array too short": fields(b"N", "<i4", (3,), bytes(8)),
    "array of -1": fields(b"N", "<i4", (-1, -2), bytes(8)),
    "array of floats": fields(b"N", "<i4", (2.0,), bytes(8)),
    "array of 2**61 rows": fields(b"N", "<i4", (2**61, 0), b""),
    "array of 65 axes": fields(b"N", "<i4", (1,) * 65, bytes(4)),
    "bool of 2": fields(b"n", "|b1", b"\2"),
    "character beyond Unicode": fields(b"N", "<U1", (1,), b"\xff" * 4),
    "numpy text as bytes": fields(b"n", "<U1", bytes(4)),
    "scalar too long": fields(b"n", "<i4", bytes(8)),
    "foreign dtype": fields(b"n", "datetime64[s]", bytes(8)),
    "short digest": b"D" + bytes(40),
    "digest with unknown flags": b"D\4" + bytes(40),
    "plain digest with a NaN": b"D\3" + bytes(40),
    "reason not in UTF-8": b"X\xff",
    "endless reason": b"X" + b"a" * 10**4,
}


@pytest.mark.parametrize("frame", REFUSED.values(), ids=REFUSED.keys())
def test_refused(frame: bytes) -> None:
    before = time.process_time()
    with pytest.raises(CodecError):
        decode(frame)
    assert time.process_time() - before < 1


def test_too_many_items() -> None:
    for value in ([0] * 100, ["a"] * 100, {n: n for n in range(50)}, [Decimal(1)] * 99):
        decode(whole(value), max_items=300)
        with pytest.raises(CodecError, match="too many"):
            decode(whole(value), max_items=99)


def test_keys_made_to_collide() -> None:
    modulus = sys.hash_info.modulus
    for flood in ({n * modulus for n in range(2000)}, {n * modulus: n for n in range(2000)}):
        with pytest.raises(CodecError, match="hash"):
            decode(whole(flood))
    honest = {(x, y, z) for x in range(-9, 9) for y in range(-9, 9) for z in range(-9, 9)}
    assert decode(whole(honest)) == honest


def test_a_long_int_key_beside_a_decimal() -> None:
    value = {Decimal(1), 1 << 20_000}
    assert decode(whole(value)) == Unencodable("keys that can't be told apart")
    assert decode(whole([Decimal(1), {1 << 20_000}])) == [Decimal(1), {1 << 20_000}]
    assert decode(whole({Decimal(1): 1 << 20_000})) == {Decimal(1): 1 << 20_000}
    assert decode(whole({Fraction(1), 1 << 20_000})) == {Fraction(1), 1 << 20_000}


def test_a_large_int_is_not_quadratic() -> None:
    number = -(7**1_500_000)
    frame = whole(number)
    before = time.process_time()
    assert decode(frame) == number
    assert time.process_time() - before < 2


SEEDS = [
    whole(value)
    for value in (
        [1, 2.5, "text", b"bytes", None, True, 2**100, -(2**40), 1j, [], {}],
        {"a": {1, 2, 3}, (1, 2): frozenset({"x"}), "l": [1, 2, 3, 4, 5, 6]},
        [0.5] * 8,
        [Decimal("1.5"), Fraction(1, 3), range(1, 9, 2), bytearray(b"ab"), Counter("aab")],
        [datetime(2020, 1, 2, 3, tzinfo=UTC), date(2020, 1, 1), clock(1, 2), timedelta(1)],
        [OrderedDict(a=1), defaultdict(int, b=2), deque([1], 3), {Decimal(1): {Decimal(2)}}],
        [np.float64(1.5), np.arange(6).reshape(2, 3), np.array(["ab", "c"]), np.datetime64("2020")],
        [np.array([True]), np.str_("ab"), np.zeros((0, 2), "<m8[s]"), Furious(), LyingStr("a")],
    )
] + [encode("x" * 100, inline_limit=9), encode(nested(300, lambda inner: [inner]))]


def survives(frame: bytes) -> bool:
    """Whether the frame decodes; anything but a value or a CodecError fails the test."""
    try:
        value = decode(frame, max_items=10**5)
    except CodecError:
        return False
    shape(value)  # and what came out can be looked at
    return True


@settings(max_examples=3000, deadline=1000)
@given(st.sampled_from([b"M", b"T", b"D", b"X", b""]), st.binary(max_size=200))
def test_random_bytes(kind: bytes, content: bytes) -> None:
    assert survives(kind + content) in (True, False)


def test_truncated_frames_are_refused() -> None:
    for frame in SEEDS:
        assert survives(frame)
        if frame[:1] != b"X":  # a shorter reason is a reason
            assert not any(survives(frame[:stop]) for stop in range(len(frame)))
            assert not survives(frame + b"N")


def mutants(chance: random.Random, num_frames: int) -> Iterator[bytes]:
    letters = b"NTFilgyus([{<>0mCOdqarDFtyhezn?NZ"
    for _ in range(num_frames):
        frame = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(frame))
            match chance.randrange(6):
                case 0:
                    frame[place] = chance.randrange(256)
                case 1:
                    frame[place] = chance.choice(letters)
                case 2:
                    del frame[place : place + chance.randint(1, 8)]
                    frame = frame or bytearray(b"M")
                case 3:
                    other = chance.choice(SEEDS)
                    start = chance.randrange(len(other))
                    frame[place:place] = other[start : start + chance.randint(1, 20)]
                case 4:
                    frame[place : place + 4] = chance.choice([b"\xff\xff\xff\x7f", b"\xff" * 4])
                case _:
                    frame[place] = (frame[place] + chance.choice([-1, 1])) % 256
        yield bytes(frame)


def test_mutated_frames() -> None:
    before = time.process_time()
    outcomes = Counter(map(survives, mutants(random.Random(0), 20_000)))
    assert outcomes[True] > 500 and outcomes[False] > 5000  # both ways are exercised
    assert time.process_time() - before < 60


def test_a_frame_that_decodes_is_the_frame_of_its_value() -> None:
    """No second way to write a value of lists, texts and numbers: so bytes decide."""
    chance, num_checked = random.Random(1), 0
    for frame in mutants(chance, 5000):
        if frame[:1] == b"M" and not set(b"{<>") & set(frame) and survives(frame):
            num_checked += 1
            assert whole(decode(frame)) == frame or same_bytes_mean_equal(frame) is False
    assert num_checked > 50


CROSSING = (
    "[None, True, -5, 2**31, -2**31, 2**100, 1.5, -0.0, float('inf'), 1j, 'a\\ud800', b'\\0',"
    " (), [], {}, {1}, frozenset({'x'}), {'k': [1, 2, 3, 4]}, D('1.50'), F(1, 3),"
    " datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), range(3)]"
)


@pytest.mark.parametrize("python", INTERPRETERS, ids=str)
def test_other_interpreters_write_the_same_bytes(python: Path) -> None:
    program = (
        "from sandboxes.agent import codec; import datetime, sys; from decimal import Decimal as D;"
        f" from fractions import Fraction as F\nvalue = {CROSSING}\nframe = codec.encode(value)\n"
        "assert codec.decode(frame) == value\nsys.stdout.buffer.write(frame)"
    )
    ran = subprocess.run(
        [python, "-c", program],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (ran.stderr, ran.returncode) == (b"", 0)
    import datetime as datetime_module

    names = {"datetime": datetime_module, "D": Decimal, "F": Fraction}
    assert ran.stdout == encode(eval(CROSSING, names))


@pytest.mark.parametrize("file", [codec, codec_values, codec_writer, codec_reader])
def test_no_file_holds_a_module_of_another_library(file: types.ModuleType) -> None:
    modules = [each for each in vars(file).values() if isinstance(each, types.ModuleType)]
    assert {each.__name__.partition(".")[0] for each in modules} <= set(sys.stdlib_module_names)
