"""Tells when a program reaches for what is not its own: frames, the heap, memory, trace hooks.

An audit hook (PEP 578) can't be taken off, and runs before the thing that is asked for is handed
out: what it has said by then can't be unsaid. Python's own modules take frames too; those of
`_HARMLESS` give none away. Installed libraries take them for their warnings, and load what they wrap
by ctypes: a library may, where the very code that asks is in its compiled file, which no program can
write. It may not be one that is made to look at other code (`_LOOKERS`).

A signal handler is given a frame, and Python has no event for that: so `_signal.signal` is put
behind a function that tells, and `_imp.create_builtin`, which could make a second one.

Not seen: memory that is reached through a strided numpy array out of its bounds, or, where there are
libraries, through one that reads it for its caller (cffi).
"""

import marshal
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterable
from types import CodeType, FunctionType
from typing import Any

_EVENTS = frozenset(
    {
        *("gc.get_objects", "gc.get_referrers", "gc.get_referents"),
        *("sys._current_frames", "sys._current_exceptions", "sys.monitoring.register_callback"),
        *("sys.settrace", "sys.setprofile", "os.register_at_fork"),
        # A hook would be given the tests' code, and made code can read beyond its constants.
        *("sys.addaudithook", "code.__new__"),
        *("ctypes.addressof", "ctypes.string_at", "ctypes.wstring_at", "ctypes.cdata"),
        *("ctypes.cdata/buffer", "ctypes.PyObj_FromPtr", "ctypes.call_function", "ctypes.dlsym"),
    }
)
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_READ_CODE = "the tests' code"
_ASKED_BY_PYTHON = _FRAMES | {"sys._getframe", _READ_CODE}
_OF_LIBRARIES = _FRAMES | {
    *("sys._getframe", "sys._current_frames", "gc.get_referrers", "gc.get_referents"),
    *("gc.get_objects", "os.register_at_fork"),
    *(event for event in _EVENTS if event.startswith("ctypes.")),
}
"""What installed libraries ask for, and honest programs by them."""
_LOOKERS = (
    "/_pytest/",
    "/py/",
    "/werkzeug/debug/",
    "/django/views/debug",
    "/tf_inspect.py",
    "/cffi/",
)
_LOOKING = ("currentframe", "stack", "trace", "getouterframes", "getinnerframes", "walk_stack")
_HARMLESS = ("traceback", "unittest.case", "unittest.result", "collections", "typing", "enum")
"""Modules that read frames and return text or flags, but for the functions named here:"""
_GIVES_FRAMES = ("walk_tb", "walk_stack", "extract_stack", "format_stack", "print_stack")
_HARMLESS_FUNCTIONS = (
    ("logging", "findCaller"),
    ("dataclasses", "make_dataclass"),
    ("inspect", "_has_code_flag"),
)


def harmless_code(
    ours: "Iterable[str]",
) -> "tuple[frozenset[CodeType], frozenset[CodeType]]":
    """Code that may have frames, or read code, that of modules of `ours` included; and code that
    hands on what it has to its caller, who then counts."""
    harmless: set[CodeType] = set()
    for name in ours:
        harmless.update(_codes(vars(sys.modules[name]).values(), name))
    passing: set[CodeType] = set()
    for name in (*_HARMLESS, "logging", "dataclasses", "inspect"):
        module = sys.modules.get(name)
        for code in _codes(vars(module).values() if module else (), name):
            if code.co_name in ("walk_tb", "currentframe", "<lambda>"):
                passing.add(code)
            elif name in _HARMLESS:
                if code.co_name not in _GIVES_FRAMES:
                    harmless.add(code)
            elif (name, code.co_name) in _HARMLESS_FUNCTIONS:
                harmless.add(code)
    return frozenset(harmless), frozenset(passing)


def _codes(values: "Iterable[Any]", module: str) -> "Iterable[CodeType]":
    for value in list(values):
        if type(value) in (staticmethod, classmethod):
            value = value.__func__
        if type(value) is FunctionType:
            queue = [value.__code__]
            while queue:
                code = queue.pop()
                yield code
                queue += [held for held in code.co_consts if type(held) is CodeType]
        elif isinstance(value, type) and value.__module__ == module:
            yield from _codes(type.__dict__["__dict__"].__get__(value).values(), "")


def libraries() -> "tuple[str, tuple[str, ...]]":
    """The folder of the standard library, and those that libraries are installed in."""
    standard = os.path.dirname(os.__file__) + "/"
    installed = [path + "/" for path in sys.path if path and not path.startswith(standard[:-1])]
    return standard, tuple(path for path in installed if not path.endswith(".zip/"))


def _is_from_file() -> "Callable[[CodeType], bool]":
    """Whether code is what lies compiled beside the file that it says it is from."""
    read, open_file, close, load = os.read, os.open, os.close, marshal.loads
    ending = f".{sys.implementation.cache_tag}.pyc"
    found: dict[int, CodeType] = {}

    def compiled(file: str) -> "CodeType | None":
        folder, _, name = file.rpartition("/")
        content = b""
        try:
            descriptor = open_file(f"{folder}/__pycache__/{name[:-3]}{ending}", 0)
            while piece := read(descriptor, 1 << 20):
                content += piece
            close(descriptor)
            return load(content[16:])
        except Exception:
            return None

    def is_from_file(code: CodeType) -> bool:
        if found.get(id(code)) is code:
            return True
        queue: list[Any] = [compiled(code.co_filename)]
        while queue:
            each = queue.pop()
            if each is not None and each == code:
                found[id(code)] = code
                return True
            queue += [held for held in getattr(each, "co_consts", ()) if type(held) is CodeType]
        return False

    return is_from_file


def install(
    tell: "Callable[[str], None]",
    harmless: "frozenset[CodeType]",
    passing: "frozenset[CodeType]",
    tests: str,
) -> None:
    """From now on `tell` hears of each kind of reach, once.

    `tests` is the file name of code that a program has no business to read.
    """
    get_frame = sys._getframe  # pyright: ignore[reportPrivateUsage]
    told: dict[str, bool] = {}
    busy = False

    def tell_once(label: str) -> None:
        if label not in told:
            told[label] = True
            tell(label)

    def is_harmless() -> bool:
        frame = get_frame(2)
        while frame is not None and frame.f_code in passing:
            frame = frame.f_back
        return frame is not None and frame.f_code in harmless

    standard, installed = libraries()
    is_from_file = _is_from_file()

    def is_of_a_library() -> bool:
        """Whether a library asks, by itself or through the standard library."""
        frame = get_frame(2)
        while frame is not None:
            code = frame.f_code
            name = code.co_filename
            if name[: len(standard)] != standard or name[len(standard) :][:14] == "site-packages/":
                break
            if not is_from_file(code):
                return False
            frame = frame.f_back
        if frame is None:
            return False
        code = frame.f_code
        name = code.co_filename
        return (
            any(name[: len(folder)] == folder for folder in installed)
            and not any(part in name for part in _LOOKERS)
            and code.co_name not in _LOOKING
            and is_from_file(code)
        )

    def hook(event: str, arguments: "tuple[Any, ...]") -> None:
        nonlocal busy
        label = _label(event, arguments)
        if not label or busy or label in told:
            return
        busy = True
        try:
            if label == _READ_CODE and arguments[0].__code__.co_filename != tests:
                return
            if label in _ASKED_BY_PYTHON and is_harmless():
                return
            if label not in _OF_LIBRARIES or not is_of_a_library():
                tell_once(label)
        finally:
            busy = False

    sys.addaudithook(hook)
    _guard_signals(tell_once)


def _label(event: str, arguments: "tuple[Any, ...]") -> str:
    """What an event is called in what is told; empty for most."""
    if event in _EVENTS or event == "sys._getframe":
        return event
    if event == "object.__getattr__":
        name = arguments[1]
        return name if name in _FRAMES else _READ_CODE if name == "__code__" else ""
    if event == "object.__setattr__" and arguments[1] == "__code__":
        return "set __code__"
    return ""


def _guard_signals(tell: "Callable[[str], None]") -> None:
    handlers = (0, 1, signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler)

    def before_signal(arguments: "tuple[Any, ...]") -> None:
        if not any(argument is each for argument in arguments[1:] for each in handlers):
            tell("signal.signal")

    def before_create(arguments: "tuple[Any, ...]") -> None:
        if getattr(arguments[0], "name", "") in ("_signal", "_imp"):
            tell("_imp.create_builtin")

    signal.signal.__dict__.pop("__wrapped__", None)
    for name, function, before in (
        ("_signal", "signal", before_signal),
        ("_imp", "create_builtin", before_create),
    ):
        module: Any = sys.modules[name]
        setattr(module, function, _told(getattr(module, function), before))


def _told(
    original: "Callable[..., Any]", before: "Callable[[tuple[Any, ...]], None]"
) -> "Callable[..., Any]":
    """The same function, with a word before it. The original lies in a generator that waits: what
    is in there is reached through `gi_frame`, of which the hook tells."""

    def keep(
        original: "Callable[..., Any]", before: "Callable[[tuple[Any, ...]], None]"
    ) -> "Generator[Any, tuple[Any, ...], None]":
        said: Any = None
        while True:
            arguments = yield said
            try:
                before(arguments)
                said = True, original(*arguments)
            except BaseException as error:
                said = False, error

    keeper = keep(original, before)
    next(keeper)
    ask = keeper.send

    def told(*arguments: Any) -> Any:
        worked, value = ask(arguments)
        if worked:
            return value
        raise value

    return told
