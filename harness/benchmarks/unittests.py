"""A unittest file as a suite: its test methods, from its syntax tree. Nothing of it is executed.

Not here: how such a file is run and judged (grading/unittest.py).
"""

import ast
import warnings

from harness.errors import DataError
from harness.records import Suite

CLASS = "TestCases"


def unittest_suite(text: str, where: str) -> Suite:
    """The one suite of a problem that is tested by a unittest file.

    Raises:
        DataError: it is not Python, or has no class `TestCases` with a test method.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a `"\\#"` in somebody's tests is theirs
            methods = test_methods(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{where}: the unittest file is not Python: {error}") from None
    if not methods:
        raise DataError(f"{where}: the unittest file has no class {CLASS} with a method `test…`")
    return Suite(name="base", inputs=(), unittest=text, methods=methods)


def test_methods(text: str) -> tuple[str, ...]:
    """Names of the test methods of `TestCases`, in the order in which unittest runs them.

    A later definition of a name wins, as in Python, the class's too.

    >>> test_methods("class TestCases:\\n def test_b(self): ...\\n def test_a(self): ...")
    ('test_a', 'test_b')
    """
    names: tuple[str, ...] = ()
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.ClassDef) and statement.name == CLASS:
            methods = {
                node.name
                for node in statement.body
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            names = tuple(sorted(name for name in methods if name.startswith("test")))
    return names
