"""From a reply to the code in it: pure functions on text.

    thinking, answer = split_thinking(reply)
    code = extract_code(answer, "two_sum")

Marked thinking goes first, since drafts stand there. Then, of the fenced blocks, the last one
that defines the entry point is taken whole, with the other blocks that it needs. Whole means
that decorators, helpers without `return`, `A, B = 1, 2` and `try: import` stay as they were
written; a reply without fences gives its longest run of lines that parses and defines the entry
point. Code that does not parse is given back as it is: that is a verdict, and not ours to hide,
so a function that the token limit cut is never trimmed into a shorter one that parses.

`evalplus_code` is the parity mode: EvalPlus's own extraction, called from the installed package
with all that it loses.

Where a problem names no entry point the last block is taken (`extract_program`).

Not here: running anything. Nothing is executed here.
"""

import ast
import builtins
import codeop
import re
import symtable
import textwrap
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import groupby
from typing import NamedTuple

from harness.errors import UserError
from harness.records import Problem

THINK_MARKS = ("<think>", "</think>")

PYTHON_TAGS = frozenset({"", "python", "python3", "py", "py3", "ipython"})
"""Languages of a fence that are read as Python; no language counts as Python."""

PARSE_BUDGET = 2_000_000
"""Characters parsed in search of a run of lines, a few tenths of a second; then it is given up."""

JOIN_COST = 2500
"""What a statement that goes on costs besides its characters: open brackets parse slowly."""


class Thinking(NamedTuple):
    """A reply in its two parts."""

    thinking: str | None
    """The marked text, without the marks; None where nothing was marked."""
    answer: str


def split_thinking(reply: str, marks: tuple[str, str] = THINK_MARKS) -> Thinking:
    """The marked thinking, and the answer without it.

    After an opening mark that is never closed, all is thinking: the token limit cut it. Before
    a closing mark that nothing opened, all is thinking: the prompt had the opening one.

    >>> split_thinking("<think>n is odd?</think>def f(): ...")
    Thinking(thinking='n is odd?', answer='def f(): ...')
    """
    opening, closing = marks
    thoughts: list[str] = []
    answer = ""
    before, closed, after = reply.partition(closing)
    if closed and opening not in before:
        thoughts.append(before)
        reply = after
    while opening in reply:
        before, _, rest = reply.partition(opening)
        thought, _, reply = rest.partition(closing)
        answer += before
        thoughts.append(thought)
    return Thinking("\n".join(thoughts) if thoughts else None, answer + reply)


def looks_like_reply(text: str) -> bool:
    """Whether the text is written like a chat reply, with fences or thinking, not like a program."""
    return any(mark in text for mark in THINK_MARKS) or _FENCE_LINE.search(text) is not None


def defines(code: str, entry_point: str) -> bool:
    """Whether the code parses and defines the name at its top level; importing it is not enough."""
    with _quiet():
        return _defines(code, entry_point)


def extract_code(reply: str, entry_point: str) -> str:
    """The program in a reply from which the thinking is gone; "" where there is none.

    >>> extract_code("Sure:\\n```python\\ndef f():\\n    return 1\\n```\\nDone.", "f")
    'def f():\\n    return 1\\n'
    """
    with _quiet():
        return _extracted(reply, entry_point)


def extract_program(reply: str) -> str:
    """The last fenced block of Python, as LiveCodeBench takes it; the reply where it is a program.

    For problems that name nothing to look for.

    >>> extract_program("First:\\n```python\\n1\\n```\\nBetter:\\n```python\\n2\\n```\\n")
    '2\\n'
    """
    with _quiet():
        blocks = _blocks(reply)
        python = [block.code for block in blocks if block.is_python]
        if blocks:
            return (python or [block.code for block in blocks])[-1]
        is_program = _parse(reply).tree is not None and not _has_words(reply)
        return reply if is_program or _CODE_LINE.search(reply) else ""


def code_for(problem: Problem, reply: str) -> str:
    """The program in a reply to a problem."""
    if problem.asks_for_program:
        return extract_program(reply)
    return extract_code(reply, problem.entry_point)


def evalplus_code(text: str, entry_point: str) -> str:
    """What `evalplus.sanitize` makes of a solution: the parity mode.

    Raises:
        UserError: evalplus is not installed.
    """
    try:
        sanitize: Callable[[str, str], str] = import_module("evalplus.sanitize").sanitize
    except ModuleNotFoundError:
        raise UserError(
            "extraction by evalplus needs the extra `bench`: pip install 'code-harness[bench]'"
        ) from None
    with _quiet():
        return sanitize(text, entry_point)


@contextmanager
def _quiet() -> Generator[None]:
    """A `"\\d"` in a model's code is its own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _extracted(reply: str, entry_point: str) -> str:
    if _defines(reply, entry_point) and not _has_words(reply):
        return reply
    blocks = _blocks(reply)
    python = [block for block in blocks if block.is_python]
    # A block that defines the entry point is Python, whatever its fence says.
    for candidates in (python, blocks):
        defining = [index for index, block in enumerate(candidates) if block.defines(entry_point)]
        if defining:
            return _with_helpers(candidates, defining[-1])
    # A block with a word too many at its end; code that goes on from a fence in the prompt, up
    # to where it closes; code with no fence at all; code that is merely indented.
    for text in [*(block.code for block in reversed(python)), reply, *_indented(reply)]:
        run = _longest_run(text, entry_point)
        if run:
            return run
    # Nothing that parses defines it: the block that means to, else the longest.
    meant = [block for block in python if re.search(rf"\b{re.escape(entry_point)}\b", block.code)]
    if python:
        return max(meant or python, key=lambda block: len(block.code)).code
    # Broken code is the model's to answer for; prose (a refusal, say) is no code.
    return reply if _CODE_LINE.search(reply) and not _FENCE_LINE.search(reply) else ""


# Names. `symtable` is the compiler's own account of scopes: a local variable of a function that
# happens to be called like a helper is no use of the helper.


class _Names(NamedTuple):
    defined: frozenset[str]
    """Bound at the top level, other than by an import."""
    bound: frozenset[str]
    """Bound at the top level."""
    needed: frozenset[str]
    """Looked up at the top level, and neither bound there nor built in."""


def _defines(code: str, name: str) -> bool:
    names = _names(code)
    return names is not None and name in names.defined


def _names(code: str) -> _Names | None:
    """The names of a program; None where it does not parse."""
    try:
        top = symtable.symtable(code, "<reply>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    defined: set[str] = set()
    bound: set[str] = set()
    used: set[str] = set()
    for symbol in top.get_symbols():
        if symbol.is_assigned():
            defined.add(symbol.get_name())
        if symbol.is_assigned() or symbol.is_imported():
            bound.add(symbol.get_name())
        elif symbol.is_referenced():
            used.add(symbol.get_name())
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_global():
                (bound if symbol.is_assigned() else used).add(symbol.get_name())
    needed = used - bound - set(dir(builtins))
    return _Names(frozenset(defined), frozenset(bound), frozenset(needed))


# Fenced blocks, as CommonMark has them: three or more backticks or tildes, closed by at least as
# many of the same, or by the end of the reply.

_CODE_LINE = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(|class[ \t]+\w+|return\b|import[ \t]+\w|\w+[ \t]*=)",
    re.MULTILINE,
)
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_OPENING = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$")


@dataclass(frozen=True)
class _Block:
    language: str
    code: str

    @property
    def is_python(self) -> bool:
        return self.language in PYTHON_TAGS

    @cached_property
    def names(self) -> _Names | None:
        return _names(self.code)

    def defines(self, name: str) -> bool:
        return self.names is not None and name in self.names.defined


def _blocks(reply: str) -> list[_Block]:
    blocks: list[_Block] = []
    opening: re.Match[str] | None = None
    lines: list[str] = []
    for line in reply.removesuffix("\n").split("\n"):
        if opening is None:
            opening = _OPENING.match(line)
            lines = []
        elif _closes(line, opening["fence"]):
            blocks.append(_block(opening, lines))
            opening = None
        else:
            lines.append(line)
    if opening is not None:
        blocks.append(_block(opening, lines))
    return [block for block in blocks if block.code.strip()]


def _closes(line: str, fence: str) -> bool:
    mark = line.strip()
    return len(mark) >= len(fence) and set(mark) == {fence[0]}


def _block(opening: re.Match[str], lines: Sequence[str]) -> _Block:
    # A fence inside a list item is indented, and its code with it.
    indent = opening["indent"]
    code = "".join(f"{line.removeprefix(indent)}\n" for line in lines)
    if _names(code) is None and _names(textwrap.dedent(code)) is not None:
        code = textwrap.dedent(code)
    language = re.match(r"[\w+#-]*", opening["info"].strip(" \t{.").lower())
    return _Block(language=language[0] if language else "", code=code)


def _with_helpers(blocks: Sequence[_Block], main: int) -> str:
    """The block, and in the order of the reply the blocks that define what it needs."""
    providers = _providers(blocks, main)
    chosen = {main}
    bound = set(_bound(blocks[main]))
    to_do = [main]
    while to_do:
        names = blocks[to_do.pop()].names
        for name in sorted(names.needed - bound if names else ()):
            provider = providers.get(name)
            if provider is not None and provider not in chosen:
                chosen.add(provider)
                bound |= _bound(blocks[provider])
                to_do.append(provider)
    return _joined([blocks[index].code for index in sorted(chosen)])


def _bound(block: _Block) -> frozenset[str]:
    return block.names.bound if block.names else frozenset()


def _providers(blocks: Sequence[_Block], main: int) -> dict[str, int]:
    """For each name the block that binds it: the nearest before `main`, else the first after it."""
    found: dict[str, int] = {}
    for index, block in enumerate(blocks):
        for name in _bound(block):
            if index < main or name not in found:
                found[name] = index
    return found


_FUTURE = re.compile(r"^from __future__ import .*\n?", re.MULTILINE)


def _joined(codes: Sequence[str]) -> str:
    if len(codes) == 1:
        return codes[0]
    # Future imports must stand first, also those of the second block.
    futures = dict.fromkeys(line.strip() for code in codes for line in _FUTURE.findall(code))
    return "\n".join([*futures, *(_FUTURE.sub("", code) for code in codes)])


# Code without fences. Top-level statements parse one by one, so a run of lines that parses is a
# run of pieces that do. Looking at all ranges of lines takes minutes for a long reply; this
# takes one parse a piece, and more only for pieces that a blind cut tore.

_CONTINUES = re.compile(r"(?:elif|else|except|finally)\b")
_MAX_JOINED = 40
"""Pieces that are tried as one statement: an open bracket in prose would swallow all the rest."""

# No stub names the second flag, by which the interpreter's prompt tells a torn statement from a
# wrong one; were it gone, this line would say so.
_PARSE_FLAGS = ast.PyCF_ONLY_AST | int(vars(codeop)["PyCF_ALLOW_INCOMPLETE_INPUT"])


class _Parse(NamedTuple):
    tree: ast.Module | None
    is_incomplete: bool
    """It does not parse, and could if it went on."""


def _parse(code: str) -> _Parse:
    try:
        tree = compile(code, "<reply>", "exec", _PARSE_FLAGS)
    except SyntaxError as error:
        # The word of the interpreter's own prompt, when it asks for another line.
        return _Parse(None, "incomplete input" in str(error))
    except (ValueError, RecursionError, MemoryError):
        return _Parse(None, False)
    return _Parse(tree, False)


def _longest_run(text: str, entry_point: str) -> str:
    """The run of lines with the most code that parses and defines the entry point, or ""."""
    if entry_point not in text:
        return ""
    runs = _runs(_pieces(textwrap.dedent(text)))
    for run in sorted(runs, key=_num_code_lines, reverse=True):
        if _defines(run, entry_point):
            return run
    return ""


def _num_code_lines(run: str) -> int:
    return sum(1 for line in run.split("\n") if line.strip())


def _pieces(text: str) -> list[str]:
    """The text cut before every line that is not indented."""
    pieces: list[str] = []
    for line in text.split("\n"):
        if pieces and (not line.strip() or line[0] in " \t"):
            pieces[-1] += f"{line}\n"
        else:
            pieces.append(f"{line}\n")
    return pieces


def _indented(text: str) -> list[str]:
    """The stretches of indented lines: code blocks of Markdown's older kind."""
    stretches = groupby(text.split("\n"), key=lambda line: not line.strip() or line[0] in " \t")
    return ["\n".join(lines) for is_indented, lines in stretches if is_indented]


def _runs(pieces: Sequence[str]) -> list[str]:
    """Runs of consecutive pieces that are code, alone or put together."""
    runs: list[list[str]] = [[]]
    budget = PARSE_BUDGET
    at = 0
    while at < len(pieces) and budget > 0:
        statement, end = pieces[at], at + 1
        if runs[-1] and _CONTINUES.match(statement):
            whole = runs[-1][-1] + statement
            budget -= len(whole)
            if _parse(whole).tree is not None:
                runs[-1][-1] = whole
                at = end
                continue
        parse = _parse(statement)
        budget -= len(statement)
        while parse.is_incomplete and end < min(len(pieces), at + _MAX_JOINED) and budget > 0:
            statement += pieces[end]
            end += 1
            parse = _parse(statement)
            budget -= len(statement) + JOIN_COST
        if parse.tree is not None and _does_something(parse.tree):
            runs[-1].append(statement)
            at = end
        else:
            runs.append([])
            at += 1
    return ["".join(run) for run in runs if run]


def _does_something(tree: ast.Module) -> bool:
    """Whether it is more than words that parse: `Explanation`, `Example: this`, `return it`."""
    return not any(_is_words(statement) for statement in tree.body)


def _has_words(code: str) -> bool:
    tree = _parse(code).tree
    return tree is not None and not _does_something(tree)


def _is_words(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()):
            return False
        case ast.Expr(value):
            # Without a call in it, an expression has no effect but to raise.
            return not any(isinstance(node, ast.Call | ast.NamedExpr) for node in ast.walk(value))
        case ast.AnnAssign(value=None) | ast.Return():
            return True
        case _:
            return False
