"""One run of a unittest file beside the program that it tests, in a process of its own.

A child of the referee (unittests.py) that loads the program, then says so, then hears its role,
its nonce and the compiled tests, and reports each start and stop as it happens. Roles:

    real     the tests as they are, with a watched entry point
    poison   the entry point is replaced by one that returns a unique object
    replay   no program at all: the entry point gives back what it answered in the real run

Candidate and tests share this process, so a program that finds these objects (by frames, by gc,
by ctypes) can make this process say what it likes, and can read the tests. Nothing said here is
a verdict. What makes it hard: references are taken before the program is loaded; it does not
know its role, its nonce or the tests while it loads; each record carries the nonce and a number.
What the harness rests on where it can is the replay, in which there is no program.
"""

import builtins
import marshal
import os
import sys
import unittest
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

from sandboxes.agent import codec, snapshot, wire

MODULE = "__test__"
TEST_CLASS = "TestCases"
TEST_FILE = "tests.py"
REAL, POISON, REPLAY = b"r", b"p", b"y"
NONCE_BYTES = 16

# child -> referee
LOADED, UNLOADABLE, START, STOP, CALL, EVIDENCE = b"l", b"u", b"s", b"t", b"c", b"v"

_QUICK = ("unittest.case", "unittest.suite", "unittest.result")
_WATCHED = (
    *_QUICK,
    *("unittest", "unittest.loader", "unittest.util", "unittest.mock", "unittest.async_case"),
    *("builtins", "contextlib", "functools", "difflib", "traceback", "types", "operator"),
    *("numpy", "numpy.testing", "numpy.testing._private.utils"),
)
_CALL_BYTES = 128 * 1024
_CALLS_BYTES = 4 << 20
_EVERY_CALL, _SOME_CALLS = 256, 64
"""The quick look happens after each of the first calls, later now and then."""
_NAMES = 50
RETURNED, RAISED, UNCARRIED = b"v", b"e", b"?"


class Unrecorded(AssertionError):
    """The replay was asked for an answer that the real run did not give."""


class Link:
    """The child's end of its socket to the referee, on descriptors and C functions alone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._write, self._read = os.write, os.read
        self._pack = wire.pack
        self._nonce = b""
        self._number = 0

    def authorize(self, nonce: bytes) -> None:
        self._nonce = nonce

    def send(self, kind: bytes, *fields: bytes) -> None:
        self._number += 1
        stamp = self._nonce and self._nonce + self._number.to_bytes(4, "big")
        frame = self._pack(kind, stamp + b"\0".join(fields))
        while frame:
            frame = frame[self._write(self._descriptor, frame) :]

    def receive(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            piece = self._read(self._descriptor, count - len(received))
            if not piece:
                os._exit(0)
            received += piece
        return received


class Record:
    """What `TestCase.run` asks of a result, and not one line of `unittest.result`."""

    failfast = buffer = tb_locals = shouldStop = False
    _moduleSetUpFailed = False
    _testRunEntered = True
    _previousTestClass: "type | None" = None

    def __init__(self, link: Link) -> None:
        self._link = link
        self.current = b""
        self._outcome = b""
        self._message = ""

    def startTest(self, test: Any) -> None:
        self.current = _text(test._testMethodName)
        self._outcome, self._message = b"", ""
        self._link.send(START, self.current)

    def stopTest(self, test: Any) -> None:
        name, self.current = self.current, b""
        self._link.send(STOP, name, self._outcome or b"none", _text(self._message))

    def _say(self, outcome: bytes, message: str, test: Any) -> None:
        if not self.current:  # setUpClass, setUpModule: no test of theirs will start
            self._link.send(START, b"(class)")
            self._link.send(STOP, b"(class)", outcome, _text(message))
        elif self._outcome in (b"", b"passed", b"skipped"):  # the first that is wrong is told
            self._outcome, self._message = outcome, message

    def addSuccess(self, test: Any) -> None:
        if not self._outcome:
            self._outcome = b"passed"

    def addFailure(self, test: Any, err: Any) -> None:
        self._say(b"failed", _shortly(err), test)

    def addError(self, test: Any, err: Any) -> None:
        self._say(b"error", _shortly(err), test)

    def addSkip(self, test: Any, reason: object) -> None:
        self._say(b"skipped", f"{reason}", test)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        self._say(b"expected_failure", _shortly(err), test)

    def addUnexpectedSuccess(self, test: Any) -> None:
        self._say(b"unexpected_success", "", test)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            is_failure = issubclass(err[0], test.failureException)
            self._say(b"failed" if is_failure else b"error", _shortly(err), test)

    def addDuration(self, test: Any, elapsed: float) -> None:
        """Python 3.12 and later; the harness has its own clock."""


class Pristine:
    """How things are before any program: the zygote takes it down, once its modules are loaded."""

    def __init__(self) -> None:
        self.watch = snapshot.Watch().modules(_WATCHED)
        self.quick = snapshot.Watch().modules(_QUICK)
        self.is_known = _known_types()
        self.run_suite: Callable[..., object] = unittest.TestSuite.run
        self.suite, self.case = unittest.TestSuite, unittest.TestCase


class Program:
    """A candidate loaded as a module, with what was remembered before it was."""

    def __init__(self, entry_point: str, pristine: Pristine) -> None:
        self.entry_point = entry_point
        self.pristine = pristine
        self.module = ModuleType(MODULE)
        self.namespace: dict[str, Any] = self.module.__dict__
        self._builtins = builtins.__dict__
        sys.modules[MODULE] = self.module
        self.namespace["__builtins__"] = self._builtins

    def load(self, code: str) -> "tuple[str, str] | None":
        """Execute the program; how it ended and why, where there is nothing to test."""
        from sandboxes.agent.calls import describe

        try:
            program = compile(code, "candidate.py", "exec")
        except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError) as error:
            return "syntax", describe(error)
        _hide_ourselves()
        try:
            exec(program, self.namespace)
        except MemoryError:
            return "out_of_memory", "MemoryError"
        except BaseException as error:
            return "exception", describe(error)
        if self.entry_point not in self.namespace:
            return "exception", f"{self.entry_point} is not defined"
        return None

    def restore(self) -> "list[str]":
        """Give the tests the builtins and the module that they expect; what was found wrong."""
        found: list[str] = []
        if self.namespace.get("__builtins__") is not self._builtins:
            found.append("__builtins__")
            self.namespace["__builtins__"] = self._builtins
        sys.modules[MODULE] = self.module
        return found


def perform(program: Program, link: Link, role: bytes, alias: str, tests: CodeType, record: Record,
            answers: "dict[bytes, list[tuple[bytes, bytes]]]") -> None:  # fmt: skip
    """Run the tests in a role, and say what was seen. `alias`: what they call the entry point."""
    changed = program.restore()
    foreign: set[str] = set()
    pristine = program.pristine
    replacement = program.namespace.get(program.entry_point)
    class_watch = snapshot.Watch()
    if role == REAL:
        if type(replacement) is FunctionType:
            looks = (pristine.quick, class_watch)
            calls = _Calls(link, record, pristine.is_known, looks, foreign, changed)
            replacement = calls.watched(replacement)
    elif role == POISON:
        replacement = _poison()
    else:
        replacement = _replay(record, answers)
    if role != REAL:
        program.namespace[program.entry_point] = replacement
    program.namespace[alias] = replacement
    problem = ""
    try:
        exec(tests, program.namespace)
        cases = program.namespace[TEST_CLASS]
        if pristine.case not in type.__dict__["__mro__"].__get__(cases) or type(cases) is not type:
            changed.append(f"{TEST_CLASS} is no TestCase")
        class_watch.of_class(cases)
        changed += _replaced_methods(cases, tests)
        names = sorted(name for name in dir(cases) if name.startswith("test"))
        pristine.run_suite(pristine.suite(map(cases, names)), record)
    except BaseException as error:
        problem = _shortly((type(error), error, error.__traceback__))
    _flush()
    changed += [*pristine.watch.changed(), *class_watch.changed()]
    if sys.gettrace() is not None or sys.getprofile() is not None:
        changed.append("sys.settrace")
    link.send(EVIDENCE, _text(problem), _lines(dict.fromkeys(changed)), _lines(sorted(foreign)))


class _Calls:
    """The watched entry point: each answer is looked at, written down, and given to the test."""

    def __init__(
        self,
        link: Link,
        record: Record,
        is_known: "Callable[[type], bool]",
        looks: "tuple[snapshot.Watch, ...]",
        foreign: "set[str]",
        changed: "list[str]",
    ) -> None:
        self._link, self._record, self._is_known = link, record, is_known
        self._looks, self._foreign, self._changed = looks, foreign, changed
        self._room = _CALLS_BYTES
        self._num_calls = 0
        self._encode = codec.encode

    def watched(self, function: "Callable[..., Any]") -> "Callable[..., Any]":
        def answer(*args: Any, **kwargs: Any) -> Any:
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                self._raised(error)
                raise
            self._returned(value)
            return value

        for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
            setattr(answer, name, getattr(function, name))
        answer.__dict__.update(function.__dict__)
        answer.__wrapped__ = function  # type: ignore[attr-defined]
        return answer

    def _returned(self, value: object) -> None:
        self._foreign.update(_foreign_types(value, self._is_known))
        self._write(RETURNED, value)

    def _raised(self, error: BaseException) -> None:
        names = [cls.__name__ for cls in type.__dict__["__mro__"].__get__(type(error))]
        self._write(RAISED, (names, BaseException.__dict__["args"].__get__(error)))

    def _write(self, flag: bytes, value: object) -> None:
        frame = b""
        if self._room > 0:
            frame = self._encode(value, inline_limit=_CALL_BYTES, size_limit=_CALLS_BYTES)
            self._room -= len(frame) + 64
        self._link.send(CALL, self._record.current, (flag if frame else UNCARRIED) + frame)
        self._num_calls += 1
        if self._num_calls < _EVERY_CALL or self._num_calls % _SOME_CALLS == 0:
            for watch in self._looks:
                if found := watch.changed():
                    self._changed += found


def _poison() -> "Callable[..., object]":
    class Nothing:
        """Equal to itself alone, and of no use."""

    nothing = Nothing()
    return lambda *args, **kwargs: nothing


def _replay(
    record: Record, answers: "dict[bytes, list[tuple[bytes, bytes]]]"
) -> "Callable[..., object]":
    queues = {name: iter(given) for name, given in answers.items()}

    def answer(*args: Any, **kwargs: Any) -> object:
        flag, frame = next(queues.get(record.current, iter(())), (UNCARRIED, b""))
        if flag == UNCARRIED:
            raise Unrecorded
        value = codec.decode(frame)
        if flag == RETURNED:
            return value
        raise _exception(value)

    return answer


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
    return Unrecorded()


def _known_types() -> "Callable[[type], bool]":
    """Whether a class was there before the program was, or belongs to a module that it imported."""
    known: dict[int, type] = {id(object): object}  # by identity: a metaclass may lie to `in`
    queue: list[type] = [object]
    while queue:
        for cls in type.__subclasses__(queue.pop()):
            if id(cls) not in known:
                known[id(cls)] = cls
                queue.append(cls)
    identity = id
    name_of, modules = type.__dict__["__module__"].__get__, sys.modules
    qualified = type.__dict__["__qualname__"].__get__

    def is_known(cls: type) -> bool:
        if identity(cls) in known:
            return True
        try:
            module = modules.get(name_of(cls))
            place: Any = module.__dict__
            origin = module.__spec__.origin or ""  # type: ignore[union-attr]
            return origin[:1] == "/" and origin[:4] != "/tmp" and place.get(qualified(cls)) is cls
        except BaseException:
            return False

    return is_known


def _foreign_types(
    value: object,
    is_known: "Callable[[type], bool]",
    depth: int = 3,
    type_: Any = type,
    pairs: Any = dict[Any, Any].items,
) -> "list[str]":
    """Classes of the program's own that an answer, or a member of one, is an instance of."""
    kind = type_(value)
    if not is_known(kind):
        return [type_.__dict__["__name__"].__get__(kind)]
    members: Any = ()
    if kind in (list, tuple, set, frozenset):
        members = value
    elif kind is dict:
        members = [part for pair in pairs(value) for part in pair]
    found: list[str] = []
    if depth:
        for number, member in enumerate(members):
            if number == 1000:
                break
            found += _foreign_types(member, is_known, depth - 1)
    return found


def _replaced_methods(cases: Any, tests: CodeType) -> "list[str]":
    """Methods of the test class whose code is not in the test file."""
    ours: set[CodeType] = set()
    queue = [tests]
    while queue:
        code = queue.pop()
        ours.add(code)
        queue += [constant for constant in code.co_consts if type(constant) is CodeType]
    found: list[str] = []
    for name, method in type.__dict__["__dict__"].__get__(cases).items():
        if not name.startswith(("test", "setUp", "tearDown")):
            continue
        while hasattr(method, "__wrapped__"):
            method = method.__wrapped__
        method = getattr(method, "__func__", method)
        if not any(method.__code__ is code for code in ours):
            found.append(f"{TEST_CLASS}.{name}")
        if getattr(method, "__unittest_expecting_failure__", False):
            found.append(f"{TEST_CLASS}.{name} is expected to fail")
    return found


def _hide_ourselves() -> None:
    """No import leads to the runner. (A walk over frames or the heap does.)"""
    for name in [name for name in sys.modules if name.partition(".")[0] == "sandboxes"]:
        del sys.modules[name]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # the program may have closed or replaced it
            pass


def _shortly(err: Any) -> str:
    """`Type: message (line 12)`: the last line in the test file."""
    from_type, error, traceback = err
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == TEST_FILE:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    try:
        text = f"{from_type.__name__}: {error}"
    except BaseException:
        text = "an exception"
    return text[:600] + (f" (line {line} of the tests)" if line else "")


def _text(text: object) -> bytes:
    return f"{text}".encode("utf-8", "backslashreplace").replace(b"\0", b"")[:2000]


def _lines(texts: Any) -> bytes:
    return b"\n".join(_text(text).replace(b"\n", b" ")[:200] for text in list(texts)[:_NAMES])


def run(descriptor: int, code: str, entry_point: str, pristine: Pristine) -> None:
    """Be a child of the referee that has a program: load it, hear the role, do it, leave."""
    leave = os._exit
    link = Link(descriptor)
    program = Program(entry_point, pristine)
    unmarshal = marshal.loads
    try:
        failure = program.load(code)
        if failure is not None:
            link.send(UNLOADABLE, _text(failure[0]), _text(failure[1]))
            return
        link.send(LOADED)
        role, alias, tests = _order(link, unmarshal)
        perform(program, link, role, alias, tests, Record(link), {})
    finally:
        leave(0)


def replay(
    descriptor: int,
    entry_point: str,
    pristine: Pristine,
    answers: "dict[bytes, list[tuple[bytes, bytes]]]",
) -> None:
    """Be the child that has none."""
    link = Link(descriptor)
    program = Program(entry_point, pristine)
    try:
        link.send(LOADED)
        role, alias, tests = _order(link, marshal.loads)
        perform(program, link, role, alias, tests, Record(link), answers)
    finally:
        os._exit(0)


def _order(link: Link, unmarshal: "Callable[[bytes], Any]") -> "tuple[bytes, str, CodeType]":
    length = int.from_bytes(link.receive(4), "big")
    nonce, order = link.receive(NONCE_BYTES), link.receive(length)
    link.authorize(nonce)
    role, alias, tests = unmarshal(order)
    return role, alias, tests
