"""What of a problem can be compared: the words of its prompt, and the shape of its code.

    prompt_words(prompt)       what is asked, without signature, examples and assertions
    code = read_code(program)  names and, but for `exact`, constants taken out
    code.exact                 equal where two programs differ in names, docstrings and types only
    code.grams                 winnowed 8-grams of syntax: their Jaccard is how alike two programs are
    code.statements            the same as a bag, which does not care about the order of statements

Decontamination holds rows against benchmarks by these, and deduplication rows against rows.
"""

import ast
import hashlib
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

VERSION = "1"
"""Changes when the same text could get other fingerprints."""
GRAM = 8
"""Tokens of syntax in one gram."""
WINDOW = 4
"""Of so many neighbouring grams one is kept (winnowing: Schleimer et al. 2003)."""
_PRIME = (1 << 61) - 1
_BASE = 1_000_003

_DOCSTRING = re.compile(r"(\"\"\"|''')(.*?)(?:\1|\Z)", re.DOTALL)
_DOCTEST = re.compile(r"^[ \t]*>>>.*\n?(?:[ \t]*\S.*\n?)*", re.MULTILINE)
_CALL_LINE = re.compile(
    r"^[ \t]*(?:assert\b.*|(?:>>>[ \t]*)?\w+\(.*\)[ \t]*(?:==|=>|->|=|➞|→|returns?\b).*)$",
    re.MULTILINE,
)
_WORD = re.compile(r"[^\W_]+")


_CONSTANT = re.compile(r"(?<!\w)'[^'\n]{1,20}'(?!\w)|\"[^\"\n]{1,20}\"|(?<![A-Za-z_])\d+")
CONSTANT = "0"


def prompt_words(prompt: str, *, constants: bool = True) -> tuple[str, ...]:
    """The words of what is asked, in lower case, without signature, examples and assertions.

    Without `constants` every number and every quoted word is the same one: the same problem with
    other constants is still the same problem.

    >>> prompt_words('def inc(x):\\n    \\"\\"\\"Add ONE to x.\\n    >>> inc(1)\\n    2\\n    \\"\\"\\"')
    ('add', 'one', 'to', 'x')
    """
    docstrings = [match.group(2) for match in _DOCSTRING.finditer(prompt)]
    text = "\n".join(docstrings) if docstrings else prompt
    text = _CALL_LINE.sub("", _DOCTEST.sub("\n", text))
    if not constants:
        text = _CONSTANT.sub(f" {CONSTANT} ", text)
    return tuple(_WORD.findall(text.lower()))


def ngrams(words: Sequence[str], size: int) -> set[int]:
    """Hashes of all runs of `size` words."""
    return {
        _hash64(" ".join(words[start : start + size])) for start in range(len(words) - size + 1)
    }


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class CodeShape:
    """A program, as far as it can be compared."""

    exact: str
    """Of the syntax with names in order of appearance and constants as they are."""
    num_tokens: int
    grams: frozenset[int]
    statements: Mapping[int, int]
    """Statements by hash, without names and constants: how many tokens of each there are."""


def read_code(program: str) -> CodeShape | None:
    """The shape of a program; None where it is not Python.

    Imports, annotations and docstrings say nothing about what it does and are left out.
    """
    try:
        with warnings.catch_warnings():
            # `"\\w"` in somebody's program is theirs to mend.
            warnings.simplefilter("ignore")
            tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    bound = _bound_names(tree)
    reader = _Reader(bound)
    reader.block(tree.body)
    loose = [token if token[0] != "$" else "$" for token in reader.tokens]
    statements: Counter[int] = Counter()
    for start, end in reader.spans:
        content = [_token_hash(token) for token in loose[start:end]]
        statements[_polynomial(content)] += len(content)
    return CodeShape(
        exact=hashlib.sha256("\0".join(reader.exact).encode()).hexdigest()[:32],
        num_tokens=len(loose),
        grams=_winnow([_token_hash(token) for token in loose]),
        statements=statements,
    )


def _bound_names(tree: ast.AST) -> set[str]:
    """Names that the program itself gives: they may be called anything."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return bound


class _Reader:
    """Reads syntax into tokens: `tokens` without constants, `exact` with them."""

    def __init__(self, bound: set[str]) -> None:
        self._bound = bound
        self._order: dict[str, str] = {}
        self.tokens: list[str] = []
        self.exact: list[str] = []
        self.spans: list[tuple[int, int]] = []
        """Where each statement is, a compound one without its body."""

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            is_text = (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            )
            if not is_text and not isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
                self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        start = len(self.tokens)
        blocks: list[Sequence[ast.AST]] = []
        self._say(type(statement).__name__)
        for name, child in ast.iter_fields(statement):
            if name in ("body", "orelse", "finalbody", "handlers", "cases"):
                blocks.append(cast(Sequence[ast.AST], child))
            elif name not in ("returns", "annotation", "type_comment", "type_params"):
                self._field(child)
        self.spans.append((start, len(self.tokens)))
        for block in blocks:
            self._say("{")
            for member in block:
                if isinstance(member, ast.stmt):
                    self.block([member])
                else:
                    self._clause(member)
            self._say("}")

    def _clause(self, clause: ast.AST) -> None:
        """An `except` or a `case`, with its block."""
        self._say(type(clause).__name__)
        for name, child in ast.iter_fields(clause):
            if name == "body":
                self.block(cast(Sequence[ast.stmt], child))
            else:
                self._field(child)

    def _field(self, child: object) -> None:
        if isinstance(child, ast.AST):
            self._node(child)
        elif isinstance(child, list):
            for member in cast(list[object], child):
                self._field(member)
        elif isinstance(child, str):
            self._name(child)
        elif child is not None:
            self._say(str(child))

    def _node(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name):
                self._name(name)
            case ast.arg(arg=name):
                self._name(name)
            case ast.Constant(value=value):
                self.tokens.append(f"<{type(value).__name__}>")
                self.exact.append(repr(value))
            case ast.keyword(arg=name, value=value):
                self._say(f"{name}=")  # whose name it is stands elsewhere: columns=columns
                self._node(value)
            case ast.Attribute(value=value, attr=attribute):
                self._say(f".{attribute}")
                self._node(value)
            case ast.Load() | ast.Store() | ast.Del():
                pass
            case _:
                self._say(type(node).__name__)
                for _, child in ast.iter_fields(node):
                    self._field(child)

    def _name(self, name: str) -> None:
        if name in self._bound:
            known = self._order.setdefault(name, f"${len(self._order)}")
            self._say(known)
        else:
            self._say(name)

    def _say(self, token: str) -> None:
        self.tokens.append(token)
        self.exact.append(token)


@cache
def _token_hash(token: str) -> int:
    return zlib.crc32(token.encode("utf-8", "surrogatepass"))


def _polynomial(content: Sequence[int]) -> int:
    value = 0
    for number in content:
        value = (value * _BASE + number + 1) % _PRIME
    return value


def _winnow(content: Sequence[int]) -> frozenset[int]:
    grams = list(_rolling(content))
    if len(grams) <= WINDOW:
        return frozenset(grams)
    return frozenset(min(grams[start : start + WINDOW]) for start in range(len(grams) - WINDOW + 1))


_LEADING = pow(_BASE, GRAM - 1, _PRIME)


def _rolling(content: Sequence[int]) -> Iterator[int]:
    value = 0
    for position, number in enumerate(content):
        if position >= GRAM:
            value = (value - (content[position - GRAM] + 1) * _LEADING) % _PRIME
        value = (value * _BASE + number + 1) % _PRIME
        if position >= GRAM - 1:
            yield value


def jaccard(left: frozenset[int], right: frozenset[int]) -> float:
    """Shared members over all members; 0 where there are none.

    >>> jaccard(frozenset({1, 2, 3}), frozenset({2, 3, 4}))
    0.5
    """
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def bag_similarity(left: Mapping[int, int], right: Mapping[int, int]) -> float:
    """Shared tokens of two bags of statements over all of theirs."""
    shared = sum(min(size, right.get(key, 0)) for key, size in left.items())
    union = sum(left.values()) + sum(right.values()) - shared
    return shared / union if union else 0.0
