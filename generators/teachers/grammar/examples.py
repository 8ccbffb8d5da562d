"""The whole prompt: what is asked, in the form that is wanted, with examples that show it.

docstring   a signature and a docstring with doctests: the program goes on from it
sentence    a sentence and assertions inside a docstring: the program follows it
stdio       a statement, the lines of input, what to print, and an example of both
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from generators.teachers.grammar import code, stdio
from generators.teachers.grammar.spec import Call, kind_of
from generators.teachers.protocol import Form
from harness.records import Value

_WIDTH = 92
_LONGEST_EXAMPLE = 70


@dataclass(frozen=True, slots=True)
class Made:
    """A task that has passed, before it is written out."""

    spec: Call
    form: Form
    asked: str
    name: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    function: Callable[..., object]
    calls: tuple[tuple[Value, ...], ...]

    @property
    def inputs(self) -> tuple[tuple[Value, ...], ...]:
        """The tests as the form has them: argument tuples, or texts of standard input."""
        if self.form != "stdio":
            return self.calls
        return tuple((stdio.written(given),) for given in self.calls)


def finished(made: Made, function: str) -> str:
    """A function as the whole program of the task's form."""
    if made.form == "docstring":
        return function
    return _above(
        function
        if made.form == "sentence"
        else stdio.program(function, made.name, made.names, made.kinds, kind_of(made.spec))
    )


def _above(program: str) -> str:
    """With the imports of the function on top, where no prompt stands above it."""
    header, *lines = program.split("\n")
    last = 0
    while lines[last].startswith(("    import ", "    from ")):
        last += 1
    if not last:
        return program
    imports = [line.strip() for line in lines[:last]]
    return "\n".join([*imports, "", "", header, *lines[last + 1 :]])


def shown_prompt(made: Made) -> str:
    """The prompt, with one to three examples that are short and say something."""
    shown = [
        (call, made.function(*given)) for given in made.calls if (call := _call(made.name, given))
    ]
    lines = textwrap.wrap(made.asked, _WIDTH)
    match made.form:
        case "docstring":
            lines.append("")
            for call, answer in _telling(shown, 2):
                lines += [f">>> {call}", repr(answer)]
            header = code.header(made.name, made.names, made.kinds, kind_of(made.spec))
            inside = textwrap.indent("\n".join(lines), "    ")
            return f'{header}\n    """{inside.lstrip()}\n    """\n'
        case "sentence":
            lines += [f"assert {call} == {answer!r}" for call, answer in _telling(shown, 3)]
            return '"""\n' + "\n".join(lines) + '\n"""\n'
        case "stdio":
            lines += ["", stdio.explained(made.names, made.kinds, kind_of(made.spec)), ""]
            given, answer = _telling(
                [(stdio.written(one), made.function(*one)) for one in made.calls], 1
            )[0]
            lines += ["Example input:", given.rstrip("\n"), "", "Example output:", _printed(answer)]
            return "\n".join(lines) + "\n"


def _printed(answer: object) -> str:
    if isinstance(answer, bool):
        return "Yes" if answer else "No"
    if isinstance(answer, list):
        parts = cast(list[object], answer)
        mark = "\n" if parts and isinstance(parts[0], str) else " "
        return mark.join(map(str, parts))
    return str(answer)


def _call(name: str, given: tuple[Value, ...]) -> str:
    text = f"{name}({', '.join(map(repr, given))})"
    return text if len(text) <= _LONGEST_EXAMPLE else ""


def _telling(shown: Sequence[tuple[str, object]], most: int) -> list[tuple[str, object]]:
    """Examples with different answers, those that are not empty or zero first, short ones first."""
    ranked = sorted(
        shown, key=lambda one: (not one[1], abs(len(one[0]) - (52 if "[[" in one[0] else 42)))
    )
    found: dict[str, tuple[str, object]] = {}
    for call, answer in ranked:
        if len(repr(answer)) <= _LONGEST_EXAMPLE:
            found.setdefault(repr(answer), (call, answer))
        if len(found) == most:
            break
    return list(found.values())
