"""The entry point as the tests of a unittest job call it: watched, poisoned, or replayed.

Part of unittest_child.py's process and of its rules: functions only, and all that they need in
closures that were made before the program was loaded. What is written down here is an answer,
and may be forged like one; it is compared where no program is.
"""

import builtins
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeAlias, cast

from sandboxes.agent import codec, snapshot
from sandboxes.agent.codec_values import SCALARS
from sandboxes.agent.codec_writer import LEAVES, PARTS
from sandboxes.agent.snapshot import changed

CALL = b"c"
"""Kind of the frame that holds one answer."""
RETURNED, RAISED, FUNCTION = b"v", b"e", b"f"
_CALL_BYTES = 128 * 1024
_CALLS_BYTES = 4 << 20
_LOOKED_LEVELS, _LOOKED_MEMBERS = 20, 100_000
"""How far into an answer is looked for what is not data."""
_CONTAINERS = frozenset(map(id, PARTS))
_keys, _values = dict[Any, Any].keys, dict[Any, Any].values
_PLAIN = frozenset(map(id, (*LEAVES, *SCALARS)))
_numpy: "list[frozenset[int]]" = []
_EVERY_CALL, _SOME_CALLS = 256, 64
"""The quick look happens after each of the first calls, later now and then."""

Answers: TypeAlias = "dict[bytes, list[tuple[bytes, bytes]]]"
"""Of the real run: test name to what each call gave, a flag and a codec frame."""


Voice: TypeAlias = "tuple[Callable[..., None], Any, Callable[[], bytes]]"
"""Send a frame; the result object that unittest reports to; the name of the running test."""


def watched(
    function: "Callable[..., Any]",
    voice: Voice,
    known: "frozenset[int]",
    looks: "list[snapshot.Memory]",
    found: "list[str]",
    foreign: "dict[str, bool]",
) -> "Callable[..., Any]":
    """The entry point, each answer of which is looked at, written down, and given to the test.

    A function that it returns is watched too: what that does would else go unseen.
    """
    send, _, current = voice
    encode, function_type, plain_type = codec.encode, FunctionType, type
    room = _CALLS_BYTES
    num_calls = 0

    def write(flag: bytes, value: object) -> None:
        nonlocal room, num_calls
        frame = b""
        if room > 0:
            if flag != FUNCTION:
                frame = encode(value, inline_limit=_CALL_BYTES, size_limit=_CALLS_BYTES)
            room -= len(frame) + 64
            send(CALL, current(), flag + frame)
        num_calls += 1
        if num_calls < _EVERY_CALL or num_calls % _SOME_CALLS == 0:
            for memory in looks:
                found.extend(changed(memory))

    def wrapped(function: "Callable[..., Any]") -> "Callable[..., Any]":
        def answer(*args: Any, **kwargs: Any) -> Any:
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                names = [cls.__name__ for cls in type.__dict__["__mro__"].__get__(type(error))]
                write(RAISED, (names, BaseException.__dict__["args"].__get__(error)))
                raise
            if plain_type(value) is function_type:
                write(FUNCTION, None)
                return wrapped(value)
            foreign.update(dict.fromkeys(_foreign_types(value, known), True))
            write(RETURNED, value)
            return value

        for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
            setattr(answer, name, getattr(function, name))
        answer.__dict__.update(function.__dict__)
        answer.__wrapped__ = function  # type: ignore[attr-defined]
        return answer

    return wrapped(function)


def poison() -> "Callable[..., object]":
    class Nothing:
        """Equal to itself alone, and of no use."""

    nothing = Nothing()
    return lambda *args, **kwargs: nothing


def replayed(
    current: "Callable[[], bytes]", answers: Answers, lost: "dict[str, bool]"
) -> "Callable[..., object]":
    """The entry point that gives back what was answered; `lost` takes the names of tests for which
    an answer was no data, so that none can be given."""
    queues = {name: iter(given) for name, given in answers.items()}

    def answer(*args: Any, **kwargs: Any) -> object:
        flag, frame = next(queues.get(current(), iter(())), (b"", b""))
        if flag == FUNCTION:
            return answer
        if flag not in (RETURNED, RAISED):
            raise AssertionError("the real run gave no such answer")
        value = codec.decode(frame)
        if _has_gap(value):
            lost[current().decode()] = True
        if flag == RETURNED:
            return value
        raise _exception(value)

    return answer


def _has_gap(value: Any) -> bool:
    """Whether something in it did not cross."""
    level: list[Any] = [value]
    for _ in range(_LOOKED_LEVELS):
        if any(type(member) in (codec.Opaque, codec.Digest, codec.Subclass) for member in level):
            return True
        level = [
            part
            for member in level
            if type(member) in (list, tuple, set, frozenset, dict)
            for part in (*member, *(_values(cast(Any, member)) if type(member) is dict else ()))
        ]
    return bool(level)


def _exception(value: Any) -> BaseException:
    """An exception of the first builtin type among its own, with its arguments."""
    names, args = value
    for name in names:
        kind = getattr(builtins, name, None) if type(name) is str else None
        if isinstance(kind, type) and issubclass(kind, BaseException):
            try:
                return kind(*args)
            except TypeError:
                return kind(f"{args}")
    return AssertionError("an exception of no known type")


def _is_known(cls: type, known: "frozenset[int]") -> bool:
    """Whether a class was there before the program was, or belongs to a module that it imported."""
    if id(cls) in known:
        return True
    try:
        name = type.__dict__["__module__"].__get__(cls)
        module: Any = sys.modules.get(name)
        origin = module.__spec__.origin or ""
        bound = module.__dict__.get(type.__dict__["__qualname__"].__get__(cls))
        return origin[:1] == "/" and origin[:4] != "/tmp" and bound is cls
    except BaseException:
        return False


def _foreign_types(value: object, known: "frozenset[int]") -> "list[str]":
    """Types in an answer that are not data, as the codec knows it: their names, and `own:` before
    those that are the program's.

    An object can be equal to everything (`unittest.mock.ANY` is), and an iterator, a proxy or a
    callable runs the program's code when nobody looks.
    """
    found: dict[str, bool] = {}
    level: list[Any] = [value]
    num_seen = 0
    for _ in range(_LOOKED_LEVELS):
        inner: list[Any] = []
        for member in level:
            num_seen += 1
            kind = cast(Any, type(member))
            if num_seen > _LOOKED_MEMBERS:
                found["more than is looked at"] = True
                return list(found)
            if id(kind) in _CONTAINERS:
                if issubclass(kind, dict):
                    inner += _keys(member)
                    inner += _values(member)
                else:
                    inner += kind.__iter__(member)
            elif id(kind) in _numpy_types():
                if kind.__name__ == "ndarray" and member.dtype.hasobject:
                    found["an array of objects"] = True
                    inner += kind.ravel(member)[:_LOOKED_MEMBERS].tolist()
            elif id(kind) not in _PLAIN:
                found[_kind_name(kind, known)] = True
                inner += _columns(member, kind)
        level = inner
    return list(found) + (["deeper than is looked at"] if level else [])


def _kind_name(kind: type, known: "frozenset[int]") -> str:
    name = type.__dict__["__name__"].__get__(kind)
    if not _is_known(kind, known):
        return f"own:{name}"
    module = type.__dict__["__module__"].__get__(kind)
    return f"{module}.{name}"


def _columns(value: Any, kind: type) -> "list[Any]":
    """What a table or a series of pandas holds beside numbers: any object may lie there."""
    try:
        module = type.__dict__["__module__"].__get__(kind)
        if type(module) is not str or module[:7] != "pandas.":
            return []
        held = object.__getattribute__(value, "__dict__")
        blocks = held["_mgr"].blocks if "_mgr" in held else [held.get("_data")]
        arrays = [getattr(block, "values", block) for block in blocks]
        kinds = _numpy_types()
        return [each for each in arrays if id(cast(Any, type(each))) in kinds]
    except Exception:
        return []


def _numpy_types() -> "frozenset[int]":
    """Empty where numpy is not loaded: whoever has an array has imported it."""
    if not _numpy:
        numpy: Any = sys.modules.get("numpy")
        kinds = [numpy.ndarray, *numpy.sctypeDict.values()] if numpy else []
        _numpy.append(frozenset(map(id, kinds)))
    return _numpy[0]
