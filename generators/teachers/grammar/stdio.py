"""A task as a program that reads standard input and writes standard output.

One line an argument: a number as it is, a list of numbers with spaces between them, a text as it
stands. What is printed is written likewise, True and False as `Yes` and `No`.
"""

from collections.abc import Sequence
from typing import cast

from generators.teachers.grammar.values import fits
from harness.records import Value

_READ = {
    "int": "int(input())",
    "ints": "list(map(int, input().split()))",
    "text": "input()",
}
_LINE = {
    "int": "one integer",
    "ints": "integers with blanks between them (the line is empty if there are none)",
    "text": "one string",
}
_PRINT = {
    "int": ("print({})", "Print one integer."),
    "float": ("print({})", "Print one number."),
    "bool": ('print("Yes" if {} else "No")', "Print Yes if it is so, and No otherwise."),
    "ints": ("print(*{})", "Print the integers on one line, with blanks between them."),
    "text": ("print({})", "Print the string."),
    "strs": ('print("\\n".join({}))', "Print each string on a line of its own."),
}


def _form(kind: str, forms: Sequence[str]) -> str | None:
    return next((form for form in forms if fits(kind, form)), None)


def is_possible(kinds: Sequence[str], result: str) -> bool:
    """Whether such arguments can be read and such an answer printed, one way only."""
    readable = all(kind in _READ or _form(kind, tuple(_READ)) for kind in kinds)
    return readable and _form(result, tuple(_PRINT)) is not None


def program(
    function: str, name: str, names: Sequence[str], kinds: Sequence[str], result: str
) -> str:
    """The function, and below it the lines that read, call and print."""
    reads = [
        f"{argument} = {_READ[_form(kind, tuple(_READ)) or kind]}"
        for argument, kind in zip(names, kinds, strict=True)
    ]
    frame, _ = _PRINT[_form(result, tuple(_PRINT)) or result]
    return "\n".join(
        (function.rstrip(), "", "", *reads, frame.format(f"{name}({', '.join(names)})"), "")
    )


def explained(names: Sequence[str], kinds: Sequence[str], result: str) -> str:
    """What the lines of input hold, and what to print."""
    lines = [
        f"Line {number} holds {name}: {_LINE[_form(kind, tuple(_READ)) or kind]}."
        for number, (name, kind) in enumerate(zip(names, kinds, strict=True), start=1)
    ]
    if len(lines) == 1:
        lines = [lines[0].replace("Line 1", "The only line")]
    _, printed = _PRINT[_form(result, tuple(_PRINT)) or result]
    return "Input:\n" + "\n".join(lines) + f"\n\nOutput:\n{printed}"


def written(given: Sequence[Value]) -> str:
    """The standard input for one call.

    >>> written(([1, -2], 3, "a b"))
    '1 -2\\n3\\na b\\n'
    """
    return "".join(f"{_line(value)}\n" for value in given)


def _line(value: Value) -> str:
    if isinstance(value, list):
        return " ".join(map(str, cast(list[object], value)))
    return str(value)
