"""Call many programs in one process: a function by its name, or a program on standard input.

This file is used twice. The harness imports it to run what a teacher wrote by rule, and its text is
the head of the packed programs that the sandbox runs (verify.py), so it needs nothing but the
standard library. It knows no expected value.

Not here: programs that a model wrote. Each of those is a job of its own.
"""

import io
import sys
from collections.abc import Callable
from typing import Any


class Program:
    """One program, loaded when it is first called. No entry point: it is run on a text."""

    def __init__(self, code: str, entry_point: str) -> None:
        self._code: Any = code
        self._entry_point = entry_point
        self._function: Callable[..., object] | None = None

    def __call__(self, *arguments: object) -> object:
        if self._function is None:
            self._code = compile(self._code, "solution.py", "exec")
            self._function = self._load() if self._entry_point else self._run
        return self._function(*arguments)

    def _load(self) -> Callable[..., object]:
        namespace: dict[str, Any] = {"__name__": "solution"}
        exec(self._code, namespace)
        return namespace[self._entry_point]

    def _run(self, text: object) -> object:
        """What the program prints, given this text on standard input."""
        stdin, stdout = sys.stdin, sys.stdout
        printed = io.StringIO()
        sys.stdin, sys.stdout = io.StringIO(str(text)), printed
        try:
            exec(self._code, {"__name__": "__main__"})
        except SystemExit:
            pass
        finally:
            sys.stdin, sys.stdout = stdin, stdout
        return printed.getvalue()


PROGRAMS: list[Program] = []
"""Filled by the text behind this one in a packed program."""


def call(number: int, arguments: tuple[object, ...]) -> object:
    """The entry point of a packed program: its program of that number, on these arguments."""
    return PROGRAMS[number](*arguments)
