"""The shapes of a function's arguments and answer, as in `(list[int], int) -> int`.

Annotations say it where there are any; else the values of the first tests, the assertion that
MBPP prints in its prompt, and, for the answer, what the `return` statements plainly are.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

from harness.problem_types.syntax import Function, Program
from harness.records import Value

UNKNOWN = "?"
NUM_TESTS = 8
"""Tests whose values are looked at; a column of them is one shape."""

_PLAIN = ("int", "float", "str", "bool", "bytes", "complex", "object")
_CONTAINERS = ("list", "tuple", "set", "dict", "frozenset")


def shape_of(value: Value, depth: int = 3) -> str:
    """The shape of a value; what differs inside becomes one shape, or `object`.

    >>> shape_of([1, 2.5]), shape_of({"a": [1]}), shape_of(((1, "x"), (2, "y")))
    ('list[float]', 'dict[str, list[int]]', 'tuple[tuple[object]]')
    """
    if value is None or isinstance(value, bool | int | float | str | bytes | complex):
        return "None" if value is None else type(value).__name__
    if not isinstance(value, list | tuple | AbstractSet | Mapping):
        return "object"
    name = "dict" if isinstance(value, Mapping) else type(cast(object, value)).__name__
    if not value or depth == 0:
        return name
    if isinstance(value, Mapping):
        pairs = cast(Mapping[Value, Value], value)
        return f"dict[{_merged(pairs.keys(), depth)}, {_merged(pairs.values(), depth)}]"
    return f"{name}[{_merged(cast(AbstractSet[Value], value), depth)}]"


def _merged(values: "Sequence[Value] | AbstractSet[Value] | object", depth: int) -> str:
    shapes = {shape_of(value, depth - 1) for value in list(cast(Sequence[Value], values))[:32]}
    return common_shape(shapes)


def common_shape(shapes: AbstractSet[str]) -> str:
    """One shape for several: `float` for numbers, the fullest of one kind of container.

    >>> common_shape({"int", "float"}), common_shape({"list", "list[int]"}), common_shape(set())
    ('float', 'list[int]', '?')
    """
    known = {shape for shape in shapes if shape not in (UNKNOWN, "None")}
    if not known:
        return "None" if "None" in shapes else UNKNOWN
    if len(known) == 1:
        return known.pop()
    if known <= {"int", "float", "bool"}:
        return "float" if "float" in known else "int"
    kinds = {shape.partition("[")[0] for shape in known}
    if len(kinds) > 1:
        return "object"
    kind = kinds.pop()
    insides = {shape[len(kind) + 1 : -1] for shape in known if "[" in shape}
    if kind == "dict" or not insides:
        return min(known - {kind}) if len(known - {kind}) == 1 else kind
    return f"{kind}[{common_shape(insides)}]"


def annotated(node: ast.expr | None, program: Program) -> str:
    """The shape that an annotation names; a class of the program's own is an `object`."""
    match node:
        case None:
            return UNKNOWN
        case ast.Constant(value=None):
            return "None"
        case ast.Constant(value=str(text)):
            try:
                return annotated(ast.parse(text, mode="eval").body, program)
            except SyntaxError:
                return "object"
        case ast.Subscript(value=base, slice=inside):
            return _subscripted(annotated(base, program), inside, program)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return common_shape({annotated(left, program), annotated(right, program)})
        case ast.Name() | ast.Attribute():
            name = (program.full_name(node) or "object").rpartition(".")[2]
            lowered = {"FrozenSet": "frozenset"}.get(name, name.lower())
            known = lowered in (*_PLAIN, *_CONTAINERS, "optional", "union")
            return lowered if known else name if name != "Any" else "object"
        case _:
            return "object"


def _subscripted(base: str, inside: ast.expr, program: Program) -> str:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    parts = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is ...)]
    shapes = [annotated(part, program) for part in parts]
    if base in ("optional", "union"):
        return common_shape(set(shapes))
    if base == "dict" and len(shapes) == 2:
        return f"dict[{shapes[0]}, {shapes[1]}]"
    if base in _CONTAINERS:
        inner = common_shape(set(shapes))
        return base if inner in (UNKNOWN, "object") and len(shapes) < 2 else f"{base}[{inner}]"
    return base


def parameters(
    entry: Function | None, program: Program, tests: Sequence[tuple[Value, ...]]
) -> list[str]:
    """The shape of each positional parameter."""
    columns = [
        common_shape({shape_of(test[place]) for test in tests[:NUM_TESTS] if place < len(test)})
        for place in range(max((len(test) for test in tests[:NUM_TESTS]), default=0))
    ]
    if entry is None:
        return columns
    shapes: list[str] = []
    for place, (argument, default) in enumerate(_with_defaults(entry)):
        said = annotated(argument.annotation, program)
        seen = columns[place] if place < len(columns) else _shape_of_default(default)
        # `list` and `list[int]`: the fuller one. A value that contradicts: what was written.
        fuller = seen.partition("[")[0] == said
        shapes.append(seen if said in (UNKNOWN, "object") or fuller else said)
    return shapes


def _with_defaults(entry: Function) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    arguments = entry.args
    positional = [*arguments.posonlyargs, *arguments.args]
    without = len(positional) - len(arguments.defaults)
    yield from zip(positional, [*([None] * without), *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _shape_of_default(default: ast.expr | None) -> str:
    shapes = {shape_of(value) for value in _literal(default)} if default else set[str]()
    return common_shape(shapes - {"None"})


def asserted(prompt: str) -> tuple[list[tuple[Value, ...]], list[Value]]:
    """Arguments and answers of the assertions in a prompt: `assert f(3) == 9` → (3,) and 9."""
    calls: list[tuple[Value, ...]] = []
    answers: list[Value] = []
    for line in prompt.splitlines():
        if not line.strip().startswith("assert "):
            continue
        try:
            statement = ast.parse(line.strip()).body[0]
        except (SyntaxError, ValueError):
            continue
        match statement:
            case ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right])) if (
                isinstance(left, ast.Call)
            ):
                calls += _literals(left)
                answers += list(_literal(right))
            case _:
                pass
    return calls, answers


def _literals(call: ast.Call) -> Iterator[tuple[Value, ...]]:
    values = [list(_literal(argument)) for argument in call.args]
    if all(values):
        yield tuple(value[0] for value in values)


def _literal(node: ast.expr) -> Iterator[Value]:
    try:
        yield cast(Value, ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError):
        return


def answer(entry: Function | None, program: Program, answers: Sequence[Value]) -> str:
    """The shape of what is returned."""
    said = annotated(entry.returns, program) if entry else UNKNOWN
    if said not in (UNKNOWN, "object"):
        return said
    if answers:
        return common_shape({shape_of(value) for value in answers})
    if entry is None:
        return UNKNOWN
    returned = [
        node.value
        for node in _own_nodes(entry)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    return common_shape({_plainly(value, program) for value in returned})


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function, those of functions inside it left out."""
    ahead: list[ast.AST] = list(function.body)
    while ahead:
        node = ahead.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            ahead += ast.iter_child_nodes(node)


_CALLED = {
    **{name: name for name in ("list", "tuple", "set", "dict", "str", "int", "float", "bool")},
    **{"len": "int", "sorted": "list", "round": "float", "all": "bool", "any": "bool"},
    **{"isinstance": "bool", "bin": "str", "hex": "str", "chr": "str", "ord": "int"},
}
_METHODS = {
    **dict.fromkeys(("join", "lower", "upper", "replace", "strip", "format", "title"), "str"),
    **dict.fromkeys(("startswith", "endswith", "isdigit", "isalpha", "isupper"), "bool"),
    **{"split": "list[str]", "count": "int", "index": "int", "find": "int"},
}


def _plainly(node: ast.expr, program: Program) -> str:
    """What an expression is without running it."""
    match node:
        case ast.Constant():
            return shape_of(node.value)
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return "bool"
        case ast.BoolOp(values=values):
            return common_shape({_plainly(value, program) for value in values})
        case ast.IfExp(body=body, orelse=orelse):
            return common_shape({_plainly(body, program), _plainly(orelse, program)})
        case ast.JoinedStr():
            return "str"
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Tuple() | ast.Dict() | ast.Set():
            return type(node).__name__.lower()
        case ast.DictComp() | ast.SetComp():
            return type(node).__name__.lower().removesuffix("comp")
        case ast.Call(func=ast.Name() as function):
            return _CALLED.get(program.full_name(function) or UNKNOWN, UNKNOWN)
        case ast.Call(func=ast.Attribute(attr=name)):
            return _METHODS.get(name, UNKNOWN)
        case _:
            return UNKNOWN
