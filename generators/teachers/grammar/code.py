"""From a tree of operations to Python, in four styles.

    program(spec, "loop", name="f", arguments=("nums",))

A style prefers its own rendering of each operation and takes the next best where an operation has
none. Expressions go inside one another while they stay short; what is long, used twice or needed
by statements gets a variable of its own. Helpers and imports stand inside the function, so that the
body of any solution goes on from the signature that a prompt ends with.

Not here: whether the styles agree (probing.py).
"""

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from generators.teachers.grammar.spec import (
    OPS,
    Arg,
    Call,
    Const,
    Hole,
    Op,
    Spec,
    Template,
    arguments,
    kind_of,
    type_of,
    walk,
)
from generators.teachers.grammar.values import KINDS

_NEXT_BEST = {
    "comprehension": ("comprehension", "loop", "library", "recursive"),
    "loop": ("loop", "comprehension", "library", "recursive"),
    "library": ("library", "comprehension", "loop", "recursive"),
    "recursive": ("recursive", "comprehension", "loop", "library"),
}
IDIOMS = {
    "regex": "library",
    "date_time": "library",
    "combinatorics": "library",
    "recursion": "recursive",
    "dp": "loop",
    "stack_queue": "loop",
}
"""How a person would write an operation of such a type. The styles `idiom` and `idiom-loop` go by
it, and otherwise use expressions, or loops for the operations of the task's own type."""
_LONGEST_INSIDE = 44
"""Characters that an expression may have inside another one."""

_FROM = {
    "collections": "Counter deque",
    "functools": "reduce",
    "itertools": (
        "accumulate chain combinations compress cycle filterfalse groupby islice pairwise "
        "permutations product repeat takewhile"
    ),
    "heapq": "nlargest nsmallest",
    "bisect": "bisect_left bisect_right",
    "datetime": "date datetime timedelta",
}
_HOME = {name: module for module, names in _FROM.items() for name in names.split()}
_MODULES = frozenset("math operator re statistics string calendar".split())
RESERVED = frozenset(_HOME) | _MODULES
"""Names that no function of a task may have."""
_NAME = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(\.?)")
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')


_OUT = {
    "ints": "result", "nats": "result", "text": "result", "strs": "result", "bool": "found",
    "int": "total", "nat": "total", "small": "count", "float": "value", "counts": "counts",
    "tally": "counts", "grid": "rows", "square": "rows", "pairs": "pairs", "pair": "pair",
}  # fmt: skip


class _Written(NamedTuple):
    text: str
    atomic: bool


@dataclass(slots=True)
class _Writer:
    """One program while it is written."""

    style: str
    arguments: Sequence[str]
    root: Spec
    lines: list[str] = field(default_factory=list[str])
    helpers: list[str] = field(default_factory=list[str])
    taken: set[str] = field(default_factory=set[str])

    @property
    def type(self) -> str:
        return type_of(self.root)

    def fresh(self, name: str) -> str:
        number = 1
        chosen = name
        while chosen in self.taken or chosen in self.arguments:
            number += 1
            chosen = f"{name}{number}"
        self.taken.add(chosen)
        return chosen

    def variable(self, call: Call) -> str:
        """What holds the answer of an operation: for the last one a word such as `total`."""
        op = OPS[call.op]
        if call is self.root or op.name.startswith("is."):
            return op.out or _OUT.get(op.result, "result")
        stem = op.name.split(".")
        return op.out or (stem[1] if stem[0] == "each" else stem[0])

    def template(self, op: Op) -> Template:
        style = self.style
        if style == "idiom":
            style = IDIOMS.get(op.type, "comprehension")
        elif style == "idiom-loop":
            style = IDIOMS.get(op.type, "loop" if op.type == self.type else "comprehension")
        for one in _NEXT_BEST[style]:
            if one in op.code:
                return op.code[one]
        raise AssertionError(f"{op.name} has no rendering")

    def write(self, spec: Spec) -> _Written:
        """The expression for a tree; statements that it needs are put down before it."""
        if isinstance(spec, Arg):
            return _Written(self.arguments[spec.index], True)
        if isinstance(spec, Const):
            return _Written(_literal(spec.value), True)
        op = OPS[spec.op]
        template = self.template(op)
        if template.is_block:
            if isinstance(template.parts[0], str) and template.parts[0].startswith("def "):
                return self._helper(op, spec, template)
            return self._block(op, spec, template)
        kids = [
            None if not OPS[spec.op].slots[place].is_value and not _is_plain(op, place)
            else self._inside(kid, template.count(place) > 1)
            for place, kid in enumerate(spec.kids)
        ]  # fmt: skip
        return _Written(self.filled(template, spec, kids), template.atomic)

    def _inside(self, kid: Spec, used_twice: bool) -> _Written:
        written = self.write(kid)
        if written.atomic and not isinstance(kid, Call):
            return written
        too_long = len(written.text) > _LONGEST_INSIDE or " for " in written.text
        if used_twice or too_long or written.text.startswith("lambda"):
            return self._bound(kid, written.text)
        return written

    def _bound(self, kid: Spec, text: str) -> _Written:
        name = self.variable(kid) if isinstance(kid, Call) else "value"
        if text in self.taken:
            return _Written(text, True)
        chosen = self.fresh(name)
        self.lines.append(f"{chosen} = {text}")
        return _Written(chosen, True)

    def _named(self, kid: Spec) -> _Written:
        written = self.write(kid)
        return written if not isinstance(kid, Call) else self._bound(kid, written.text)

    def _block(self, op: Op, spec: Call, template: Template) -> _Written:
        kids = [
            self._named(kid) if _is_plain(op, place) else None
            for place, kid in enumerate(spec.kids)
        ]
        out = self.fresh(self.variable(spec))
        self.lines += self.filled(template, spec, kids, out=out).rstrip("\n").split("\n")
        return _Written(out, True)

    def _helper(self, op: Op, spec: Call, template: Template) -> _Written:
        given = [
            self._inside(kid, False).text
            for place, kid in enumerate(spec.kids)
            if _is_passed(op, place, template)
        ]
        stem = op.name.split(".")
        stem_name = stem[1] if stem[0] in ("is", "each") else stem[0]
        name = self.fresh("helper" if stem_name in self.taken else stem_name)
        helper = self.filled(template, spec, [None] * len(spec.kids), f=name)
        self.helpers.append(helper.rstrip("\n"))
        return _Written(f"{name}({', '.join(given)})", True)

    def filled(
        self,
        template: Template,
        spec: Call,
        kids: Sequence[_Written | None],
        *,
        out: str = "",
        f: str = "",
        x: _Written | None = None,
    ) -> str:
        parts: list[str] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            match part.of:
                case "out":
                    parts.append(out)
                case "f":
                    parts.append(f)
                case "x":
                    assert x is not None
                    parts.append(_bracketed(x, part))
                case int(place) if part.form == "raw":  # inside a text of the table's own
                    const = spec.kids[place]
                    assert isinstance(const, Const)
                    parts.append(str(const.value))
                case int(place):
                    parts.append(_bracketed(self._fill(spec, kids, place, part), part))
                case other:
                    raise AssertionError(f"a hole that nothing fills: {other} in {spec.op}")
        return "".join(parts)

    def _fill(
        self, spec: Call, kids: Sequence[_Written | None], place: int, hole: Hole
    ) -> _Written:
        given = kids[place] if place < len(kids) else None
        if given is not None:
            return given
        kid = spec.kids[place]
        if not isinstance(kid, Call) or OPS[kid.op].result[-1] not in "?>":
            return self.write(kid)
        # A predicate or a key: its code stands here, about the variable that the hole names.
        template = OPS[kid.op].code["comprehension"]
        inner = [self.write(one) if not _is_rule(one) else None for one in kid.kids]
        text = self.filled(template, kid, inner, x=_Written(hole.form, True))
        return _Written(text, template.atomic)


def _is_rule(spec: Spec) -> bool:
    return isinstance(spec, Call) and OPS[spec.op].result[-1] in "?>"


def _is_plain(op: Op, place: int) -> bool:
    """Whether a value goes there, not a predicate or a key."""
    return op.slots[place].kind[-1] not in "?>"


def _is_passed(op: Op, place: int, template: Template) -> bool:
    """Whether a helper gets this kid as an argument; else it stands in the helper's own code."""
    return _is_plain(op, place) and not template.count(place)


def _bracketed(written: _Written, hole: Hole) -> str:
    return f"({written.text})" if hole.exposed and not written.atomic else written.text


def _literal(value: int | str) -> str:
    if isinstance(value, int):
        return str(value)
    text = repr(value)[1:-1]
    return f'"{text}"' if '"' not in text else repr(value)


@cache
def _imports_of(module_of: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    lines: list[str] = []
    for module in sorted({module for module, name in module_of if not name}):
        lines.append(f"import {module}")
    for module in sorted({module for module, name in module_of if name}):
        names = sorted(name for home, name in module_of if home == module and name)
        lines.append(f"from {module} import {', '.join(names)}")
    return tuple(lines)


def imports(body: str, bound: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The import lines that a body needs, known by the names in it.

    >>> imports("return sorted(Counter(text)) + list(math.sqrt)")
    ('import math', 'from collections import Counter')
    """
    found: set[tuple[str, str]] = set()
    for name, dot in _NAME.findall(_TEXT.sub("''", body)):
        if name in bound:
            continue
        if dot and name in _MODULES:
            found.add((name, ""))
        elif name in _HOME:
            found.add((_HOME[name], name))
    return _imports_of(tuple(sorted(found)))


def header(name: str, arguments: Sequence[str], kinds: Sequence[str], result: str) -> str:
    """The line that a function begins with.

    >>> header("f", ("nums",), ("ints",), "int")
    'def f(nums: list[int]) -> int:'
    """
    listed = ", ".join(
        f"{argument}: {KINDS[kind].annotation}"
        for argument, kind in zip(arguments, kinds, strict=True)
    )
    return f"def {name}({listed}) -> {KINDS[result].annotation}:"


@dataclass(frozen=True, slots=True)
class Body:
    """What stands under the header, one line each and not indented; and whether the function may
    be called by its name in it."""

    imports: tuple[str, ...]
    lines: tuple[str, ...]


def body(spec: Spec, style: str, *, name: str, arguments: Sequence[str]) -> Body:
    """The body of the function in one style."""
    writer = _Writer(style, arguments, spec)
    writer.taken.add(name)
    if (own := _own_recursion(spec, writer, name)) is not None:
        lines = own
    else:
        written = writer.write(spec)
        lines = [*"\n".join(writer.helpers).split("\n")] if writer.helpers else []
        lines += [*writer.lines, f"return {written.text}"]
        lines = _returned_at_once(lines)
    needed = imports("\n".join(lines), frozenset((*arguments, name, *writer.taken)))
    return Body(needed, tuple(lines))


def _returned_at_once(lines: list[str]) -> list[str]:
    """`total = …` and then `return total` are one line."""
    if len(lines) > 1:
        name, equals, text = lines[-2].partition(" = ")
        if equals and name.isidentifier() and lines[-1] == f"return {name}":
            return [*lines[:-2], f"return {text}"]
    return lines


def _own_recursion(spec: Spec, writer: _Writer, name: str) -> list[str] | None:
    """The body where the function itself may be the recursion: one operation on all arguments."""
    if not isinstance(spec, Call):
        return None
    op = OPS[spec.op]
    template = writer.template(op)
    first = template.parts[0]
    if not (isinstance(first, str) and first.startswith("def ") and template.is_block):
        return None
    passed = [kid for place, kid in enumerate(spec.kids) if _is_passed(op, place, template)]
    if [kid.index for kid in passed if isinstance(kid, Arg)] != list(range(len(passed))):
        return None
    if len(writer.arguments) != len(passed) or any(
        isinstance(node, Arg)
        for place, kid in enumerate(spec.kids)
        if not _is_passed(op, place, template)
        for node in walk(kid)
    ):
        return None
    text = writer.filled(template, spec, [None] * len(spec.kids), f=name)
    head, *rest = text.rstrip("\n").split("\n")
    parameters = head[head.index("(") + 1 : head.rindex(")")].split(", ")
    if len(parameters) != len(passed):
        return None  # it carries what its callers don't give
    renamed = dict(zip(parameters, writer.arguments, strict=True))
    pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, parameters)) + r")\b")
    return [pattern.sub(lambda found: renamed[found[1]], line[4:]) for line in rest]


def program(spec: Spec, style: str, *, name: str, arguments: Sequence[str]) -> str:
    """A whole program: the function, typed."""
    return mutant(spec, style, name, arguments, arguments_of(spec))


def mutant(
    spec: Spec, style: str, name: str, argument_names: Sequence[str], kinds: Sequence[str]
) -> str:
    """A whole program for a tree that may leave arguments of the signature unused."""
    written = body(spec, style, name=name, arguments=argument_names)
    lines = [*written.imports, *([""] if written.imports else []), *written.lines]
    inside = textwrap.indent("\n".join(lines), "    ")
    return f"{header(name, argument_names, kinds, kind_of(spec))}\n{inside}\n"


def arguments_of(spec: Spec) -> tuple[str, ...]:
    return arguments(spec)


def compiled(source: str, name: str) -> Callable[..., object]:
    """The function that a program of ours defines. Never for anybody else's program."""
    scope: dict[str, object] = {}
    exec(compile(source, "<teacher>", "exec"), scope)  # ours, made of the tables
    function = scope[name]
    assert callable(function)
    return function
