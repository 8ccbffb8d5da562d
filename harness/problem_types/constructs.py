"""Constructs of a solution, each with the line where it is first seen, and its difficulty counts."""

import ast
from collections.abc import Iterator

from harness.problem_types.syntax import (
    COMPREHENSIONS,
    LOOPS,
    Function,
    Program,
    recursive_functions,
)
from harness.problem_types.taxonomy import Difficulty

_BY_NODE: dict[type[ast.AST], str] = {
    ast.For: "for",
    ast.While: "while",
    ast.If: "if",
    ast.IfExp: "conditional_expression",
    ast.Break: "break",
    ast.Continue: "continue",
    ast.ListComp: "list_comprehension",
    ast.SetComp: "set_comprehension",
    ast.DictComp: "dict_comprehension",
    ast.GeneratorExp: "generator_expression",
    ast.Lambda: "lambda",
    ast.Try: "try",
    ast.Raise: "raise",
    ast.Assert: "assert",
    ast.ClassDef: "class",
    ast.With: "with",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.AsyncFunctionDef: "async",
    ast.Global: "global",
    ast.Nonlocal: "nonlocal",
    ast.Slice: "slice",
    ast.Starred: "star",
    ast.JoinedStr: "f_string",
    ast.Dict: "dict",
    ast.Set: "set",
    ast.Tuple: "tuple",
    ast.BoolOp: "and_or",
    ast.AugAssign: "augmented_assignment",
    ast.Match: "match",
}
_BY_CALL = {
    "sorted": "sorting",
    "map": "map_filter_reduce",
    "filter": "map_filter_reduce",
    "functools.reduce": "map_filter_reduce",
    "zip": "zip",
    "enumerate": "enumerate",
    "open": "files",
}
_BITS = (ast.LShift, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor)
_CONDITIONS = (ast.If, ast.IfExp)


def constructs(program: Program) -> dict[str, int]:
    """Construct → number of the line where it is first seen, in the order of names."""
    first: dict[str, int] = {}
    for name, node in _constructs(program):
        line = getattr(node, "lineno", 0) or 1
        first[name] = min(line, first.get(name, line))
    return dict(sorted(first.items()))


def _constructs(program: Program) -> Iterator[tuple[str, ast.AST]]:
    depths = dict(_loops(program.tree, 0))
    for node in program.walk():
        if name := _BY_NODE.get(type(node)):
            yield name, node
        match node:
            case ast.BinOp(op=op) | ast.AugAssign(op=op) if isinstance(op, _BITS):
                yield "bit_operator", node
            case ast.Call(func=function):
                if called := _BY_CALL.get(program.full_name(function) or ""):
                    yield called, node
                if isinstance(function, ast.Attribute) and function.attr == "sort":
                    yield "sorting", node
            case ast.FunctionDef(body=body):
                for part in body:
                    if isinstance(part, ast.FunctionDef):
                        yield "nested_function", part
            case ast.Import() | ast.ImportFrom():
                yield "import", node
            case _:
                pass
        if depths.get(node, 0) > 1:
            yield "nested_loops", node
    for function in recursive_functions(program):
        yield "recursion", function


def _loops(node: ast.AST, depth: int) -> Iterator[tuple[ast.AST, int]]:
    """Every loop and comprehension, and how deep it lies: 1 is not inside another."""
    if isinstance(node, LOOPS):
        depth += 1
        yield node, depth
    elif isinstance(node, COMPREHENSIONS):
        depth += len(node.generators)
        yield node, depth
    for child in ast.iter_child_nodes(node):
        yield from _loops(child, depth)


def difficulty(program: Program, entry: Function | None, num_prompt_words: int) -> Difficulty:
    """The counts of the whole program; parameters are the entry point's."""
    decisions = conditions = size = 0
    for node in program.walk():
        size += 1
        match node:
            case ast.BoolOp(values=values):
                decisions += len(values) - 1
            case ast.comprehension(ifs=ifs):
                decisions += 1 + len(ifs)
                conditions += len(ifs)
            case ast.ExceptHandler() | ast.Assert():
                decisions += 1
            case _:
                decisions += isinstance(node, (*LOOPS, *_CONDITIONS))
                conditions += isinstance(node, _CONDITIONS)
    arguments = entry.args if entry else None
    return Difficulty(
        loop_depth=max((depth for _, depth in _loops(program.tree, 0)), default=0),
        cyclomatic=1 + decisions,
        ast_size=size,
        num_params=len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
        if arguments
        else 0,
        num_conditions=conditions,
        num_prompt_words=num_prompt_words,
    )
