"""Compare the answers of a program with the expected ones, outside of its reach.

`SuiteJudge` follows one program through one suite, answer by answer, and says `enough` at the
first that is wrong. Almost all answers are settled by comparing bytes; the rest are decoded by
the strict reader of the codec and compared by the profile's rules, which for `evalplus` are
those of EvalPlus 0.3.1 (`evalplus/eval/__init__.py: unsafe_execute`), rule by rule:

    1  exact: `out == expected`, as Python compares values of builtin types and numpy arrays
    2  by entry point: alternative oracles, set equality, "is not None"
    3  a tolerance of 1e-6 from the first expected float on, for all later inputs (sticky)
    4  if not exact and there is a tolerance: same type, same length, numpy.allclose

Not here: which program runs when (judge.py), where expected values come from (truth.py).
"""

import hashlib
import math
import reprlib
import warnings
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from harness.grading.profiles import Profile
from harness.grading.truth import NOT_NONE_ENTRY_POINTS, SET_ENTRY_POINTS, SuiteTruth
from harness.records import Failure, Problem, Status, Value
from sandboxes.agent import codec
from sandboxes.protocol import Reply, Returned

FLOAT_ATOL = 1e-6
_SHOWN_BYTES = 1 << 20
"""What is longer is not decoded again only to be cut to a line."""
_MAX_REPEATED = 1_000_000
"""Members that a right answer may have and the expected one has not: repeats, where sets are compared."""
_RTOL = 1e-7
"""numpy.testing's default, which EvalPlus sets explicitly."""


class Unequal(Exception):
    """The answer is wrong, or can't be compared, which is the same."""


class SuiteJudge:
    """One program on one suite: counts what passed, keeps the first failure.

    It is stopped there, unless `to_the_end`: then all tests are counted, and the status is still
    that of the first failure.
    """

    def __init__(
        self, profile: Profile, problem: Problem, truth: SuiteTruth, *, to_the_end: bool = False
    ) -> None:
        self._profile = profile
        self._problem = problem
        self._truth = truth
        self._rule = special_rule(problem)
        self._to_the_end = to_the_end
        self._num_failed = 0
        self.num_passed = 0
        self.failed: Status | None = None
        self.failure: Failure | None = None

    def see(self, chunk: Sequence[Returned]) -> Reply:
        """Judge the next answers, in order; the reply to the sandbox."""
        truth = self._truth
        for answer in chunk:
            index = answer.index
            if index >= len(truth.frames):
                self._fail(answer, Status.FORBIDDEN, "more answers than inputs")
                return Reply.ENOUGH
            if answer.exception:
                if self._fail(answer, Status.EXCEPTION, answer.exception) == Reply.ENOUGH:
                    return Reply.ENOUGH
                continue
            if self._rule is None and truth.settles[index] and answer.frame == truth.frames[index]:
                self.num_passed += 1
                continue
            try:
                if not self._accepts(index, answer.frame):
                    return Reply.FULL
            except Unequal:
                got = describe(answer.frame)
                if self._fail(answer, Status.WRONG_ANSWER, got) == Reply.ENOUGH:
                    return Reply.ENOUGH
                continue
            self.num_passed += 1
        return Reply.GO_ON

    @property
    def num_run(self) -> int:
        return self.num_passed + self._num_failed

    def _fail(self, answer: Returned, status: Status, got: str) -> Reply:
        reply = Reply.GO_ON if self._to_the_end else Reply.ENOUGH
        self._num_failed += 1
        if self.failed is not None:
            return reply
        self.failed = status
        if answer.index < len(self._truth.frames):
            self.failure = Failure(
                test=answer.index,
                input=short_repr(self._inputs(answer.index)),
                expected=describe(self._truth.whole(answer.index)),
                got=got[:500].encode("utf-8", "backslashreplace").decode(),
            )
        return reply

    def _inputs(self, index: int) -> tuple[Value, ...]:
        return self._problem.suite(self._truth.name).inputs[index]

    def _accepts(self, index: int, frame: bytes) -> bool:
        """True: right. False: the whole value is needed. Raises Unequal."""
        expected_frame = self._truth.whole(index)
        try:
            out = codec.decode(frame, max_items=self._max_items(expected_frame))
        except codec.CodecError as error:
            raise Unequal(str(error)) from None
        if isinstance(out, codec.Unencodable):
            raise Unequal(out.reason)
        if isinstance(out, codec.Digest):
            return self._accepts_digest(out, index)
        expected = codec.decode(expected_frame)
        if isinstance(expected, codec.Digest):
            # Plain, and no rule nor tolerance has a say, or it were kept in full (truth.py).
            if self._profile.comparison != "strict":
                frame = codec.encode(as_plain(unwrap(out)), inline_limit=None)
            if hashlib.sha256(frame).digest() != expected.sha256:
                raise Unequal
            return True
        self._compare(index, out, expected)
        return True

    def _max_items(self, expected_frame: bytes) -> int:
        """More elements than this can't be right, so they are not read: we would pay for it.

        Each takes a byte at least. Under a special rule a right answer may repeat itself.
        """
        size = _size_of(expected_frame)
        bound = 1000 + 4 * size if self._rule is None else _MAX_REPEATED + 64 * size
        return min(codec.MAX_VISITS, bound)

    def _accepts_digest(self, out: codec.Digest, index: int) -> bool:
        expected = codec.decode(self._truth.frames[index])
        same = isinstance(expected, codec.Digest) and out.sha256 == expected.sha256
        if same and self._rule is None:
            return not out.nan
        whole = codec.decode(self._truth.whole(index))
        if isinstance(whole, codec.Digest) and out.plain and whole.plain:
            raise Unequal
        # Equal values differ in the size of their bytes, but not so much: what is larger by far is
        # wrong, and to have it sent would cost us its memory several times over.
        if out.size > _MAX_REPEATED * 8 + 16 * _size_of(self._truth.whole(index)):
            raise Unequal(f"a value of {out.size:,} bytes")
        return False

    def _compare(self, index: int, out: Value, expected: Value) -> None:
        if self._profile.comparison == "strict":
            atol = self._problem.atol or FLOAT_ATOL
            right = self._special(index, out, expected, atol)
            if right is None:
                right = strictly_equal(out, expected, atol)
            if not right:
                raise Unequal
            return
        if self._profile.comparison == "livecodebench":
            value = unwrap(out)
            if isinstance(value, tuple):  # their words: don't penalize a tuple for a list
                value = list(cast(tuple[Value, ...], value))
            if not loosely_equal(value, unwrap(expected)):
                raise Unequal
            return
        atol = self._problem.atol
        if not atol and self._truth.first_float < index:
            atol = FLOAT_ATOL
        right = self._special(index, out, expected, atol)
        if self._rule is find_zero:  # the peer's `continue`: no second chance by tolerance
            if not right:
                raise Unequal
            return
        if right is None:
            right = loosely_equal(unwrap(out), unwrap(expected))
        if not atol and self._truth.first_float == index:
            atol = FLOAT_ATOL
        if not right and not (atol and within_tolerance(out, expected, atol)):
            raise Unequal

    def _special(self, index: int, out: Value, expected: Value, atol: float) -> bool | None:
        """Rule 2. None: it has no say. Raises Unequal where it can't be applied."""
        if self._rule is None:
            return None
        # These two ask so little that they can be asked of an object that does not cross.
        if self._rule not in (not_none, any_value):
            out, expected = unwrap(out), unwrap(expected)
        try:
            return self._rule(out, expected, self._inputs(index), atol)
        except Exception as error:  # noqa: BLE001 — of the wrong shape: there too it ends in a failure
            raise Unequal(str(error)) from None


# --- comparing values ----------------------------------------------------------------------


def unwrap(value: Value) -> Value:
    """Subclasses of builtins become what their builtin base holds.

    Raises:
        Unequal: there is something inside that does not cross the border (a candidate's own
            object, a generator): it equals nothing.
    """
    if isinstance(value, codec.Subclass):
        return unwrap(value.base)
    if isinstance(value, codec.Opaque | codec.Unencodable | codec.Digest):
        raise Unequal(repr(value))
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        members = [unwrap(member) for member in cast(Sequence[Value], value)]
        if kind in (set, frozenset):
            refuse_flood(members)
        return cast(Callable[[Sequence[Value]], Value], kind)(members)
    if isinstance(value, deque):
        members = cast(deque[Value], value)
        return deque(map(unwrap, members), members.maxlen)
    if isinstance(value, dict):
        pairs = cast(dict[Value, Value], value)
        keys = [unwrap(key) for key in pairs]
        refuse_flood(keys)
        bare = pairs.copy()  # of its own kind: an OrderedDict compares by other rules
        bare.clear()
        bare.update(dict(zip(keys, map(unwrap, pairs.values()), strict=True)))
        return bare
    return value


def refuse_flood(members: Sequence[Value]) -> None:
    """Raises Unequal: so many share a hash that a set of them would take all night.

    The codec looks at the sets that it reads, but not at lists, nor inside of a `Subclass`.
    """
    if len(members) > codec.MAX_COLLISIONS:
        hashes = {codec.encode(member): hash(member) for member in members}
        if max(Counter(hashes.values()).values()) > codec.MAX_COLLISIONS:
            raise Unequal("too many members of one hash")


def loosely_equal(out: Value, expected: Value) -> bool:
    """Python's `==`.

    Raises:
        Unequal: it raises, as for arrays, whose truth is ambiguous. No tolerance mends that.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(out == expected)
    except Exception as error:  # noqa: BLE001 — whatever it is, the peer counts it as a failure
        raise Unequal(str(error)) from None


def _size_of(frame: bytes) -> int:
    """Bytes of the value of a frame, which may be a digest."""
    return codec.digest_size(frame) if frame[:1] == b"D" else len(frame)


def _num_cells(value: Value) -> int:
    """How many numbers numpy would make of it: ranges are expanded, strings are as wide as long."""
    if isinstance(value, range | str | bytes):
        return len(value)
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, list | tuple):
        return sum(map(_num_cells, cast(Sequence[Value], value)))
    return 1


def within_tolerance(out: Value, expected: Value, atol: float) -> bool:
    """Rule 4: same type (a subclass is another type), same length, numpy.allclose."""
    if type(out) is not type(expected) or isinstance(out, codec.Subclass):
        return False
    value, known = unwrap(out), unwrap(expected)
    cells: tuple[int, int] = _num_cells(value), _num_cells(known)
    if cells[0] > _MAX_REPEATED + 16 * cells[1]:
        return False  # no shape of so many can fit, and to find that out would take memory
    if isinstance(known, list | tuple) and len(cast(Sequence[Value], value)) != len(
        cast(Sequence[Value], known)
    ):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(np.allclose(value, known, rtol=_RTOL, atol=atol))  # pyright: ignore[reportArgumentType, reportCallIssue]
    except Exception:  # noqa: BLE001 — not numbers, ragged, too large: the peer's assert fails on these too
        return False


def strictly_equal(out: Value, expected: Value, atol: float) -> bool:
    """Equal types at every depth; floats within `atol` (rtol 1e-7), NaN equal to NaN.

    Members of sets and keys of dicts are equal or not: no tolerance there, and no NaN.

    Raises:
        Unequal: see `loosely_equal`.
    """
    if type(out) is not type(expected) or isinstance(
        out, codec.Opaque | codec.Subclass | codec.Unencodable
    ):
        return False
    if isinstance(out, float) and isinstance(expected, float):
        return (
            out == expected
            or (math.isnan(out) and math.isnan(expected))
            or (math.isfinite(expected) and abs(out - expected) <= atol + _RTOL * abs(expected))
        )
    if isinstance(out, complex) and isinstance(expected, complex):
        return strictly_equal(out.real, expected.real, atol) and strictly_equal(
            out.imag, expected.imag, atol
        )
    if isinstance(out, list | tuple | deque):
        ours, theirs = cast(Sequence[Value], out), cast(Sequence[Value], expected)
        return len(ours) == len(theirs) and all(
            strictly_equal(one, other, atol) for one, other in zip(ours, theirs, strict=True)
        )
    if isinstance(out, dict):
        mine, other_one = cast(dict[Value, Value], out), cast(dict[Value, Value], expected)
        return (
            len(mine) == len(other_one)
            and set(map(typed, mine)) == set(map(typed, other_one))
            and (not isinstance(mine, OrderedDict) or list(mine) == list(other_one))
            and all(strictly_equal(mine[key], other_one[key], atol) for key in mine)
        )
    if isinstance(out, set | frozenset):
        members, known = cast(set[Value], out), cast(set[Value], expected)
        return set(map(typed, members)) == set(map(typed, known))
    if isinstance(out, np.ndarray | np.inexact):
        arrays = cast(tuple[NDArray[np.generic], NDArray[np.generic]], (out, expected))
        return _strictly_equal_arrays(*arrays, atol)
    return loosely_equal(cast(Value, out), expected)


def _strictly_equal_arrays(
    out: NDArray[np.generic], expected: NDArray[np.generic], atol: float
) -> bool:
    if out.dtype != expected.dtype or out.shape != expected.shape:
        return False
    if np.issubdtype(out.dtype, np.inexact):
        inexact = cast(tuple[NDArray[np.inexact], NDArray[np.inexact]], (out, expected))
        return bool(np.allclose(*inexact, rtol=_RTOL, atol=atol, equal_nan=True))
    return bool(np.array_equal(out, expected))


def typed(value: Value) -> object:
    """A member of a set or a key with its types, as `1 == True` and `(1,) == (1.0,)`."""
    if isinstance(value, codec.Opaque | codec.Subclass):
        return object()  # equals nothing
    if isinstance(value, tuple | frozenset):
        members = map(typed, cast(Sequence[Value], value))
        return tuple(members) if isinstance(value, tuple) else frozenset(members)
    return type(value), value


def as_plain(value: Value) -> Value:
    """Booleans and integral floats as the integers that they equal, at every depth.

    A plain expected value (integers, strings, lists, tuples …) that is kept as a digest
    equals `value` exactly when the two canonical forms have the same bytes.
    """
    if isinstance(value, np.generic):
        value = cast(Value, value.item())
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, complex) and value.imag == 0 and value.real.is_integer():
        return int(value.real)
    if isinstance(value, list):
        return [as_plain(member) for member in cast(list[Value], value)]
    if isinstance(value, tuple):
        return tuple(as_plain(member) for member in cast(tuple[Value, ...], value))
    return value


# --- special oracles (rule 2) --------------------------------------------------------------

SpecialRule = Callable[[Value, Value, Sequence[Value], float], bool | None]
"""(out, expected, inputs, atol) -> right, or None: the rule has no say and `==` decides."""


def find_zero(out: Value, expected: Value, inputs: Sequence[Value], atol: float) -> bool:
    """HumanEval/32: any root of the polynomial will do."""
    (coefficients,) = inputs
    powers = enumerate(cast(Sequence[float], coefficients))
    return abs(sum(c * math.pow(cast(float, out), power) for power, c in powers)) <= atol


def any_value(out: Value, expected: Value, inputs: Sequence[Value], atol: float) -> bool:
    """Mbpp/164: the publisher's tests were wrong, so everything passes that has a `==`."""
    return loosely_equal(out, expected) or True


def or_zero(out: Value, expected: Value, inputs: Sequence[Value], atol: float) -> bool | None:
    """Mbpp/295: 0 is accepted besides the expected sum."""
    return True if loosely_equal(out, 0) else None


def or_vertical_height(
    out: Value, expected: Value, inputs: Sequence[Value], atol: float
) -> bool | None:
    """Mbpp/581: "height" may mean the pyramid's own height instead of its slant height."""
    if loosely_equal(out, expected):
        return True
    base, height = cast(tuple[float, float], tuple(inputs))
    slant = math.sqrt((base / 2) ** 2 + height**2)
    surface = round(base**2 + 4 * (base * slant) / 2)
    return bool(abs(cast(float, out) - surface) <= atol)


def or_padded_digits(
    out: Value, expected: Value, inputs: Sequence[Value], atol: float
) -> bool | None:
    """Mbpp/558: the shorter number may be padded with zeros."""
    if loosely_equal(out, expected):
        return True
    one, other = (str(number) for number in inputs)
    width = max(len(one), len(other))
    digits = zip(one.zfill(width), other.zfill(width), strict=True)
    return loosely_equal(out, sum(abs(int(a) - int(b)) for a, b in digits))


def equal_as_sets(out: Value, expected: Value, inputs: Sequence[Value], atol: float) -> bool:
    """Mbpp/2, 7, 111, 140, 232, 249, 579, 769: the order and repeats are not asked for."""
    _ = out == expected  # the peer asks this first, and fails where it raises
    if isinstance(out, range | str | bytes) and len(out) > _MAX_REPEATED:
        raise Unequal("too many members")
    members = list(cast(Sequence[Value], out))
    refuse_flood(members)
    return set(members) == set(cast(Sequence[Value], expected))


def not_none(out: Value, expected: Value, inputs: Sequence[Value], atol: float) -> bool:
    """Mbpp/737, 787, 794: a match object or None; the truth is whether it is not None."""
    return bool(out == expected) if isinstance(out, bool) else expected == (out is not None)


_MBPP_RULES: dict[str, SpecialRule] = {
    "are_equivalent": any_value,
    "sum_div": or_zero,
    "surface_Area": or_vertical_height,
    "digit_distance_nums": or_padded_digits,
    **dict.fromkeys(SET_ENTRY_POINTS, equal_as_sets),
    **dict.fromkeys(NOT_NONE_ENTRY_POINTS, not_none),
}


def special_rule(problem: Problem) -> SpecialRule | None:
    """The rule of a problem's entry point, in the family that it was written for."""
    if problem.family == "mbpp":
        return _MBPP_RULES.get(problem.entry_point)
    if problem.family == "humaneval" and problem.entry_point == "find_zero":
        return find_zero
    return None


# --- for people ----------------------------------------------------------------------------


class _Shortener(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        """Long integers by their size: their digits take quadratic time, and Python refuses."""
        return f"<int of {x.bit_length()} bits>" if x.bit_length() > 1024 else repr(x)


def short_repr(value: Value, limit: int = 400) -> str:
    """A value as a Python literal, cut in the middle of what is long."""
    shortener = _Shortener()
    shortener.maxlevel, shortener.maxstring, shortener.maxother = 8, 200, 200
    shortener.maxlist = shortener.maxtuple = shortener.maxdict = shortener.maxset = 30
    return shortener.repr(value)[:limit]


def describe(frame: bytes) -> str:
    """A codec frame for people."""
    if not frame:
        return ""
    if len(frame) > _SHOWN_BYTES:
        return f"<a value of {len(frame):,} bytes>"
    try:
        value = codec.decode(frame)
    except codec.CodecError as error:
        return f"<malformed: {error}>"
    if isinstance(value, codec.Digest):
        return f"<a value of {value.size:,} bytes>"
    if isinstance(value, codec.Unencodable):
        return f"<a value that can't be sent: {value.reason}>"
    if isinstance(value, codec.Opaque):
        return f"<{value.type_name}: {value.repr}>"
    if isinstance(value, codec.Subclass):
        return f"{value.type_name}({short_repr(value.base)})"
    return short_repr(value)
