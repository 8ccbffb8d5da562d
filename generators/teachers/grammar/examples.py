"""The whole prompt: what is asked, in the form that is wanted, with examples that show it.

docstring   a signature and a docstring with doctests: the program goes on from it
sentence    a sentence and assertions inside a docstring: the program follows it
"""

import textwrap
from collections.abc import Callable, Sequence

from generators.teachers.protocol import Form
from harness.records import Value

_WIDTH = 92
_LONGEST_EXAMPLE = 60


def shown_prompt(
    asked: str,
    form: Form,
    name: str,
    header: str,
    function: Callable[..., object],
    inputs: Sequence[tuple[Value, ...]],
) -> str:
    """The prompt, with one or two examples that are short and say something."""
    shown = [(call, function(*given)) for given in inputs if (call := _call(name, given))]
    examples = _telling(shown, 2 if form == "docstring" else 3)
    if form == "docstring":
        lines = [*textwrap.wrap(asked, _WIDTH), ""]
        for call, answer in examples:
            lines += [f">>> {call}", repr(answer)]
        inside = "\n".join(f"    {line}" if line else "" for line in lines)
        return f'{header}\n    """{inside.lstrip()}\n    """\n'
    lines = textwrap.wrap(asked, _WIDTH)
    lines += [f"assert {call} == {answer!r}" for call, answer in examples]
    return '"""\n' + "\n".join(lines) + '\n"""\n'


def _call(name: str, given: tuple[Value, ...]) -> str:
    text = f"{name}({', '.join(map(repr, given))})"
    return text if len(text) <= _LONGEST_EXAMPLE else ""


def _telling(
    shown: Sequence[tuple[str, object]], most: int
) -> list[tuple[str, object]]:
    """Examples with different answers, those that are not empty or zero first, short ones first."""
    ranked = sorted(shown, key=lambda one: (not one[1], abs(len(one[0]) - 36)))
    found: dict[str, tuple[str, object]] = {}
    for call, answer in ranked:
        if len(repr(answer)) <= _LONGEST_EXAMPLE:
            found.setdefault(repr(answer), (call, answer))
        if len(found) == most:
            break
    return list(found.values())
