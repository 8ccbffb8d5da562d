"""The meaning of a task as a tree of typed operations, and the tables that operations come from.

    Call("total", (Call("keep.int", (Call("even", ()), Arg(0, "ints"))),))

is the sum of the even numbers. Code in every style (code.py), prompts (phrases.py) and their way
back, and wrong programs (mutants.py) are all made of such a tree and of the tables in ops/*.txt,
whose format docs/teachers.md explains. The tables are read once, at import.

Not here: which trees are worth a task (families.py).
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from string import Formatter
from typing import TypeAlias

STYLES = ("loop", "comprehension", "recursive", "library")

TYPES: tuple[str, ...] = tuple(
    (
        "regex date_time bits_bases matrix_grid dp stack_queue combinatorics recursion "
        "number_theory math_geometry dict_count set_unique sort_order tuple string list_array "
        "arith_expr"
    ).split()
)
"""By priority: a program is of the first of these that any of its operations is of."""


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument of the program."""

    index: int
    kind: str


@dataclass(frozen=True, slots=True)
class Const:
    """A number or a text that the task fixes."""

    value: int | str
    kind: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operation on what its kids give."""

    op: str
    kids: tuple["Spec", ...] = ()


Spec: TypeAlias = Arg | Const | Call


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a template: a kid's number, or `x`, `out`, `f`."""

    of: int | str
    form: str = ""
    exposed: bool = False
    """In code: whether an operator stands beside it, so that what fills it may need brackets."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with holes, of a rendering or of a phrase."""

    parts: tuple[str | Hole, ...]
    atomic: bool = False
    """In code: whether the whole binds as tightly as a name does."""
    is_block: bool = False
    """In code: statements that assign `{out}`, or the definition of `{f}`."""

    def count(self, kid: int) -> int:
        return sum(isinstance(part, Hole) and part.of == kid for part in self.parts)


@dataclass(frozen=True, slots=True)
class Slot:
    """What an operation takes in one place."""

    kind: str
    """A kind of values, or `int?`: a predicate on ints, or `int>`: a key of ints."""
    is_param: bool = False
    """A parameter: a constant, or (where `may_be_arg`) an argument of the program."""
    choices: tuple[int | str, ...] = ()
    may_be_arg: bool = False

    @property
    def is_value(self) -> bool:
        return not self.is_param and self.kind[-1] not in "?>"


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: what it takes and gives, how it is programmed and how it is said."""

    name: str
    slots: tuple[Slot, ...]
    result: str
    type: str
    family: str
    code: Mapping[str, Template]
    says: Mapping[str, tuple[Template, ...]] = field(hash=False)
    """By form: `say`, or `is` and `are` for predicates, or `key`."""
    out: str
    """What the variable is called that holds its answer; empty where its name will do."""
    is_core: bool = True
    """Whether a task of its type may be about it; else it only stands beside others."""


def parts_of(text: str) -> tuple[str | Hole, ...]:
    """A template's text, cut at its holes.

    >>> parts_of("the first {0} of {1}")
    ('the first ', Hole(of=0, form='', exposed=False), ' of ', Hole(of=1, form='', exposed=False))
    """
    parts: list[str | Hole] = []
    for literal, name, form, _ in Formatter().parse(text):
        if literal:
            if parts and isinstance(parts[-1], str):
                parts[-1] += literal
            else:
                parts.append(literal)
        if name is not None:
            parts.append(Hole(int(name) if name.isdigit() else name, form or ""))
    return tuple(parts)


_SAFE_BEFORE = re.compile(r"(?:^|[(\[{:,=] ?|\bif |\breturn |\n\s*)$")
_SAFE_AFTER = re.compile(r"[)\]},:\n]| else\b|$")


def code_template(text: str) -> Template:
    """A rendering, with its holes marked that an operator stands beside."""
    parts = parts_of(text)
    marked: list[str | Hole] = []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            marked.append(part)
            continue
        before = parts[index - 1] if index else ""
        after = parts[index + 1] if index + 1 < len(parts) else ""
        safe = (
            isinstance(before, str)
            and isinstance(after, str)
            and _SAFE_BEFORE.search(before)
            and _SAFE_AFTER.match(after)
        )
        marked.append(Hole(part.of, part.form, exposed=not safe))
    is_block = "\n" in text
    atomic = False
    if not is_block:
        filled = "".join(part if isinstance(part, str) else "_h_" for part in parts)
        tight = (ast.Call, ast.Name, ast.Subscript, ast.Attribute, ast.ListComp, ast.List, ast.Dict)
        atomic = isinstance(
            ast.parse(filled, mode="eval").body, (*tight, ast.Constant, ast.DictComp, ast.Tuple)
        ) and not filled.endswith(",")
    return Template(tuple(marked), atomic, is_block)


# Reading the tables.

_ELEMENTS = {
    "int": {"[T]": "ints", "var": "x", "noun": "number", "zero": "0", "none": "0"},
    "text": {"[T]": "strs", "var": "word", "noun": "string", "zero": '""', "none": "''"},
}
_SLOT = re.compile(r"(#?)([\w>?]+)(!?)(?:\[(-?\d+)\.\.(-?\d+)\]|\{([^}]*)\})?$")
_COMMA = re.compile(r", (?![^{]*\})")
_LETTERS = tuple("aeiobcdlmnrst")


@dataclass(slots=True)
class _Block:
    """One entry of a table, as it was read."""

    word: str
    name: str
    sig: str
    fields: dict[str, list[str]]
    type: str
    family: str


def _blocks(text: str) -> Iterator[_Block]:
    type_name = family = ""
    block: _Block | None = None
    indented: list[str] | None = None
    for line in text.splitlines():
        if line.startswith("    ") and indented is not None:
            indented[-1] += line[4:] + "\n"
            continue
        word, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if word == "family":
            type_name, family = rest.split(" / ")
        elif word in ("op", "pred", "fn", "side"):
            if block is not None:
                yield block
            name, _, sig = rest.partition(": ")
            block = _Block(word, name, sig, {}, type_name, family)
            indented = None
        else:
            assert block is not None, line
            indented = block.fields.setdefault(word, [])
            indented.append(rest.strip() and rest + "\n")
            if rest.strip():
                indented[-1] = rest
                indented = None
    if block is not None:
        yield block


def _slot(text: str) -> Slot:
    found = _SLOT.match(text)
    assert found, f"a slot that can't be read: {text!r}"
    is_param, kind, never_arg, low, high, listed = found.groups()
    choices: tuple[int | str, ...] = ()
    if low is not None:
        choices = tuple(range(int(low), int(high) + 1))
    elif listed is not None:
        as_int = kind in ("int", "nat", "medium", "small", "count")
        choices = tuple(int(one) if as_int else one for one in listed.split())
    elif kind == "char":
        choices = _LETTERS
    may_be_arg = bool(is_param) and not never_arg and kind not in ("char", "text")
    return Slot(kind, bool(is_param), choices, may_be_arg)


def _typed(block: _Block) -> Iterator[tuple[str, _Block]]:
    """The block for each element type, where it has a type variable."""
    if not re.search(r"\bT\b", block.sig):
        yield block.name, block
        return
    for element, words in _ELEMENTS.items():
        sig = block.sig.replace("[T]", words["[T]"])
        sig = re.sub(r"\bT\b", element, sig)
        fields = {
            word: [_worded(line, word, words) for line in lines]
            for word, lines in block.fields.items()
        }
        yield (
            f"{block.name}.{element}",
            _Block(block.word, block.name, sig, fields, *_home(block, element)),
        )


def _home(block: _Block, element: str) -> tuple[str, str]:
    """Type and family; lists of strings are a matter of strings, whatever is done to them."""
    if element == "text" and block.type == "list_array":
        return "string", f"lists, {block.family}"
    return block.type, block.family


def _worded(line: str, word: str, words: Mapping[str, str]) -> str:
    line = line.replace("{zero}", words["zero"]).replace("{none}", words["none"])
    if word in STYLES or word == "code":
        return re.sub(r"@(?![a-z])", words["var"], line)
    return line.replace("@", words["noun"])


_EACH = {
    "comprehension": "[{code} for {v} in {{0}}]",
    "loop": "{{out}} = []\nfor {v} in {{0}}:\n    {{out}}.append({code})\n",
    "recursive": (
        "def {{f}}(items):\n    if not items:\n        return []\n"
        "    {v} = items[0]\n    return [{code}, *{{f}}(items[1:])]\n"
    ),
    "library": "list(map(lambda {v}: {code}, {{0}}))",
}
"""A function of one element, done to each of a list."""


def _says(block: _Block, words: tuple[str, ...]) -> dict[str, tuple[Template, ...]]:
    return {
        word: tuple(Template(parts_of(line)) for line in block.fields[word])
        for word in words
        if word in block.fields
    }


def _ops(block: _Block, name: str) -> Iterator[Op]:
    """The operations that one entry stands for."""
    given, _, result = block.sig.partition(" -> ")
    slots = tuple(_slot(text) for text in _COMMA.split(given) if text)
    code = {
        style: code_template(block.fields[style][0]) for style in STYLES if style in block.fields
    }
    out = block.fields.get("out", [""])[0]
    if block.word in ("op", "side"):
        says = _says(block, ("say", "root"))
        core = block.word == "op"
        yield Op(name, slots, result, block.type, block.family, code, says, out, core)
        return
    subject, rest = slots[0].kind, slots[1:]
    text = block.fields["code"][0]
    if block.word == "pred":
        bound = {"comprehension": code_template(text)}
        says = _says(block, ("is", "are"))
        yield Op(name, rest, f"{subject}?", block.type, block.family, bound, says, "", False)
        if subject in ("char", "pair"):
            return
        clause = {
            "say": tuple(
                Template((Hole(0), " ", *_shifted(template.parts, 1))) for template in says["is"]
            )
        }
        code.setdefault("comprehension", code_template(_renumbered(text, 1).replace("{x}", "{0}")))
        slot = Slot(subject)
        yield Op(
            f"is.{name}", (slot, *rest), "bool", block.type, block.family, code, clause, "", False
        )
        return
    assert block.word == "fn", block.word
    code.setdefault("comprehension", code_template(_renumbered(text, 1).replace("{x}", "{0}")))
    core = "core" in block.fields
    says = _says(block, ("say",))
    yield Op(name, slots, result, block.type, block.family, code, says, out, core)
    if "key" in block.fields:
        bound = {"comprehension": code_template(text)}
        yield Op(
            f"key.{name}", rest, f"{subject}>", block.type, block.family, bound,
            _says(block, ("key",)), "", False,
        )  # fmt: skip
    if "each" in block.fields:
        element = "text" if subject == "text" else "int"
        v = _ELEMENTS[element]["var"]
        body = _renumbered(text, 1).replace("{x}", v)
        lifted = {
            style: code_template(frame.format(v=v, code=body)) for style, frame in _EACH.items()
        }
        listed = {"text": "strs", "int": "ints", "nat": "nats", "small": "nats"}
        if subject in listed and result in listed:
            says = {"say": tuple(Template(parts_of(line)) for line in block.fields["each"])}
            # What is arithmetic for one number is a matter of lists for many.
            home = (block.type, block.family)
            if block.type == "arith_expr":
                home = ("list_array", "each")
            yield Op(
                f"each.{name}", (Slot(listed[subject]), *rest), listed[result], *home,
                lifted, says, "", core,
            )  # fmt: skip


def _shifted(parts: tuple[str | Hole, ...], by: int) -> tuple[str | Hole, ...]:
    return tuple(
        Hole(part.of + by, part.form) if isinstance(part, Hole) and isinstance(part.of, int)
        else part
        for part in parts
    )  # fmt: skip


def _renumbered(text: str, by: int) -> str:
    return re.sub(r"\{(\d)", lambda found: "{" + str(int(found[1]) + by), text)


def _load() -> dict[str, Op]:
    ops: dict[str, Op] = {}
    folder = resources.files("generators.teachers.grammar") / "ops"
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not path.name.endswith(".txt"):
            continue
        for block in _blocks(path.read_text()):
            for name, typed in _typed(block):
                for op in _ops(typed, name):
                    assert op.name not in ops, f"{path.name}: {op.name} is there twice"
                    ops[op.name] = op
    return ops


OPS: Mapping[str, Op] = _load()


# Trees.


def kind_of(spec: Spec) -> str:
    return OPS[spec.op].result if isinstance(spec, Call) else spec.kind


def walk(spec: Spec) -> Iterator[Spec]:
    yield spec
    if isinstance(spec, Call):
        for kid in spec.kids:
            yield from walk(kid)


def calls(spec: Spec) -> list[Call]:
    """The operations of a tree that stand for work of their own: predicates and keys are a part
    of the operation that uses them."""
    return [
        node
        for node in walk(spec)
        if isinstance(node, Call) and OPS[node.op].result[-1] not in "?>"
    ]


def arguments(spec: Spec) -> tuple[str, ...]:
    """The kinds of the program's arguments, in order."""
    kinds = {node.index: node.kind for node in walk(spec) if isinstance(node, Arg)}
    return tuple(kinds[index] for index in sorted(kinds))


@cache
def rank(op: str) -> int:
    """The place of an operation's type by priority: 0 outranks all."""
    return TYPES.index(OPS[op].type)


def type_of(spec: Spec) -> str:
    ranks = [rank(node.op) for node in walk(spec) if isinstance(node, Call)]
    return TYPES[min(ranks)]


def core_of(spec: Spec) -> Call:
    """The operation that gives the program its type; the outermost where several do."""
    return min(
        (node for node in walk(spec) if isinstance(node, Call)), key=lambda node: rank(node.op)
    )


def pairs_of(spec: Spec) -> tuple[tuple[str, str], ...]:
    """The operations that stand one inside the other."""
    return tuple(
        (outer.op, inner.op)
        for outer in calls(spec)
        for inner in outer.kids
        if isinstance(inner, Call) and OPS[inner.op].result[-1] not in "?>"
    )
