"""Benchmarks of the user's own: what is read, and what is said about what can't be."""

import gzip
import json
import math
import re
import textwrap
from pathlib import Path

import pytest

from harness import benchmarks
from harness.benchmarks import jsonl
from harness.benchmarks.data import DataFolders
from harness.errors import DataError
from harness.grading import grade, profile_named
from harness.records import Benchmark, Problem
from sandboxes.fake import FakeSandbox

ROW = {
    "id": "add",
    "prompt": "def add(a, b):\n",
    "entry_point": "add",
    "solution": "def add(a, b):\n    return a + b\n",
    "tests": {"base": ["add(1, 2) == 3"]},
}


def problem(**changes: object) -> Problem:
    return jsonl.problem_from_row({**ROW, **changes}, benchmark="mine", where="mine.jsonl:7")


def refusal(**changes: object) -> str:
    """What is said of a row with these changes: always one line, always with the place."""
    with pytest.raises(DataError) as told:
        problem(**changes)
    said = str(told.value)
    assert "\n" not in said
    assert said.startswith("mine.jsonl:7: ")
    return said


def written(path: Path, *rows: object) -> Path:
    text = "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def load(path: Path) -> Benchmark:
    return benchmarks.load(f"jsonl:{path}", data=DataFolders(data=None, cache=path.parent))


DOCS = Path(__file__).parents[3] / "docs" / "benchmarks.md"


def test_the_example_of_the_docs_loads_and_its_solutions_pass(tmp_path: Path) -> None:
    example, _, _ = re.findall(r"```json\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "shop.jsonl"
    path.write_text(example, "utf-8")
    total, by_letter = load(path)
    assert (total.task_id, total.id) == ("shop/total", f"jsonl:{path}/shop/total")
    assert total.suite("base").expected == (20.0, 0.0)
    assert total.suite("plus").inputs[1] == ([math.inf], 50)
    assert (total.atol, total.types, total.family) == (1e-6, ("arithmetic",), "jsonl")
    assert by_letter.suite("base").expected is None
    for each in (total, by_letter):
        scope: dict = {}
        exec(each.solution, scope)
        for suite in each.suites:
            got = [scope[each.entry_point](*arguments) for arguments in suite.inputs]
            if suite.expected is not None:
                assert got == pytest.approx(list(suite.expected), abs=each.atol)


def test_the_example_of_the_module_loads() -> None:
    example = str(jsonl.__doc__).partition("one row a problem.\n\n")[2].partition("\n\n")[0]
    row = json.loads(textwrap.dedent(example))
    read = jsonl.problem_from_row(row, benchmark="mine", where="the docstring")
    assert read.suite("plus").inputs == ((-1, 1),)
    assert {*row, "test", "stdio"} == set(jsonl.Row.model_fields), "the example shows every field"


def test_the_unittest_example_of_the_docs_passes(tmp_path: Path) -> None:
    _, example, _ = re.findall(r"```json\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "notes.jsonl"
    path.write_text(example, "utf-8")
    (notes,) = load(path)
    assert notes.suites[0].methods == ("test_counts", "test_writes")
    strict = profile_named("strict")
    wrong = notes.prompt + "    return 1\n"
    right, counts_one = grade(
        notes, [notes.solution, wrong], profile=strict, sandbox=FakeSandbox(), cache=tmp_path
    )
    assert (right.passed, counts_one.passed) == (True, False)


STDIO = {
    "id": "sum",
    "prompt": "Print the sum of two integers.\n",
    "solution": "print(sum(map(int, input().split())))\n",
    "stdio": {"base": [{"input": "1 2\n", "output": "3\n"}], "plus": [{"input": "-1 1"}]},
}


def stdio_problem(**changes: object) -> Problem:
    return jsonl.problem_from_row({**STDIO, **changes}, benchmark="mine", where="mine.jsonl:7")


def test_the_stdio_example_of_the_docs_passes(tmp_path: Path) -> None:
    _, _, example = re.findall(r"```json\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "sums.jsonl"
    path.write_text(example, "utf-8")
    (sums,) = load(path)
    wrong = "print(sum(map(int, input().split())))"
    strict = profile_named("strict")
    verdicts = grade(
        sums, [sums.solution, wrong], profile=strict, sandbox=FakeSandbox(), cache=tmp_path
    )
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert verdicts[1].suites["base"].failure is not None


def test_a_row_of_standard_input_and_output() -> None:
    base, plus = stdio_problem().suites
    assert (base.kind, base.inputs, base.expected) == ("stdio", (("1 2\n",),), ("3\n",))
    assert (plus.kind, plus.inputs, plus.expected) == ("stdio", (("-1 1",),), None)
    assert stdio_problem().entry_point == ""


def test_a_list_of_exchanges_is_the_base_suite() -> None:
    listed = stdio_problem(stdio=[{"input": "1 2\n", "output": "3\n"}])
    written_out = stdio_problem(stdio={"base": [{"input": "1 2\n", "output": "3\n"}]})
    assert [suite.name for suite in listed.suites] == ["base"]
    assert listed.sha256 == written_out.sha256 != stdio_problem().sha256


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"entry_point": "f"}, "'stdio' runs the whole program: it has no 'entry_point'"),
        ({"tests": {"base": ["f()"]}}, "has both 'tests' and 'stdio'"),
        ({"stdio": []}, "stdio.base: tuple should have at least 1 item"),
        ({"stdio": [{"output": "3"}]}, "'stdio.base.0.input' is missing"),
        ({"stdio": [{"input": "", "out": "3"}]}, "'stdio.base.0.out'; there are input, output"),
        ({"stdio": {"base": [{"input": ""}], "more": []}}, "'stdio.more'; there are base, plus"),
        ({"stdio": None}, "'tests' is missing"),
        (
            {"stdio": [{"input": "1", "output": "1"}, {"input": "2"}]},
            "some base tests have an 'output' and some have not",
        ),
    ],
)
def test_what_is_wrong_with_exchanges_is_said(changes: dict, said: str) -> None:
    with pytest.raises(DataError) as told:
        stdio_problem(**changes)
    assert said in str(told.value)
    assert str(told.value).startswith("mine.jsonl:7: ")


def test_a_benchmark_is_what_it_holds_not_how_it_is_stored(tmp_path: Path) -> None:
    plain = load(written(tmp_path / "a.jsonl", ROW))
    zipped = load(written(tmp_path / "b.jsonl.gz", {**ROW, "types": ["sums"]}))
    other = load(written(tmp_path / "c.jsonl", {**ROW, "atol": 0.5}))
    assert plain.hash == zipped.hash
    assert plain.hash != other.hash
    assert (plain.default_profile, len(plain)) == ("strict", 1)
    assert plain.name == f"jsonl:{tmp_path / 'a.jsonl'}"


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "def add(a, b): ...\n"},
        {"solution": "def add(a, b):\n    return b + a\n"},
        {"tests": {"base": ["add(1, 2) == 4"]}},
        {"tests": {"base": ["add(1, 2)"]}},
        {"tests": {"base": ["add(1, 2) == 3"], "plus": []}},
        {"atol": 1e-9},
    ],
)
def test_the_identity_covers_what_is_asked_and_tested(changes: dict) -> None:
    assert problem(**changes).sha256 != problem().sha256


def test_the_identity_leaves_out_types_and_names() -> None:
    assert problem(types=["sums"], id="sum").sha256 == problem().sha256


@pytest.mark.parametrize(
    ("test", "arguments", "expected"),
    [
        ("add() == None", (), None),
        ("add([1, (2,)], {'a': {3}}) == {1: b'x'}", ([1, (2,)], {"a": {3}}), {1: b"x"}),
        ("add(-1.5, 1+2j) == set()", (-1.5, 1 + 2j), set()),
        (
            "add(float('inf'), [-float(\"inf\")]) == float('-inf')",
            (math.inf, [-math.inf]),
            -math.inf,
        ),
        ("  add('== 3 ==', '\\n') == ('a' 'b') ", ("== 3 ==", "\n"), "ab"),
        ("add(\n  1,\n  2,\n) == 3", (1, 2), 3),
    ],
)
def test_literals_of_every_kind(test: str, arguments: tuple, expected: object) -> None:
    suite = problem(tests={"base": [test]}).suite("base")
    assert repr(suite.inputs) == repr((arguments,))
    assert repr(suite.expected) == repr((expected,))


def test_nan_is_a_literal_too() -> None:
    suite = problem(tests={"base": ["add(float('nan'), 1) == float('nan')"]}).suite("base")
    assert repr(suite.inputs) == "((nan, 1),)"
    assert repr(suite.expected) == "(nan,)"


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("add(1, 2) == 1 + 2", "1 + 2 is not a literal"),
        ("add(x, 2) == 3", "x is not a literal"),
        ("add(float('1e3'), 2) == 3", "float('1e3') is not a literal"),
        ("add(__import__('os').getpid(), 2)", "is not a literal"),
        ("add(a=1, b=2) == 3", "arguments must be positional"),
        ("add(*[1, 2]) == 3", "arguments must be positional"),
        ("sub(1, 2) == 3", "calls sub, not add"),
        ("m.add(1, 2) == 3", "is not a call of add"),
        ("3 == add(1, 2)", "is not a call of add"),
        ("add(1, 2) == 3 == 3", "only `add(...) == value` can be compared"),
        ("add(1, 2) < 4", "only `add(...) == value` can be compared"),
        ("add(1, 2) == 3; add(1, 1)", "invalid syntax"),
        ("add(1, 2", "'(' was never closed"),
        ("add({[]: 1}, 2) == 3", "unhashable"),
        ("", "invalid syntax"),
    ],
)
def test_what_is_no_test_is_named(test: str, said: str) -> None:
    message = refusal(tests={"base": ["add(1, 2) == 3", test]})
    assert message.startswith(f"mine.jsonl:7: add: base test 1, {test!r}: ")
    assert said in message


def test_a_test_of_a_megabyte_is_cut_in_the_message() -> None:
    assert len(refusal(tests={"base": [f"sub('{'9' * 1_000_000}') == 1"]})) < 200
    assert len(refusal(tests={"base": [f"add(x + '{'9' * 1_000_000}') == 1"]})) < 300


def test_nesting_beyond_the_parser_is_a_message_too() -> None:
    assert "base test 0" in refusal(tests={"base": [f"add({'[' * 5000}{']' * 5000}) == 1"]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"atoll": 1e-6}, "add: unknown field 'atoll'; there are schema_version, id, "),
        ({"tests": {"base": ["add(1, 2)"], "extra": []}}, "unknown field 'tests.extra'; there are base, plus"),
        ({"schema_version": 2}, "add: schema_version: input should be 1"),
        ({"id": ""}, "id: "),
        ({"id": 3}, "id: input should be a valid string"),
        ({"entry_point": "a b"}, "add: entry_point: "),
        ({"entry_point": "1a"}, "add: entry_point: "),
        ({"atol": -1}, "add: atol: "),
        ({"atol": math.nan}, "add: atol: "),
        ({"tests": {"base": []}}, "add: tests.base: "),
        ({"tests": {"plus": ["add(1, 2) == 3"]}}, "add: 'tests.base' is missing"),
        ({"tests": ["add(1, 2) == 3"]}, "add: tests: "),
        ({"types": "sums"}, "add: types: "),
        ({"solution": "def add(a, b) return a"}, "add: the solution is not Python: "),
        ({"tests": {"base": ["add(1, 2) == 3", "add(1, 1)"]}}, "some base tests have `== value`"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_row_is_named(changes: dict, said: str) -> None:
    assert said in refusal(**changes)


@pytest.mark.parametrize("field", ["id", "prompt", "entry_point", "solution", "tests"])
def test_a_missing_field_is_named(field: str) -> None:
    row = {name: value for name, value in ROW.items() if name != field}
    with pytest.raises(DataError, match=f"^here: (add: )?'{field}' is missing$"):
        jsonl.problem_from_row(row, benchmark="mine", where="here")


def test_suites_may_differ_in_how_they_say_what_is_expected() -> None:
    read = problem(tests={"base": ["add(1, 2) == 3"], "plus": ["add(0, 0)"]})
    assert read.suite("base").expected == (3,)
    assert read.suite("plus").expected is None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{\n"], ":1: is not JSON"),
        ([ROW, "\n", "[1]\n"], ":3: is not an object but list"),
        ([ROW, ROW], ": the id 'add' is there twice"),
        ([ROW, {**ROW, "id": "b", "tests": {"base": ["add(1)"], "plus": []}}], 'add has no "plus"'),
        (["\n"], ": holds no problem"),
        ([{**ROW, "prompt": 3}], ":1: add: prompt: "),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, lines: list, said: str) -> None:
    path = written(tmp_path / "mine.jsonl", *lines)
    with pytest.raises(DataError) as told:
        load(path)
    assert str(told.value).startswith(str(path))
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read: No such file"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="can't be read: Is a directory"):
        load(tmp_path)
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(b'{"id": "\xe9"}')
    with pytest.raises(DataError, match="is not UTF-8"):
        load(latin)
    torn = written(tmp_path / "torn.jsonl.gz", ROW)
    torn.write_bytes(torn.read_bytes()[:-9])
    with pytest.raises(DataError, match="is not a whole gzip file"):
        load(torn)


def test_lines_end_at_newlines_alone(tmp_path: Path) -> None:
    """JSON strings may hold U+2028, at which `str.splitlines` would split."""
    row = {**ROW, "prompt": "def add(a, b):  # \u2028 \x85\n"}
    path = tmp_path / "mine.jsonl"
    path.write_text(
        "\ufeff" + json.dumps(row, ensure_ascii=False) + "\r\n\r\n", "utf-8", newline=""
    )
    (read,) = load(path)
    assert read.prompt == row["prompt"]


def test_a_program_with_a_doubtful_escape_is_read_in_silence() -> None:
    """Warnings are errors here: this test fails where one comes through."""
    solution = 'def add(a, b):\n    """\\d"""\n    return a + b\n'
    assert problem(solution=solution, tests={"base": ["add('\\d', '') == '\\d'"]}).atol == 0


# --- unittest files ------------------------------------------------------------------------------

UNITTEST = """
import unittest
class TestCases(unittest.TestCase):
    def test_b(self): self.assertEqual(add(1, 2), 3)
    def test_a(self): pass
    def test_a(self): self.assertEqual(add(0, 0), 0)
    def helper(self): pass
"""


def unittest_row(**fields: object) -> dict[str, object]:
    row = {"id": "x", "prompt": "p", "entry_point": "add", "solution": "def add(a, b): return a+b"}
    return {**row, "test": UNITTEST, **fields}


def test_a_unittest_file_is_the_one_suite():
    problem = jsonl.problem_from_row(unittest_row(), benchmark="b", where="w")
    (suite,) = problem.suites
    assert (suite.name, suite.kind, suite.methods) == ("base", "unittest", ("test_a", "test_b"))
    assert (len(suite), suite.unittest) == (2, UNITTEST)
    other = jsonl.problem_from_row(unittest_row(test=UNITTEST + "\n"), benchmark="b", where="w")
    assert other.sha256 != problem.sha256


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"test": "def"}, "w: x: the unittest file is not Python"),
        ({"test": "class TestCases: pass"}, "w: x: the unittest file has no class TestCases with"),
        ({"test": "class Tests:\n def test_a(self): ..."}, "no class TestCases with a method"),
        ({"tests": {"base": ["add(1, 2)"]}}, "w: x: has both 'tests' and 'test'"),
        ({"test": None}, "w: x: 'tests' is missing"),
    ],
)
def test_a_unittest_file_is_checked(fields: dict[str, object], message: str):
    with pytest.raises(DataError, match=message):
        jsonl.problem_from_row(unittest_row(**fields), benchmark="b", where="w")
