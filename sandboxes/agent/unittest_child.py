"""One run of a unittest file beside the program that it tests, in a process of its own.

A child of the referee (unittests.py) that loads the program, then says so, then hears its role,
its nonce and the compiled tests, and reports each start and stop as it happens. Roles:

    real     the tests as they are, with a watched entry point
    poison   the entry point is replaced by one that returns a unique object
    replay   no program at all: the entry point gives back what it answered in the real run

Candidate and tests share this process, so a program that finds the runner can make this process
say what it likes. Nothing said here is a verdict. What makes it hard: the runner is functions
over a copy of these modules that no name, no class and no import leads to; who walks frames, the
heap or memory to it is told of first (watcher.py); references are taken before the program is
loaded; it does not know its role, its nonce or the tests while it loads; each record carries the
nonce and a number. What the harness rests on where it can is the replay.
"""

import builtins
import marshal
import os
import sys
import threading
import unittest
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, TypeAlias

from sandboxes.agent import calls, snapshot, unittest_answers, unittest_rules, watcher, wire
from sandboxes.agent.snapshot import changed, remember
from sandboxes.agent.unittest_answers import Answers, Voice, poison, replayed, watched
from sandboxes.agent.watcher import install

MODULE = "__test__"
TEST_CLASS = "TestCases"
TEST_FILE = "tests.py"
REAL, POISON, REPLAY = b"r", b"p", b"y"
NONCE_BYTES = 16

# child -> referee
LOADED, UNLOADABLE, START, STOP, LOOK, EVIDENCE = b"l", b"u", b"s", b"t", b"o", b"v"

_QUICK = ("unittest.case", "unittest.suite", "unittest.result")
_WATCHED = (
    *_QUICK,
    *("unittest", "unittest.loader", "unittest.util", "unittest.mock", "unittest.async_case"),
    *("builtins", "contextlib", "functools", "difflib", "traceback", "types", "operator"),
    *("numpy", "numpy.testing", "numpy.testing._private.utils"),
    *("pandas.testing", "pandas._testing", "pandas._testing.asserters"),
)
_WATCHED_CLASSES = (
    ("pandas", "DataFrame"),
    ("pandas", "Series"),
    ("pandas", "Index"),
    ("matplotlib.axes", "Axes"),
    ("matplotlib.axes", "Subplot"),
    ("matplotlib.figure", "Figure"),
)
"""What tests ask about an answer, where such a library is loaded: with all their bases."""
_NAMES = 50
_CASE, _SUITE = unittest.TestCase, unittest.TestSuite
_RUN_SUITE: "Callable[..., object]" = unittest.TestSuite.run


Pristine: TypeAlias = tuple[
    snapshot.Memory,
    snapshot.Memory,
    frozenset[int],
    tuple[type, ...],
    tuple[frozenset[CodeType], frozenset[CodeType]],
]
"""How things are before any program: all that is watched; what is looked at after each call; the
identities of all classes, and the classes, held so that no identity is given out again; harmless
code (watcher.py). Taken down in the zygote, once its modules are loaded."""
Program: TypeAlias = tuple[str, str, str]
"""Code, entry point, and whose surroundings it is to find (unittest_rules.py)."""
Task: TypeAlias = tuple[dict[str, Any], str, bytes, str, CodeType]
"""The module's namespace, the entry point, the role, the entry point's alias, the tests."""


def pristine() -> Pristine:
    import unittest.mock  # not at the top: it loads asyncio, which no other kind of job needs

    unittest.mock.mock_open()  # it binds two names of its module when it is first called
    classes = _all_classes()
    ours = (snapshot.__name__, unittest_answers.__name__, __name__)
    return (
        snapshot.remember(_WATCHED, _watched_classes()),
        snapshot.remember(_QUICK),
        frozenset(map(id, classes)),
        classes,
        watcher.harmless_code(ours),
    )


def _watched_classes() -> "list[type]":
    found: list[type] = []
    for module, name in _WATCHED_CLASSES:
        cls = getattr(sys.modules.get(module), name, None)
        if isinstance(cls, type):
            found += [base for base in cls.__mro__ if base is not object]
    return found


def _all_classes() -> "tuple[type, ...]":
    found: dict[int, type] = {id(object): object}
    queue: list[type] = [object]
    while queue:
        for cls in type.__subclasses__(queue.pop()):
            if id(cls) not in found:
                found[id(cls)] = cls
                queue.append(cls)
    return tuple(found.values())


def run(descriptor: int, program: Program, pristine: Pristine) -> None:
    """Be a child of the referee that has a program: load it, hear the role, do it, leave."""
    _private(_run)(descriptor, program, pristine)


def _run(descriptor: int, program: Program, pristine: Pristine) -> None:
    code, entry_point, rules = program
    leave, unmarshal = os._exit, marshal.loads
    send, receive, authorize = _link(descriptor)
    namespace = _new_module()
    record, current = _record(send)

    def tell(label: str) -> None:
        send(LOOK, label.encode())

    try:
        unittest_rules.enter(rules, namespace)
        install(tell, *pristine[4], TEST_FILE)
        for module in (watcher, snapshot, unittest_answers, _OURSELVES):
            vars(module).clear()  # this is the copy that runs
        for name in [name for name in sys.modules if name.partition(".")[0] == "sandboxes"]:
            del sys.modules[name]
        failure = _load(namespace, code, entry_point)
        if failure is not None:
            send(UNLOADABLE, failure[0].encode(), _text(failure[1]))
            return
        send(LOADED)
        role, alias, tests = unmarshal(_order(receive, authorize))
        task = (namespace, entry_point, role, alias, tests)
        _perform(task, (send, record, current), pristine, {})
    except BaseException as error:
        os.write(2, f"the runner failed: {error!r}\n".encode("utf-8", "replace"))
    finally:
        leave(0)


def replay(descriptor: int, program: Program, pristine: Pristine, answers: Answers) -> None:
    """Be the child that has none: of the program only the entry point's name and the rules."""
    _, entry_point, rules = program
    send, receive, authorize = _link(descriptor)
    record, current = _record(send)
    try:
        send(LOADED)
        unmarshal = marshal.loads  # of what the referee wrote
        role, alias, tests = unmarshal(_order(receive, authorize))
        namespace = _new_module()
        unittest_rules.enter(rules, namespace)
        task = (namespace, entry_point, role, alias, tests)
        _perform(task, (send, record, current), pristine, answers)
    finally:
        os._exit(0)


def rehearse(
    task: "tuple[str, str, str]", role: bytes, send: "Callable[..., None]", answers: Answers
) -> None:
    """One run in this very process, for a fake: code, entry point, text of the tests."""
    code, entry_point, tests = task
    before = pristine()
    namespace = _new_module()
    try:
        if role != REPLAY and (failure := _load(namespace, code, entry_point)):
            send(UNLOADABLE, failure[0].encode(), _text(failure[1]))
            return
        record, current = _record(send)
        compiled = compile(tests, TEST_FILE, "exec")
        its_task = (namespace, entry_point, role, entry_point, compiled)
        _perform(its_task, (send, record, current), before, answers)
    finally:
        del sys.modules[MODULE]


def _order(receive: "Callable[[int], bytes]", authorize: "Callable[[bytes], None]") -> bytes:
    length = int.from_bytes(receive(4), "big")
    authorize(receive(NONCE_BYTES))
    return receive(length)


def _private(function: "Callable[..., Any]") -> "Callable[..., Any]":
    """A function of this module over a copy of it, which no program can reach by a name.

    The module itself is in reach: `object.__subclasses__()` leads to a class of the agent, its
    methods to their globals. The copy has its own builtins too.
    """
    if not _copy:
        _copy["__builtins__"] = dict(vars(builtins))
        modules = (watcher, snapshot, unittest_answers, _OURSELVES)
        names = [module.__name__ for module in modules]
        for module in modules:
            for key, value in list(vars(module).items()):
                if type(value) is FunctionType and value.__module__ in names:
                    if value.__module__ == module.__name__:
                        assert key not in _copy, f"two functions are called {key}"
                        _copy[key] = FunctionType(value.__code__, _copy, key, value.__defaults__)
                elif not key.startswith("__"):
                    _copy[key] = value
    return _copy[function.__name__]


_copy: "dict[str, Any]" = {}
_OURSELVES = sys.modules[__name__]


def _link(descriptor: int) -> "tuple[Callable[..., None], Callable[[int], bytes], Any]":
    """Three functions: send a frame, receive bytes, and stamp frames with a nonce from now on."""
    write, read, header = os.write, os.read, wire.HEADER.pack
    lock = threading.Lock()
    nonce = b""
    number = 0

    def authorize(given: bytes) -> None:
        nonlocal nonce
        nonce = given

    def send(kind: bytes, *fields: bytes) -> None:
        nonlocal number
        with lock:
            number += 1
            content = (nonce and nonce + number.to_bytes(4, "big")) + b"\0".join(fields)
            frame = header(kind, len(content)) + content
            while frame:
                frame = frame[write(descriptor, frame) :]

    def receive(count: int) -> bytes:
        received = b""
        while len(received) < count:
            piece = read(descriptor, count - len(received))
            if not piece:
                os._exit(0)
            received += piece
        return received

    return send, receive, authorize


def _record(send: "Callable[..., None]") -> "tuple[Any, Callable[[], bytes]]":
    """What `TestCase.run` asks of a result, and not one line of `unittest.result`; and the name
    of the test that runs."""
    current = outcome = b""
    message = ""

    def start(test: Any) -> None:
        nonlocal current, outcome, message
        current, outcome, message = _text(test._testMethodName), b"", ""
        send(START, current)

    def stop(test: Any) -> None:
        nonlocal current
        name, current = current, b""
        send(STOP, name, outcome or b"none", _text(message))

    def say(said: bytes, text: str) -> None:
        nonlocal outcome, message
        if not current:  # setUpClass, setUpModule: no test of theirs will start
            send(START, b"(class)")
            send(STOP, b"(class)", said, _text(text))
        elif outcome in (b"", b"passed", b"skipped"):  # the first that is wrong is told
            outcome, message = said, text

    def passed(test: Any) -> None:
        nonlocal outcome
        outcome = outcome or b"passed"

    def of_subtest(test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            is_failure = issubclass(err[0], AssertionError)
            say(b"failed" if is_failure else b"error", _shortly(err))

    def as_(said: bytes) -> "Callable[[Any, Any], None]":
        return lambda test, err: say(said, _shortly(err))

    def skipped(test: Any, reason: object) -> None:
        say(b"skipped", f"{reason}")

    def unexpected(test: Any) -> None:
        say(b"unexpected_success", "")

    def lasted(test: Any, elapsed: float) -> None:
        """Python 3.12 and later; the harness has its own clock."""

    record = SimpleNamespace(
        failfast=False,
        buffer=False,
        tb_locals=False,
        shouldStop=False,
        _moduleSetUpFailed=False,
        _testRunEntered=True,
        _previousTestClass=None,
        startTest=start,
        stopTest=stop,
        addSuccess=passed,
        addFailure=as_(b"failed"),
        addError=as_(b"error"),
        addSkip=skipped,
        addExpectedFailure=as_(b"expected_failure"),
        addUnexpectedSuccess=unexpected,
        addSubTest=of_subtest,
        addDuration=lasted,
    )
    return record, lambda: current


def _new_module() -> "dict[str, Any]":
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    namespace = module.__dict__
    namespace["__builtins__"] = builtins.__dict__
    return namespace


def _load(namespace: "dict[str, Any]", code: str, entry_point: str) -> "tuple[str, str] | None":
    """Execute the program; how it ended and why, where there is nothing to test."""
    describe, execute = calls.describe, exec
    try:
        program = compile(code, "candidate.py", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError) as error:
        return "syntax", describe(error)
    try:
        execute(program, namespace)
    except MemoryError:
        return "out_of_memory", "MemoryError"
    except BaseException as error:
        return "exception", describe(error)
    if entry_point not in namespace:
        return "exception", f"{entry_point} is not defined"
    return None


def _perform(task: Task, voice: Voice, pristine: Pristine, answers: Answers) -> None:
    """Run the tests in a role, and say what was seen."""
    namespace, entry_point, role, alias, tests = task
    send, record, current = voice
    memory, quick, known, _, _ = pristine
    found: list[str] = []
    foreign: dict[str, bool] = {}
    looks = [quick]
    real_builtins = builtins.__dict__
    if namespace.get("__builtins__") is not real_builtins:
        found += ["__builtins__"]
        namespace["__builtins__"] = real_builtins
    replacement = namespace.get(entry_point)
    if role == REAL:
        if type(replacement) is FunctionType:
            replacement = watched(replacement, voice, known, looks, found, foreign)
    else:
        replacement = poison() if role == POISON else replayed(current, answers, foreign)
        namespace[entry_point] = replacement
    namespace[alias] = replacement
    problem = ""
    try:
        exec(tests, namespace)
        cases: Any = namespace[TEST_CLASS]
        if _CASE not in type.__dict__["__mro__"].__get__(cases) or type(cases) is not type:
            found += [f"{TEST_CLASS} is no TestCase"]
        looks += [remember((), [cases])]
        found += _replaced_methods(cases, tests, known)
        names = [name for name in sorted(dir(cases)) if name.startswith("test")]
        names = [name for name in names if callable(getattr(cases, name))]
        _RUN_SUITE(_SUITE(map(cases, names)), record)
    except BaseException as error:
        problem = _shortly((type(error), error, error.__traceback__))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # the program may have closed or replaced it
            pass
    if role != REPLAY:
        for each in (memory, *looks[1:]):
            found += changed(each)
        if sys.gettrace() is not None or sys.getprofile() is not None:
            found += ["sys.settrace"]
    send(EVIDENCE, _text(problem), _lines(dict.fromkeys(found)), _lines(foreign))


def _replaced_methods(cases: Any, tests: CodeType, known: "frozenset[int]") -> "list[str]":
    """Methods of the test class whose code is not in the test file, and bases from elsewhere."""
    ours: set[CodeType] = set()
    queue = [tests]
    while queue:
        code = queue.pop()
        ours.add(code)
        queue += [constant for constant in code.co_consts if type(constant) is CodeType]
    found: list[str] = []
    for base in type.__dict__["__mro__"].__get__(cases)[1:]:
        if id(base) in known:
            continue
        for name, value in type.__dict__["__dict__"].__get__(base).items():
            code = getattr(getattr(value, "__func__", value), "__code__", None)
            if callable(value) and not any(code is each for each in ours):
                found.append(f"{TEST_CLASS} has a foreign base with {name}")
                break
    for name, method in type.__dict__["__dict__"].__get__(cases).items():
        if not name.startswith(("test", "setUp", "tearDown")):
            continue
        while hasattr(method, "__wrapped__"):
            method = method.__wrapped__
        method = getattr(method, "__func__", method)
        if not callable(method):  # `test_cases = [...]`
            continue
        if not hasattr(method, "__code__"):
            found.append(f"{TEST_CLASS}.{name} is no function")
            continue
        if not any(method.__code__ is code for code in ours):
            found.append(f"{TEST_CLASS}.{name}")
        if getattr(method, "__unittest_expecting_failure__", False):
            found.append(f"{TEST_CLASS}.{name} is expected to fail")
    return found


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
