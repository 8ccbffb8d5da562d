"""The user's own benchmark: a JSONL file, one row a problem.

    {"schema_version": 1,
     "id": "two-sum",
     "prompt": "def add(a, b):\\n    \\"\\"\\"The sum of two numbers.\\"\\"\\"\\n",
     "entry_point": "add",
     "solution": "def add(a, b):\\n    return a + b\\n",
     "types": ["arithmetic"],
     "atol": 0,
     "tests": {"base": ["add(1, 2) == 3"], "plus": ["add(-1, 1) == 0"]}}

In place of `tests` a row may have `test`: the text of a unittest file with a class `TestCases`; or
`stdio`, for a program that reads standard input and writes standard output, and no entry point:

     "stdio": {"base": [{"input": "1 2\\n", "output": "3\\n"}], "plus": [{"input": "-1 1\\n"}]}

`schema_version`, `types`, `atol` (absolute tolerance for floats) and `plus` may be left out;
anything else is refused by name, since a misspelt field would be a rule that silently does not
hold. `solution` is a whole program (that defines the entry point): it must pass the tests before
anything is scored.

A test is one Python expression: a call of the entry point with positional literals, and
optionally `== literal`. With it, that is the expected value; without it, what the solution
returns. One suite does it one way. Literals are those of `ast.literal_eval`, and
`float("inf")`, `float("-inf")`, `float("nan")`. Nothing in the file is ever executed here.

Read as `jsonl:PATH`, plain or gzipped. docs/benchmarks.md has a worked example.
"""

import ast
import gzip
import json
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, cast

from pydantic import Field, ValidationError, model_validator

from harness.benchmarks.unittests import unittest_suite
from harness.errors import DataError
from harness.records import Benchmark, Problem, Record, Suite, Value, content_sha256

PROFILE = "strict"


class Expressions(Record):
    """The expressions of each suite."""

    base: Annotated[tuple[str, ...], Field(min_length=1)]
    plus: tuple[str, ...] | None = None
    """Extra tests; a problem passes `plus` when it passes base and these."""


class Exchange(Record):
    """One run of a program: what it reads, and what it must write."""

    input: str
    output: str | None = None
    """None: what the solution writes. In all tests of a suite, or in none."""


class Exchanges(Record):
    """The runs of each suite; a plain list is `base` alone."""

    base: Annotated[tuple[Exchange, ...], Field(min_length=1)]
    plus: tuple[Exchange, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_list(cls, written: object) -> object:
        return {"base": cast(list[object], written)} if isinstance(written, list) else written


class Row(Record):
    """One line of the file."""

    schema_version: Literal[1] = 1
    id: Annotated[str, Field(min_length=1)]
    prompt: Annotated[str, Field(min_length=1)]
    entry_point: Annotated[str, Field(pattern=r"^[^\W\d]\w*$")] | None = None
    """What the tests call; needed, but for `stdio`."""
    solution: Annotated[str, Field(min_length=1)]
    types: tuple[str, ...] = ()
    atol: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    tests: Expressions | None = None
    test: Annotated[str, Field(min_length=1)] | None = None
    """A unittest file with a class `TestCases`, in place of `tests`."""
    stdio: Exchanges | None = None
    """What the program reads and writes, in place of `tests`."""


def load(path: Path, *, name: str) -> Benchmark:
    """The benchmark in the file at `path`, called `name`.

    Its hash covers ids and contents, not types: the same problems gzipped or with other types
    are the same benchmark.

    Raises:
        DataError: one line with the file, the line and what is wrong there.
    """
    problems: list[Problem] = []
    for number, line in numbered_lines(read_text(path)):
        where = f"{path}:{number}"
        problems.append(problem_from_row(parse_object(line, where), benchmark=name, where=where))
    return benchmark_of(problems, name=name, where=str(path))


def benchmark_of(problems: Sequence[Problem], *, name: str, where: str) -> Benchmark:
    """These problems as one benchmark.

    Raises:
        DataError: no problems, an id twice, or `plus` tests in some problems only.
    """
    if not problems:
        raise DataError(f"{where}: holds no problem")
    seen: set[str] = set()
    for problem in problems:
        if problem.task_id in seen:
            raise DataError(f"{where}: the id {problem.task_id!r} is there twice")
        seen.add(problem.task_id)
    # A rate over `plus` is one over all problems, so each has to say what its own are.
    suites = [suite.name for suite in max(problems, key=lambda problem: len(problem.suites)).suites]
    for problem in problems:
        if len(problem.suites) < len(suites):
            raise DataError(
                f'{where}: {problem.task_id} has no "plus" tests and others do: give it "plus": []'
            )
    return Benchmark(
        name=name,
        hash=content_sha256([[problem.task_id, problem.sha256] for problem in problems]),
        problems=tuple(problems),
        default_profile=PROFILE,
    )


def problem_from_row(row: object, *, benchmark: str, where: str) -> Problem:
    """A row, checked.

    `where` opens every message: `file:line`, or the file where rows have no line.

    Raises:
        DataError: one line with the place, the id and what is wrong.
    """
    try:
        checked = Row.model_validate(row)
    except ValidationError as error:
        raise DataError(_one_line(error, row, where)) from None
    where = f"{where}: {checked.id}"
    with warnings.catch_warnings():
        # `"\d"` in somebody's program is theirs to mend, and no reason to talk into ours.
        warnings.simplefilter("ignore")
        _check_solution(checked, where)
        suites = _suites(checked, where)
    forms = {form for form in _FORMS if getattr(checked, form) is None}
    not_hashed = {"schema_version", "id", "types", *forms}
    asked_and_tested = checked.model_dump(mode="json", exclude=not_hashed)
    return Problem(
        id=f"{benchmark}/{checked.id}",
        task_id=checked.id,
        prompt=checked.prompt,
        entry_point=checked.entry_point or "",
        solution=checked.solution,
        suites=tuple(suites),
        sha256=content_sha256({**asked_and_tested, "family": "jsonl"}),
        atol=checked.atol,
        family="jsonl",
        types=checked.types,
    )


def _one_line(error: ValidationError, row: object, where: str) -> str:
    if not isinstance(row, dict):
        return f"{where}: is not an object but {type(row).__name__}"
    fields = cast(dict[str, object], row)
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    place = f"{where}: {fields['id']}" if isinstance(fields.get("id"), str) else where
    match first["type"]:
        case "missing":
            return f"{place}: {field!r} is missing"
        case "extra_forbidden":
            depth = len(first["loc"])
            kind = Row if depth == 1 else Expressions if depth == 2 else Exchange
            known = kind.model_fields
            return f"{place}: unknown field {field!r}; there are {', '.join(known)}"
        case _:
            return f"{place}: {field}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _check_solution(row: Row, where: str) -> None:
    try:
        ast.parse(row.solution)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{where}: the solution is not Python: {error}") from None


_FORMS = ("tests", "test", "stdio")


def _suites(row: Row, where: str) -> list[Suite]:
    forms = [form for form in _FORMS if getattr(row, form) is not None]
    if not forms:
        raise DataError(f"{where}: 'tests' is missing")
    if len(forms) > 1:
        raise DataError(f"{where}: has both {forms[0]!r} and {forms[1]!r}")
    if row.stdio is not None:
        if row.entry_point is not None:
            raise DataError(f"{where}: 'stdio' runs the whole program: it has no 'entry_point'")
        suites = [_exchanges("base", row.stdio.base, where)]
        return suites + [
            _exchanges("plus", plus, where) for plus in (row.stdio.plus,) if plus is not None
        ]
    if row.entry_point is None:
        raise DataError(f"{where}: 'entry_point' is missing")
    if row.test is not None:
        return [unittest_suite(row.test, where)]
    assert row.tests is not None
    suites = [_suite("base", row.tests.base, row.entry_point, where)]
    if row.tests.plus is not None:
        suites.append(_suite("plus", row.tests.plus, row.entry_point, where))
    return suites


def _exchanges(name: str, tests: Sequence[Exchange], where: str) -> Suite:
    outputs = tuple(test.output for test in tests if test.output is not None)
    if 0 < len(outputs) < len(tests):
        raise DataError(f"{where}: some {name} tests have an 'output' and some have not")
    return Suite(
        name=name,
        inputs=tuple((test.input,) for test in tests),
        expected=outputs if outputs else None,
        stdio=True,
    )


class _Test(NamedTuple):
    arguments: tuple[Value, ...]
    is_explicit: bool
    expected: Value


def _suite(name: str, tests: Sequence[str], entry_point: str, where: str) -> Suite:
    parsed: list[_Test] = []
    for index, text in enumerate(tests):
        try:
            parsed.append(_parse_test(text, entry_point))
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
            said = error.msg if isinstance(error, SyntaxError) else str(error)
            raise DataError(f"{where}: {name} test {index}, {_cut(text)!r}: {said}") from None
    explicit = {test.is_explicit for test in parsed}
    if len(explicit) > 1:
        raise DataError(f"{where}: some {name} tests have `== value` and some have not")
    return Suite(
        name=name,
        inputs=tuple(test.arguments for test in parsed),
        expected=tuple(test.expected for test in parsed) if explicit == {True} else None,
    )


def _parse_test(text: str, entry_point: str) -> _Test:
    """`f(1) == 2` as its parts; ValueError or SyntaxError where it is anything else."""
    call = ast.parse(text.strip(), mode="eval").body
    right: ast.expr | None = None
    if isinstance(call, ast.Compare):
        if len(call.ops) != 1 or not isinstance(call.ops[0], ast.Eq):
            raise ValueError(f"only `{entry_point}(...) == value` can be compared")
        call, right = call.left, call.comparators[0]
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError(f"is not a call of {entry_point}")
    if call.func.id != entry_point:
        raise ValueError(f"calls {call.func.id}, not {entry_point}")
    if call.keywords or any(isinstance(argument, ast.Starred) for argument in call.args):
        raise ValueError("arguments must be positional")
    return _Test(
        arguments=tuple(_literal(argument) for argument in call.args),
        is_explicit=right is not None,
        expected=None if right is None else _literal(right),
    )


def _literal(node: ast.expr) -> Value:
    try:
        return ast.literal_eval(_Floats().visit(node))
    except ValueError:
        raise ValueError(f"{_cut(ast.unparse(node))} is not a literal") from None


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


class _Floats(ast.NodeTransformer):
    """`float("inf")` and its kind, which no Python literal can spell, as constants."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(
                func=ast.Name(id="float"),
                args=[ast.Constant(value=("inf" | "-inf" | "nan") as text)],
                keywords=[],
            ):
                return ast.Constant(float(text))
            case _:
                return node


# Reading JSONL, for samples files (models/replay.py) too.


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, gunzipped where its name ends in `.gz`.

    Raises:
        DataError: it is missing, is no file, is torn or is not text.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is not a whole gzip file: {error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}") from None


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, numbered from 1.

    Split at `\\n` alone: `str.splitlines` also splits at characters such as U+2028, which JSON
    strings may hold.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def parse_object(line: str, where: str) -> dict[str, object]:
    """One line of JSONL.

    Raises:
        DataError: it is not JSON, or not an object.
    """
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: is not an object but {type(row).__name__}")
    return cast(dict[str, object], row)
