"""Other names for all that a program names itself; what it imports and calls stays."""

import ast
import builtins
from collections.abc import Callable


class _Names(ast.NodeVisitor):
    """The names that a program binds, in the order of their appearance."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.found[node.id] = None

    def visit_arg(self, node: ast.arg) -> None:
        self.found[node.arg] = None
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.found[node.name] = None
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.found[node.name] = None
        for part in node.body:  # its methods are called as attributes, and keep their names
            for inner in part.body if isinstance(part, ast.FunctionDef) else [part]:
                self.visit(inner)
            if isinstance(part, ast.FunctionDef):
                self.visit(part.args)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.found[node.name] = None
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        if node.asname or "." not in node.name:
            self.found[node.asname or node.name] = None


class _Renamer(ast.NodeTransformer):
    def __init__(self, new: dict[str, str]) -> None:
        self.new = new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.new.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.new.get(node.arg, node.arg)
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.name = self.new.get(node.name, node.name)
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        node.name = self.new.get(node.name, node.name)
        self.generic_visit(node)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        node.name = self.new.get(node.name, node.name) if node.name else None
        self.generic_visit(node)
        return node

    def visit_Global(self, node: ast.Global) -> ast.Global:
        node.names = [self.new.get(name, name) for name in node.names]
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.Nonlocal:
        node.names = [self.new.get(name, name) for name in node.names]
        return node

    def visit_alias(self, node: ast.alias) -> ast.alias:
        local = node.asname or node.name
        if local in self.new:
            node.asname = self.new[local]
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if isinstance(node.func, ast.Name) and node.func.id in self.new:
            for keyword in node.keywords:
                keyword.arg = self.new.get(keyword.arg or "", keyword.arg)
        self.generic_visit(node)
        return node


def new_names(*programs: str, name: Callable[[int], str]) -> dict[str, str]:
    """Old name → new one, for all that the programs bind or import; no two become one."""
    names = _Names()
    for program in programs:
        names.visit(ast.parse(program))
    new = {old: name(place) for place, old in enumerate(names.found)}
    assert len(set(new.values())) == len(new)
    assert not set(new.values()) & set(dir(builtins))
    return new


def renamed(program: str, new: dict[str, str]) -> str:
    return ast.unparse(_Renamer(new).visit(ast.parse(program)))
