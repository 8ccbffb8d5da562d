"""LiveCodeBench's files: what is read of them, when, and what is refused."""

import base64
import contextlib
import json
import pickle
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import benchmarks
from harness.benchmarks import livecodebench
from harness.benchmarks.data import DataFolders
from harness.benchmarks.pickled_text import NotAText, pickled_text
from harness.benchmarks.window import Window
from harness.config import BenchmarkSettings
from harness.errors import ConfigError, DataError, UnknownName
from harness.records import Benchmark
from tests.livecodebench_problems import PROBLEMS, Written, write


@pytest.fixture
def folders(tmp_path: Path) -> DataFolders:
    """Six files of two problems each, as a user would lay them there."""
    inside = tmp_path / "data" / "livecodebench"
    inside.mkdir(parents=True)
    for number, name in enumerate(livecodebench.FILE_NAMES):
        write(inside / name, PROBLEMS[2 * number : 2 * number + 2])
    return DataFolders(data=tmp_path / "data", cache=tmp_path / "cache")


def load_file(path: Path, *problems: Written) -> Benchmark:
    write(path, problems or PROBLEMS)
    return benchmarks.load(f"livecodebench:{path}", data=DataFolders(data=None, cache=path.parent))


def test_the_versions_are_the_publishers(folders: DataFolders):
    def ids(name: str) -> list[str]:
        return [problem.task_id for problem in benchmarks.load(name, data=folders)]

    known = [problem.id for problem in PROBLEMS]
    assert ids("livecodebench@v1") == known[:2]
    assert ids("livecodebench@v6") == known[10:]
    assert ids("livecodebench@v2_v3") == known[2:6]
    assert ids("livecodebench@release_v1") == known[:2]
    assert ids("livecodebench@release_v3") == known[:6]
    assert ids("livecodebench") == ids("LiveCodeBench") == ids("livecodebench@release_v6") == known
    assert benchmarks.load("livecodebench", data=folders).name == "livecodebench@release_v6"
    with pytest.raises(UnknownName, match="livecodebench@v6"):
        benchmarks.load("livecodebench@v7", data=folders)


def test_what_is_missing_is_said_with_where_it_comes_from(folders: DataFolders):
    assert folders.data is not None
    (folders.data / "livecodebench" / "test4.jsonl").unlink()
    with pytest.raises(DataError, match=r"test4\.jsonl is not in .*code_generation_lite"):
        benchmarks.load("livecodebench", data=folders)
    assert len(benchmarks.load("livecodebench@release_v3", data=folders)) == 6


def test_a_problem(tmp_path: Path):
    benchmark = load_file(tmp_path / "own.jsonl")
    assert (benchmark.default_profile, len(benchmark)) == ("livecodebench", 12)
    read = benchmark.by_task_id["ours_half"]
    assert read.id == f"livecodebench:{tmp_path / 'own.jsonl'}/ours_half"
    assert (read.solution, read.entry_point, read.family) == ("", "", "livecodebench")
    assert (read.release_date, dict(read.slices)) == (
        "2024-12-31",
        {"difficulty": ("medium",), "platform": ("atcoder",)},
    )
    public, private = read.suites
    assert (public.kind, public.inputs, public.expected) == (
        "stdio",
        (("3",), ("4",)),
        ("1.5", "2"),
    )
    assert (private.kind, len(private), private.inputs[2]) == ("stdio", 3, ("100000",))
    assert private.expected is not None
    assert list(private.expected) == ["3.50", "-0.5", "5e4"]
    assert private.inputs[:1] == (("7",),)


def test_a_problem_of_a_method(tmp_path: Path):
    read = load_file(tmp_path / "own.jsonl").by_task_id["ours_join"]
    public, private = read.suites
    assert (read.entry_point, public.kind, private.kind) == ("join", "calls", "calls")
    assert (public.inputs, public.expected) == ((("x", "y", "-"),), ("x-y",))
    assert list(private.inputs) == [("", "", ""), ("é", '"', " ")]
    assert "use the following starter code" in read.prompt and "self, a: str" in read.prompt


@pytest.mark.parametrize("protocol", [2, 3, 4, 5, None])
def test_both_forms_of_private_tests_are_the_same(tmp_path: Path, protocol: int | None):
    for written in (PROBLEMS[3], PROBLEMS[10]):
        plain = load_file(tmp_path / "plain.jsonl", replace(written, pickled=None)).problems[0]
        packed = load_file(tmp_path / "p.jsonl", replace(written, pickled=protocol)).problems[0]
        for one, other in zip(plain.suites, packed.suites, strict=True):
            assert list(one.inputs) == list(other.inputs)
            assert list(one.expected or ()) == list(other.expected or ())


def test_private_tests_are_read_when_they_are_looked_at(tmp_path: Path):
    path = tmp_path / "own.jsonl"
    problems = load_file(path).problems
    text = path.read_text("utf-8")
    path.write_text(text.replace("ours_sum", "ours_mus"), "utf-8")
    assert len(problems[0].suites[1]) == 2, "its place and its tests are the same"
    path.write_text(text[:40] + "\n" + text, "utf-8")
    with pytest.raises(DataError):
        len(problems[1].suites[1])


def test_a_benchmark_is_what_it_holds(tmp_path: Path):
    one = load_file(tmp_path / "one.jsonl")
    assert load_file(tmp_path / "two.jsonl").hash == one.hash
    changed = replace(PROBLEMS[0], private=[("0 0", "1")])
    assert load_file(tmp_path / "c.jsonl", changed, *PROBLEMS[1:]).hash != one.hash
    other_date = replace(PROBLEMS[0], date="2020-01-01", difficulty="hard")
    assert load_file(tmp_path / "d.jsonl", other_date, *PROBLEMS[1:]).hash == one.hash


# The window


def test_the_window_is_in_the_name_and_found_again_by_it(folders: DataFolders):
    options = BenchmarkSettings(after=date(2025, 1, 1), before=date(2025, 2, 1))
    chosen = benchmarks.load("livecodebench", data=folders, options=options)
    assert chosen.name == "livecodebench@release_v6:2025-01-01..2025-02-01"
    assert sorted(str(problem.release_date) for problem in chosen) == [
        *("2025-01-01", "2025-01-02", "2025-01-15", "2025-01-20", "2025-02-01"),
    ]
    again = benchmarks.load(chosen.name, data=folders)
    assert (again.name, again.hash) == (chosen.name, chosen.hash)
    whole = benchmarks.load("livecodebench", data=folders)
    assert whole.hash != chosen.hash
    open_end = benchmarks.load("livecodebench@v6:2025-03-01..", data=folders)
    assert [problem.task_id for problem in open_end] == ["ours_true"]
    assert open_end.left_out == {"ours_primes"}


def test_an_empty_window_and_one_where_there_are_no_dates(folders: DataFolders):
    options = BenchmarkSettings(after=date(2030, 1, 1))
    with pytest.raises(DataError, match="no problem is from 2030-01-01"):
        benchmarks.load("livecodebench", data=folders, options=options)
    with pytest.raises(
        ConfigError, match=r"benchmark\.after: the problems of sanity have no dates"
    ):
        benchmarks.load("sanity", data=folders, options=options)
    with pytest.raises(ConfigError, match="2025-13-01"):
        benchmarks.load("livecodebench:2025-13-01..", data=folders)


@given(st.dates(), st.none() | st.dates(), st.none() | st.dates())
def test_a_window_is_read_from_what_it_writes(day: date, after: date | None, before: date | None):
    window = Window(after, before)
    stem, found = Window.split(f"livecodebench@v1{window.suffix}")
    assert (stem, found or Window()) == ("livecodebench@v1", window)
    inside = (after is None or after <= day) and (before is None or day <= before)
    assert window.holds(day.isoformat()) == inside


# What is no file of theirs


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"question_id": None}, "own.jsonl:1: is no row of LiveCodeBench: question_id"),
        ({"public_test_cases": "nothing"}, "ours_sum: public tests can't be read"),
        ({"public_test_cases": '[{"input": "1"}]'}, "ours_sum: public tests can't be read"),
        ({"metadata": '{"func_name": "f()"}'}, "func_name is no name"),
        ({"metadata": "{"}, "its metadata is not JSON"),
        ({"metadata": '{"func_name": "f"}'}, "test 0 is stdin, the problem functional"),
        ({"contest_date": "soon"}, "contest_date"),
    ],
)
def test_one_line_with_the_place(tmp_path: Path, changes: dict, said: str):
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(PROBLEMS[0].row() | changes) + "\n")
    with pytest.raises(DataError) as told:
        benchmarks.load(f"livecodebench:{path}", data=DataFolders(None, tmp_path))
    assert said in str(told.value) and "\n" not in str(told.value)


def packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (packed(pickle.dumps(["not", "a", "text"])), "an instruction that a text does not need"),
        (packed(pickle.dumps(print)), "an instruction that a text does not need"),
        (packed(b"cos\nsystem\n(S'true'\ntR."), "an instruction that a text does not need"),
        (packed(pickle.dumps("[]") + b"x"), "something stands behind its end"),
        (packed(pickle.dumps("[]" * 50)[:20]), "the pickle ends too early"),
        (packed(b""), "the pickle ends too early"),
        (packed(pickle.dumps("[]"))[:-8], "torn"),
        ("AAAA", "not compressed"),
        ("*" * 8, "private tests: "),
        (packed(pickle.dumps('{"a"')), "private tests can't be read"),
    ],
)
def test_private_tests_that_are_none(tmp_path: Path, field: str, said: str):
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(PROBLEMS[0].row() | {"private_test_cases": field}) + "\n")
    benchmark = benchmarks.load(f"livecodebench:{path}", data=DataFolders(None, tmp_path))
    with pytest.raises(DataError) as told:
        len(benchmark.problems[0].suites[1])
    assert said in str(told.value) and "ours_sum" in str(told.value)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(livecodebench, "MAX_TESTS_BYTES", 1 << 20)
    with pytest.raises(ValueError, match="more than 1 MB"):
        livecodebench.private_text(packed(b"\0" * (1 << 22)))


@given(st.text() | st.text(min_size=300), st.integers(min_value=1, max_value=5))
def test_pickled_texts_are_read(text: str, protocol: int):
    assert pickled_text(pickle.dumps(text, protocol=protocol)) == text


@given(
    st.recursive(
        st.none() | st.integers() | st.binary() | st.booleans() | st.floats(),
        lambda inner: st.lists(inner | st.text()) | st.tuples(st.text(), inner),
    ),
    st.integers(min_value=0, max_value=5),
)
def test_pickles_of_anything_else_are_refused(value: object, protocol: int):
    with pytest.raises(NotAText):
        pickled_text(pickle.dumps(value, protocol=protocol))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_text_or_refused(content: bytes):
    with contextlib.suppress(NotAText):
        assert isinstance(pickled_text(content), str)


def test_a_gzipped_file_is_told(tmp_path: Path):
    path = tmp_path / "test.jsonl"
    path.write_bytes(b"\x1f\x8b\x08\0\0")
    with pytest.raises(DataError, match="is it gzipped"):
        benchmarks.load(f"livecodebench:{path}", data=DataFolders(None, tmp_path))
