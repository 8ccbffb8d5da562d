"""Tells when a program reaches for what is not its own: frames, the heap, memory, trace hooks.

An audit hook (PEP 578) can't be taken off, and runs before the thing that is asked for is handed
out: what it has said by then can't be unsaid. Python's own modules take frames too; those of
`_HARMLESS` give none away.

Not seen, because Python has no event for it: the frame that a signal handler is given, and memory
that is reached through a strided numpy array.
"""

import sys
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType
from typing import Any

_EVENTS = frozenset(
    {
        *("gc.get_objects", "gc.get_referrers", "gc.get_referents"),
        *("sys._current_frames", "sys._current_exceptions", "sys.monitoring.register_callback"),
        *("sys.settrace", "sys.setprofile", "os.register_at_fork"),
        *("ctypes.addressof", "ctypes.string_at", "ctypes.wstring_at", "ctypes.cdata"),
        *("ctypes.cdata/buffer", "ctypes.PyObj_FromPtr", "ctypes.call_function", "ctypes.dlsym"),
    }
)
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_CODE = frozenset({"__code__", "__defaults__", "__kwdefaults__"})
_HARMLESS = ("traceback", "unittest.case", "unittest.result", "collections", "typing", "enum")
"""Modules that read frames and return text or flags, but for the functions named here:"""
_GIVES_FRAMES = ("walk_tb", "walk_stack", "extract_stack", "format_stack", "print_stack")
_HARMLESS_FUNCTIONS = (("logging", "findCaller"), ("dataclasses", "make_dataclass"))


def harmless_code() -> "tuple[frozenset[CodeType], frozenset[CodeType]]":
    """Code that may have frames; code that hands on what it has to its caller, who then counts."""
    harmless: set[CodeType] = set()
    passing: set[CodeType] = set()
    for name in (*_HARMLESS, "logging", "dataclasses"):
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


def install(
    tell: "Callable[[str], None]",
    harmless: "frozenset[CodeType]",
    passing: "frozenset[CodeType]",
) -> "Callable[[bool], None]":
    """From now on `tell` hears of each kind of reach, once; the answer arms and disarms it."""
    events, frames, codes = _EVENTS, _FRAMES, _CODE
    get_frame = sys._getframe  # pyright: ignore[reportPrivateUsage]
    told: dict[str, bool] = {}
    armed = True
    busy = False

    def arm(on: bool) -> None:
        nonlocal armed
        armed = on

    def hook(event: str, arguments: "tuple[Any, ...]") -> None:
        nonlocal busy
        if not armed or busy:
            return
        label = ""
        if event in events:
            label = event
        elif event == "object.__getattr__" and arguments[1] in frames:
            label = arguments[1]
        elif event == "object.__setattr__" and arguments[1] in codes:
            label = f"set {arguments[1]}"
        elif event == "sys._getframe":
            label = event
        if not label or label in told:
            return
        busy = True
        try:
            if label == "sys._getframe" or label in frames:
                frame = get_frame(1)
                while frame is not None and frame.f_code in passing:
                    frame = frame.f_back
                if frame is not None and frame.f_code in harmless:
                    return
            told[label] = True
            tell(label)
        finally:
            busy = False

    sys.addaudithook(hook)
    return arm
