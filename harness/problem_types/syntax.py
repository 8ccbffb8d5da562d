"""What the syntax tree of a program shows, with no eye for the names that its author chose.

    program = Program.parse(solution)
    program.calls["math.sqrt"], program.methods["append"]

Calls are known by what was imported (`np.dot` and `from numpy import dot` are both `numpy.dot`)
or by the builtin that is meant; a builtin's name that the program binds itself is no builtin.
So renaming variables, functions and aliases changes nothing here.

Not here: which problem type a fact speaks for (evidence.py).
"""

import ast
import builtins
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_BUILTINS = frozenset(dir(builtins))
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Program:
    """One parsed program and the plain facts about it."""

    tree: ast.Module
    """Docstrings are taken out."""
    imported: dict[str, str]
    """Local name → what it stands for: `np` → `numpy`, `sqrt` → `math.sqrt`."""
    bound: frozenset[str]
    """Names that the program binds, imports apart."""
    calls: Counter[str] = field(default_factory=Counter[str])
    """Calls and uses of imported things, and calls of builtins, by full name."""
    methods: Counter[str] = field(default_factory=Counter[str])
    """Names of methods called on values of the program."""

    @classmethod
    def parse(cls, solution: str) -> "Program":
        """Raises ValueError where the text is not Python."""
        try:
            tree = ast.parse(solution)
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise ValueError(f"the solution is not Python: {error}") from None
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | Function):
                node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
        program = cls(tree, dict(_imports(tree)), frozenset(_bindings(tree)))
        for node in program.walk():
            match node:
                case ast.Call(func=function):
                    if name := program.full_name(function):
                        program.calls[name] += 1
                    elif isinstance(function, ast.Attribute):
                        program.methods[function.attr] += 1
                case ast.Attribute():
                    if name := program.full_name(node):
                        program.calls[name] += 1
                case ast.Name(ctx=ast.Load()):
                    name = program.full_name(node)
                    if name and "." in name:  # of `from math import sqrt`; a module is no use
                        program.calls[name] += 1
                case _:
                    pass
        return program

    def walk(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)

    def full_name(self, node: ast.expr) -> str | None:
        """`numpy.dot` for `np.dot`, `sorted` for the builtin, None for the program's own."""
        match node:
            case ast.Name(id=name) if name in self.bound:
                return None
            case ast.Name(id=name) if name in self.imported:
                return self.imported[name]
            case ast.Name(id=name) if name in _BUILTINS:
                return name
            case ast.Attribute(value=ast.Name() | ast.Attribute() as value, attr=attribute):
                root = self.full_name(value)
                is_module = root is not None and root not in _BUILTINS
                return f"{root}.{attribute}" if is_module else None
            case _:
                return None

    def called(self, *prefixes: str) -> list[str]:
        """Full names that were used and are one of these, or lie in one of these modules."""
        return sorted(
            name
            for name in self.calls
            if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
        )

    @property
    def modules(self) -> list[str]:
        """Top-level modules that are imported, sorted."""
        return sorted({name.partition(".")[0] for name in self.imported.values()})

    def functions(self) -> list[Function]:
        return [node for node in self.walk() if isinstance(node, Function)]

    def entry(self, name: str) -> Function | None:
        """The definition of the entry point: the last one of that name."""
        found = [function for function in self.functions() if function.name == name]
        return found[-1] if found else None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and (
        isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    yield alias.asname or whole, whole
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    yield alias.asname or alias.name, f"{module}.{alias.name}"
            case _:
                pass


def _bindings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.ExceptHandler(name=str(name)):
                yield name
            case _:
                pass


def recursive_functions(program: Program) -> list[Function]:
    """Functions that use themselves, called or passed on, or one another in a ring."""
    functions = {function.name: function for function in program.functions()}
    # A variable may have the name of the function that it lives in.
    stored = {
        name: {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for name, function in functions.items()
    }
    calls = {
        name: {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and node.id in functions
            and node.id not in stored[name]
        }
        for name, function in functions.items()
    }

    def reaches(start: str) -> bool:
        seen: set[str] = set()
        ahead = set(calls[start])
        while ahead:
            name = ahead.pop()
            if name == start:
                return True
            seen.add(name)
            ahead |= calls[name] - seen
        return False

    return [function for name, function in functions.items() if reaches(name)]


def names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def subscripts_of(node: ast.AST, name: str) -> list[ast.Subscript]:
    """`name[…]`, and `name[…][…]` as one."""
    inside: set[int] = set()
    found: list[ast.Subscript] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript) and id(part) not in inside:
            base = part.value
            while isinstance(base, ast.Subscript):
                inside.add(id(base))
                base = base.value
            if isinstance(base, ast.Name) and base.id == name:
                found.append(part)
    return found


def root_name(node: ast.expr) -> str | None:
    """The variable that is subscripted, at the bottom."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def appended_and_popped(program: Program) -> bool:
    """Some list that things are put on and taken off again: a stack or a queue by hand."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    for node in program.walk():
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="append" | "pop" as method)
            ):
                used[name].add(method)
            case _:
                pass
    return any(len(methods) == 2 for methods in used.values())


def table_recurrence(program: Program) -> bool:
    """`t[i] = … t[i - 1] …` or `t.append(t[-1] + t[-2])`: a table filled from its own cells."""
    for node in program.walk():
        match node:
            case (
                ast.Assign(targets=[ast.Subscript() as target], value=value)
                | ast.AugAssign(target=ast.Subscript() as target, value=value)
            ):
                name = root_name(target)
                if name and not isinstance(value, ast.Subscript) and _reads_back(value, name):
                    return True
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="append"),
                args=[ast.BinOp() as value],
            ) if len(subscripts_of(value, name)) > 1:
                return True
            case _:
                pass
    return False


def grows_from_itself(program: Program) -> bool:
    """In one loop, a list is appended to and read at a computed place: `best[j]`, `best[i - k:i]`."""
    for loop in program.walk():
        if not isinstance(loop, LOOPS):
            continue
        for node in ast.walk(loop):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")) if any(
                    isinstance(read.ctx, ast.Load) and any(names_in(at) for at in _indices(read))
                    for read in subscripts_of(loop, name)
                ):
                    return True
                case _:
                    pass
    return False


def remembers(function: Function) -> bool:
    """A function that looks into what it stored: `if n in memo`, and `memo[n] = …`."""
    stored = {
        root_name(node)
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    }
    asked = {
        name
        for node in ast.walk(function)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn)
        for name in names_in(node.comparators[0])
    }
    return bool(stored & asked)


def _reads_back(value: ast.expr, name: str) -> bool:
    """Reads the table at a place that is computed from another one, as in `i - 1`."""
    return any(
        isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub) and names_in(part)
        for read in subscripts_of(value, name)
        for index in _indices(read)
        for part in ast.walk(index)
    )


def _indices(read: ast.Subscript) -> Iterator[ast.expr]:
    node: ast.expr = read
    while isinstance(node, ast.Subscript):
        yield node.slice
        node = node.value


def rolling_recurrence(program: Program) -> bool:
    """`a, b = b, a + b`, or in two steps, in a loop: the last values make the next one."""
    for loop in program.walk():
        if not isinstance(loop, LOOPS):
            continue
        for node in ast.walk(loop):
            match node:
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                    if _rolls(targets, values):
                        return True
                case _:
                    pass
        if _rolls_in_steps(loop.body):
            return True
    return False


def _rolls(targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> bool:
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    if len(names) < 2 or len(names) != len(targets) or len(values) != len(names):
        return False
    shifts = any(
        isinstance(value, ast.Name) and value.id in names and value.id != name
        for name, value in zip(names, values, strict=True)
    )
    sums = any(
        isinstance(value, ast.BinOp)
        and not any(isinstance(part, ast.Mod) for part in ast.walk(value))
        and len(names_in(value) & set(names)) > 1
        for value in values
    )
    return shifts and sums


def _rolls_in_steps(body: Sequence[ast.stmt]) -> bool:
    """`c = a + b` and then `a = b`, `b = c`, with as many steps between as there are values."""
    made: dict[str, set[str]] = {}
    moved: list[tuple[str, str]] = []
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=ast.Add()) as value):
                made[name] = names_in(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=source)):
                moved.append((name, source))
            case _:
                pass
    sources = {source for _, source in moved}
    targets = {target for target, _ in moved}
    return len(moved) > 1 and any(name in sources and used & targets for name, used in made.items())
