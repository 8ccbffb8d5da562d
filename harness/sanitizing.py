"""The extraction of BigCodeBench 0.2.5, quirk by quirk: its parity mode.

    code = bigcodebench_code(reply, "task_func")

Of EvalPlus's extraction it differs in three places, which is why that one can't be called: the text
is stripped first, functions without `return` are kept, and unindented lines at the end that mention
the entry point are cut off. What it loses, like its model: what is decorated, `A, B = 1, 2`, `if` and
`try` at the top level, the second definition of a name, all of a reply but its longest stretch that
parses. A test holds it equal to the publisher's package on a thousand replies.

Our own extraction, which loses none of that, is extraction.py. Nothing is executed here.
"""

import ast
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from harness.errors import UserError
from harness.extraction import evalplus_code
from harness.records import Problem

_IMPORTS = ("import_statement", "import_from_statement")
_DEFINITIONS = ("class_definition", "function_definition")


class _Definition(NamedTuple):
    name: str | None
    """The first identifier right below; None for `a[0] = 1`, which is never reached."""
    text: str
    identifiers: frozenset[str]


def peer_code(text: str, problem: Problem) -> str:
    """What the evaluator that a problem comes from makes of a solution: the extraction `evalplus`.

    Raises:
        UserError: what it takes is not installed.
    """
    if problem.family == "bigcodebench":
        return bigcodebench_code(text, problem.entry_point)
    return evalplus_code(text, problem.entry_point)


def bigcodebench_code(text: str, entry_point: str) -> str:
    """The program that BigCodeBench finds in a reply.

    Raises:
        UserError: tree-sitter is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a `"\d"` in a model's code
        code = _reachable(_longest_stretch(text.strip()), entry_point)
        return _without_tail(code, entry_point).strip() or _longest_stretch(text)


def _longest_stretch(text: str) -> str:
    """The lines, two at least, that parse and are most without the blank ones; the first such."""
    lines = text.split("\n")
    before = [0]  # how many lines that are not blank stand before each line
    for line in lines:
        before.append(before[-1] + bool(line.strip()))
    ranges = [
        (before[first] - before[last + 1], first, last)
        for first in range(len(lines))
        for last in range(first + 1, len(lines))
        if before[last + 1] > before[first]
    ]
    ranges.sort()
    for _, first, last in ranges:
        stretch = "\n".join(lines[first : last + 1])
        if _parses(stretch):
            return stretch
    return lines[0]


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, MemoryError, ValueError, RecursionError):
        return False
    return True


def _reachable(code: str, entry_point: str) -> str:
    """Imports, and the definitions that the entry point mentions, and those that they mention."""
    source = code.encode()
    imports: list[str] = []
    definitions: list[_Definition] = []
    for node in _parser().parse(source).root_node.children:
        if node.type in _IMPORTS:
            imports.append(_text(source, node))
            continue
        if node.type == "expression_statement" and node.children[0].type == "assignment":
            node = node.children[0]
        elif node.type not in _DEFINITIONS:
            continue
        name = next((_name(child) for child in node.children if child.type == "identifier"), None)
        if name is None or all(name != known.name for known in definitions):
            identifiers = frozenset(_identifiers(node))
            definitions.append(_Definition(name, _text(source, node), identifiers))
    by_name = {definition.name: definition for definition in definitions}
    reached: set[str] = {entry_point}
    to_do = [entry_point]
    while to_do:
        mentioned = by_name.get(to_do.pop())
        news = mentioned.identifiers - reached if mentioned else frozenset[str]()
        reached |= news
        to_do += news
    kept = [definition.text for definition in definitions if definition.name in reached]
    return "\n".join([*imports, *kept])


def _without_tail(code: str, entry_point: str) -> str:
    """Cut before the first of the unindented last lines that mention the entry point."""
    lines = code.splitlines()
    place = len(lines)
    cut = None
    while place and not lines[place - 1].startswith(" "):
        place -= 1
        if entry_point in lines[place]:
            cut = place
    return code if cut is None else "\n".join(lines[:cut])


def _parser() -> Any:
    try:
        language = import_module("tree_sitter_python").language()
        tree_sitter = import_module("tree_sitter")
    except ModuleNotFoundError:
        raise UserError(
            "BigCodeBench's own extraction needs the extra `bench`: pip install 'code-harness[bench]'"
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(language))


def _text(source: bytes, node: Any) -> str:
    return source[node.start_byte : node.end_byte].decode()


def _name(node: Any) -> str:
    return node.text.decode()


def _identifiers(node: Any) -> Iterator[str]:
    queue: Sequence[Any] = node.children
    while queue:
        below: list[Any] = []
        for child in queue:
            if child.type == "identifier":
                yield _name(child)
            else:
                below += child.children
        queue = below
