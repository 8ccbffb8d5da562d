"""Contaminations planted on purpose: an evaluation problem in six disguises.

Each is what a careless or an adversarial source of training rows might hold. `rewritten` needs
somebody else's program for the same problem: recorded model output has thousands.
"""

import ast
import random
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from harness.records import Problem

KINDS = (
    "verbatim",
    "renamed identifiers",
    "reworded prompt",
    "translated constants",
    "reordered statements",
    "same behaviour",
)


class Plant(NamedTuple):
    """A contaminated row-to-be."""

    kind: str
    problem: Problem
    prompt: str
    code: str


def plants_of(problem: Problem, rewritten: str | None = None) -> Iterator[Plant]:
    """The plants of one problem; `rewritten` is another program that does the same."""
    elsewhere = _other_words(problem.id)
    yield Plant("verbatim", problem, problem.prompt, problem.solution)
    yield Plant("renamed identifiers", problem, elsewhere, renamed(problem.solution))
    yield Plant("reworded prompt", problem, elsewhere, problem.solution)
    translated = translated_constants(problem.solution)
    if translated is not None:
        yield Plant("translated constants", problem, _other_numbers(problem.prompt), translated)
    reordered = reordered_statements(problem.solution)
    if reordered is not None:
        yield Plant("reordered statements", problem, elsewhere, reordered)
    if rewritten is not None:
        yield Plant("same behaviour", problem, elsewhere, rewritten)


def _other_words(seed: str) -> str:
    """A prompt that says nothing of the problem."""
    draw = random.Random(seed)
    words = "".join(draw.choice("bcdfgklmnprst") + draw.choice("aeiou") for _ in range(3))
    return f"{words} " + " ".join(
        "".join(draw.choice("bcdfgklmnprst") + draw.choice("aeiou") for _ in range(3))
        for _ in range(25)
    )


def _other_numbers(prompt: str) -> str:
    """The same prompt with other numbers and other quoted words."""
    prompt = re.sub(r"\d+", lambda number: str(int(number.group()) + 7), prompt)
    return re.sub(r"'[^'\n]{1,20}'", "'autre'", prompt)


def parsed(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a publisher's "\\w"
        return ast.parse(code)


def renamed(code: str) -> str:
    """Every name that the program gives is another one."""
    tree = parsed(code)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names.setdefault(node.name, f"fn_{len(names)}")
        elif isinstance(node, ast.arg):
            names.setdefault(node.arg, f"arg_{len(names)}")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id, f"var_{len(names)}")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.name = names[node.name]
        elif isinstance(node, ast.arg):
            node.arg = names[node.arg]
        elif isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return ast.unparse(tree)


def translated_constants(code: str) -> str | None:
    """Other texts and other numbers at the same places; None where the code has none."""
    tree = parsed(code)
    changed = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant("docstring")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value != "docstring":
            if isinstance(node.value, str) and node.value:
                node.value, changed = f"x{node.value}", True
            elif type(node.value) is int:
                node.value, changed = node.value + 3, True
    return ast.unparse(tree) if changed else None


def reordered_statements(code: str) -> str | None:
    """Two neighbouring statements that need nothing of one another, swapped; None where none are."""
    tree = parsed(code)
    for node in ast.walk(tree):
        body: list[ast.stmt] = getattr(node, "body", [])
        if not isinstance(body, list):
            continue
        for place in range(len(body) - 1):
            first, second = body[place], body[place + 1]
            if _is_plain(first) and _is_plain(second) and _independent(first, second):
                body[place], body[place + 1] = second, first
                return ast.unparse(tree)
    return None


def _is_plain(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign | ast.AugAssign | ast.For | ast.If) and not any(
        isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise)
        for node in ast.walk(statement)
    )


def _independent(first: ast.stmt, second: ast.stmt) -> bool:
    reads = [{n.id for n in ast.walk(s) if isinstance(n, ast.Name)} for s in (first, second)]
    writes = [
        {n.id for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for s in (first, second)
    ]
    touches = any(isinstance(n, ast.Call) for n in ast.walk(first)) and any(
        isinstance(n, ast.Call) for n in ast.walk(second)
    )
    same = ast.dump(first) == ast.dump(second)
    return not (writes[0] & reads[1] or writes[1] & reads[0] or touches or same)
