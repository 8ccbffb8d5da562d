"""Samples files as models: every layout that people have, and every way in which one is wrong."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import benchmarks
from harness.benchmarks import sanity
from harness.benchmarks.data import DataFolders
from harness.errors import DataError
from harness.models.replay import Replay, open_replay, replay_demo
from harness.records import Benchmark, Problem, Suite


def problem(task_id: str, prompt: str = "def f(x):\n") -> Problem:
    return Problem(
        id=f"demo/{task_id}",
        task_id=task_id,
        prompt=prompt,
        entry_point="f",
        solution=f"{prompt}    return x\n",
        suites=(Suite("base", ((1,),)),),
        sha256=task_id,
    )


BENCHMARK = Benchmark(
    name="demo",
    hash="0",
    problems=tuple(problem(f"Demo/{number}") for number in range(4)),
    default_profile="strict",
)
ROWS = [
    {"task_id": "Demo/0", "completion": "    return x\n"},
    {"task_id": "Demo/1", "solution": "def f(x): return 1\n", "completion": "ignored"},
    {"task_id": "Demo/1", "solution": "def f(x): return 2\n", "raw_solution": "ignored"},
    {"task_id": "Demo/0", "solution": None, "completion": "    return 0\n"},
    {"task_id": "Demo/3", "raw_solution": "def f(x): return 3\n"},
]
CODES = {
    ("demo/Demo/0", 0): "def f(x):\n    return x\n",
    ("demo/Demo/0", 1): "def f(x):\n    return 0\n",
    ("demo/Demo/1", 0): "def f(x): return 1\n",
    ("demo/Demo/1", 1): "def f(x): return 2\n",
    ("demo/Demo/3", 0): "def f(x): return 3\n",
}


def jsonl(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def replay_of(folder: Path, *rows: object) -> Replay:
    path = folder / "samples.jsonl"
    path.write_bytes(jsonl(*rows))
    return open_replay(path)


def refusal(attempt: Callable[[], object]) -> str:
    with pytest.raises(DataError) as told:
        attempt()
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.jsonl", jsonl(*ROWS)),
        ("m.samples.jsonl", b"\xef\xbb\xbf" + jsonl(*ROWS).replace(b"\n", b"\r\n\r\n")),
        ("m.samples.jsonl.gz", gzip.compress(jsonl(*ROWS))),
        ("m.json", json.dumps(ROWS, indent=1).encode()),
        ("m.json.gz", gzip.compress(json.dumps(ROWS).encode())),
    ],
)
def test_every_file_layout_gives_the_same_samples(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    replay = open_replay(path)
    assert (replay.checkpoint.kind, replay.checkpoint.name) == ("replay", "m")
    assert replay.checkpoint.source == str(path)
    assert replay.checkpoint.identity == hashlib.sha256(content).hexdigest()
    assert replay.task_ids == ("Demo/0", "Demo/1", "Demo/3")

    found = replay.samples(BENCHMARK)
    assert {sample.key: sample.code for sample in found.samples} == CODES
    assert [sample.reply for sample in found.samples] == [None] * 5
    assert (found.extraction, found.missing, found.warnings) == ("none", ["Demo/2"], ())
    assert found.unknown.total() == 0


def test_a_name_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(jsonl(*ROWS))
    assert open_replay(tmp_path / "m.jsonl", name="qwen").checkpoint.name == "qwen"


def test_a_name_may_hold_dots(tmp_path: Path) -> None:
    path = tmp_path / "qwen2.5-coder-1.5b.humanevalplus-v0.1.10.jsonl"
    path.write_bytes(jsonl(*ROWS))
    assert open_replay(path).checkpoint.name == "qwen2.5-coder-1.5b.humanevalplus-v0.1.10"


def test_the_first_n_of_each_problem(tmp_path: Path) -> None:
    found = replay_of(tmp_path, *ROWS).samples(BENCHMARK, n=1)
    assert {sample.key: sample.code for sample in found.samples} == {
        key: code for key, code in CODES.items() if key[1] == 0
    }


# Folders.


def evalplus_folder(folder: Path, programs: dict[str, str]) -> Path:
    for path, text in programs.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


PROGRAMS = {
    "Demo_0/10.py": "# ten",
    "Demo_0/9.py": "# nine",
    "Demo_2/0.py": "# zero",
    "Demo_2/notes.txt": "not a sample",
    ".cache/0.py": "not a sample",
    "README.py": "not a sample",
}


def test_a_folder_in_evalplus_layout(tmp_path: Path) -> None:
    replay = open_replay(evalplus_folder(tmp_path / "m", PROGRAMS))
    assert (replay.checkpoint.name, len(replay)) == ("m", 3)
    found = replay.samples(BENCHMARK)
    assert {sample.key: sample.code for sample in found.samples} == {
        ("demo/Demo/0", 0): "# nine",
        ("demo/Demo/0", 1): "# ten",
        ("demo/Demo/2", 0): "# zero",
    }
    assert found.missing == ["Demo/1", "Demo/3"]


def test_a_folder_is_known_by_its_programs_and_their_places(tmp_path: Path) -> None:
    def identity(name: str, programs: dict[str, str]) -> str:
        return open_replay(evalplus_folder(tmp_path / name, programs)).checkpoint.identity

    whole = identity("a", PROGRAMS)
    assert identity("b", dict(reversed(PROGRAMS.items()))) == whole
    assert identity("c", {**PROGRAMS, "Demo_2/notes.txt": "other"}) == whole
    assert identity("d", {**PROGRAMS, "Demo_2/0.py": "# other"}) != whole
    moved = {path.replace("Demo_2", "Demo_3"): text for path, text in PROGRAMS.items()}
    assert identity("e", moved) != whole


def test_folders_of_ids_with_underscores_find_their_problem(tmp_path: Path) -> None:
    ids = ("shop/by_first_letter", "two_sum")
    benchmark = Benchmark("mine", "0", tuple(map(problem, ids)), "strict")
    folder = evalplus_folder(
        tmp_path, {"shop_by_first_letter/0.py": "a = 1", "two_sum/0.py": "a = 2"}
    )
    found = open_replay(folder).samples(benchmark)
    assert [sample.problem_id for sample in found.samples] == [f"demo/{task_id}" for task_id in ids]


def test_what_evalplus_writes_as_a_folder_is_read_back(tmp_path: Path) -> None:
    from evalplus.data.utils import write_directory

    rows = [{"task_id": f"Demo/{n % 4}", "solution": f"# {n}\n"} for n in range(48)]
    write_directory(tmp_path / "theirs", rows)
    found = open_replay(tmp_path / "theirs").samples(BENCHMARK)
    assert {sample.key: sample.code for sample in found.samples} == {
        (f"demo/Demo/{n % 4}", n // 4): f"# {n}\n" for n in range(48)
    }


# Replies.

REPLY = "<think>easy</think>Sure:\n```python\ndef f(x):\n    return x + 1\n```\n"


def test_replies_are_recognised_and_code_is_taken_out(tmp_path: Path) -> None:
    rows = [
        {"task_id": "Demo/0", "solution": REPLY},
        {"task_id": "Demo/1", "completion": REPLY},
        {"task_id": "Demo/2", "solution": "def f(x): return 2"},
    ]
    replay = replay_of(tmp_path, *rows)
    found = replay.samples(BENCHMARK)
    assert found.extraction == "harness"
    for sample in found.samples[:2]:
        assert sample.code == "def f(x):\n    return x + 1\n"
        assert (sample.thinking, sample.reply) == ("easy", REPLY)
    assert (found.samples[2].code, found.samples[2].reply) == ("def f(x): return 2", None)

    as_they_are = replay.samples(BENCHMARK, extraction="none")
    assert as_they_are.extraction == "none"
    assert [sample.code for sample in as_they_are.samples] == [
        REPLY,
        f"def f(x):\n{REPLY}",
        "def f(x): return 2",
    ]


def test_half_is_not_most(tmp_path: Path) -> None:
    programs = [{"task_id": f"Demo/{n}", "solution": "def f(x): ..."} for n in range(2)]
    replies = [{"task_id": f"Demo/{n}", "solution": REPLY} for n in range(2, 4)]
    assert replay_of(tmp_path, *programs, *replies).samples(BENCHMARK).extraction == "none"
    assert replay_of(tmp_path, *replies, programs[0]).samples(BENCHMARK).extraction == "harness"


def test_a_completion_without_a_program_of_its_own_goes_on_from_the_prompt(tmp_path: Path) -> None:
    row = {"task_id": "Demo/0", "completion": "<think>hm</think>    return x + 1\n"}
    (sample,) = replay_of(tmp_path, row).samples(BENCHMARK, extraction="harness").samples
    assert sample.code == "def f(x):\n    return x + 1\n"
    assert sample.thinking == "hm"


# What is wrong, and is told.


def test_a_torn_last_line_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(jsonl(*ROWS) + b'{"task_id": "Demo/2", "solu')
    found = open_replay(path).samples(BENCHMARK)
    assert len(found.samples) == len(ROWS)
    assert found.missing == ["Demo/2"]
    (warning,) = found.warnings
    assert f"{path}:6" in warning

    path.write_bytes(jsonl(*ROWS)[:-1])
    assert open_replay(path).samples(BENCHMARK).warnings == (), "whole, but for its newline"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"task_id": "Demo/0", "solu\n' + jsonl(*ROWS), ":1: is not JSON"),
        (jsonl(*ROWS) + b'{"task_id": "Demo/0", "solu\n', ":6: is not JSON"),
        (jsonl(ROWS[0], ["task_id"]), ":2: is not an object but list"),
        (
            jsonl(ROWS[0], {"task_id": "Demo/0", "generation": "x"}),
            ":2: has no solution or completion, only task_id, generation",
        ),
        (jsonl({"solution": "x"}), ":1: has no task_id, only solution"),
        (jsonl({}), ":1: has no task_id, only nothing"),
        (jsonl({"task_id": 3, "solution": "x"}), ":1: task_id is not a text but 3"),
        (jsonl({"task_id": "Demo/0", "solution": ["x"]}), ":1: solution is a list; write a row"),
        (jsonl({"task_id": "Demo/0", "completion": 3}), ":1: completion is not a text but int"),
        (b"", ": holds no sample"),
        (b"\n\n", ": holds no sample"),
        (b'{"task_id', ": holds no sample"),
        (b"\xff\xfe", ": is not UTF-8 text"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(content)
    assert refusal(lambda: open_replay(path)).startswith(f"{path}{said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"),
        (b"3", "is neither an array of rows nor an _eval_results.json"),
        (b'{"eval": 3}', "is neither an array of rows nor an _eval_results.json"),
        (b'{"eval": {"Demo/0": 3}}', "is neither an array of rows nor an _eval_results.json"),
        (b"[3]", "row 0: is not an object but int"),
        (b"[]", "holds no sample"),
    ],
)
def test_a_wrong_json_file_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(content)
    assert said in refusal(lambda: open_replay(path))


def test_a_path_without_samples_is_told(tmp_path: Path) -> None:
    assert "can't be read" in refusal(lambda: open_replay(tmp_path / "none.jsonl"))
    assert "holds no sample" in refusal(lambda: open_replay(tmp_path))
    evalplus_folder(tmp_path, {"Demo_0/0.py": ""})
    (tmp_path / "Demo_0" / "0.py").write_bytes(b"\xff")
    assert "is not UTF-8 text" in refusal(lambda: open_replay(tmp_path))


def test_some_unknown_ids_are_counted(tmp_path: Path) -> None:
    strange = [{"task_id": "Other/1", "solution": "x"}] * 3
    found = replay_of(tmp_path, *ROWS, *strange).samples(BENCHMARK)
    assert found.unknown == {"Other/1": 3}
    assert len(found.samples) == len(ROWS)


def test_mostly_unknown_ids_are_refused_with_the_benchmark_that_has_them(tmp_path: Path) -> None:
    mbpp = [{"task_id": f"Mbpp/{number}", "solution": "x"} for number in range(4)]
    said = refusal(lambda: replay_of(tmp_path, *ROWS, *mbpp).samples(BENCHMARK))
    assert "4 of 7 ids are not in demo" in said
    assert "samples of Mbpp/…: try -b mbpp+" in said

    other = [{"task_id": f"task{number}", "solution": "x"} for number in range(4)]
    said = refusal(lambda: replay_of(tmp_path, *other).samples(BENCHMARK))
    assert "samples of task0" in said
    assert "demo has ids like Demo/0" in said


def test_a_text_of_the_line_separators_of_unicode_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    row = {"task_id": "Demo/0", "solution": "x = '\u2028\x85'\n"}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    assert open_replay(path).samples(BENCHMARK).samples[0].code == row["solution"]


# The demo.


def test_the_demo_answers_every_problem_and_holds_hostile_replies_back() -> None:
    benchmark = sanity.load()
    brave, careful = replay_demo(hostile=True), replay_demo(hostile=False)
    assert brave.checkpoint.source == "fake:demo"
    assert brave.checkpoint.identity != careful.checkpoint.identity
    hostile = {reply.task_id for reply in sanity.replies() if reply.kind == "hostile"}
    assert hostile == set(brave.task_ids) - set(careful.task_ids)

    found = brave.samples(benchmark)
    assert (found.extraction, found.missing, found.unknown.total()) == ("harness", [], 0)
    assert {sample.problem_id for sample in found.samples} == {p.id for p in benchmark}
    assert set(careful.samples(benchmark).missing) == hostile


def test_code_is_found_in_the_demos_replies_and_thinking_is_not() -> None:
    benchmark = sanity.load()
    kinds = {reply.task_id: reply.kind for reply in sanity.replies()}
    for sample in replay_demo(hostile=True).samples(benchmark).samples:
        kind = kinds[sample.problem_id.removeprefix("sanity/")]
        assert "<think>" not in sample.code
        if kind in {"right", "wrong", "base_only"}:
            compile(sample.code, sample.problem_id, "exec")
        elif kind == "syntax":
            with pytest.raises(SyntaxError):
                compile(sample.code, sample.problem_id, "exec")


# Real model output.

PARITY = [
    ("qwen25coder-1.5b-instruct.humanevalplus-v0.1.10", "humaneval+", 164, 0, 0),
    ("qwen25coder-7b-base.humanevalplus-v0.1.9", "humaneval+", 164, 0, 0),
    ("qwen25coder-7b-base.mbppplus-v0.1.0", "mbpp+", 378, 21, 18),
]


@pytest.mark.parametrize(("name", "guessed", "num_samples", "num_unknown", "num_reworded"), PARITY)
def test_recorded_samples_are_the_programs_that_evalplus_graded(
    data_folder: Path,
    parity_folder: Path,
    tmp_path: Path,
    name: str,
    guessed: str,
    num_samples: int,
    num_unknown: int,
    num_reworded: int,
) -> None:
    samples = open_replay(parity_folder / f"{name}.samples.jsonl.gz")
    assert samples.checkpoint.name == name
    assert benchmarks.guess(samples.task_ids) == guessed
    benchmark = benchmarks.load(guessed, data=DataFolders(data_folder, tmp_path))
    found = samples.samples(benchmark)
    assert (found.extraction, found.missing) == ("none", [])
    assert (len(found.samples), found.unknown.total()) == (num_samples, num_unknown)

    verdicts = open_replay(parity_folder / f"{name}.verdicts.json.gz").samples(benchmark)
    graded = {sample.key: sample.code for sample in verdicts.samples}
    assert graded.keys() == {sample.key for sample in found.samples}
    differ = [sample for sample in found.samples if graded[sample.key] != sample.code]
    # They were joined with the prompts of the version that was current then.
    assert len(differ) == num_reworded
    prompts = {problem.id: problem.prompt for problem in benchmark}
    assert not [s for s in differ if graded[s.key].startswith(prompts[s.problem_id])]


def test_samples_of_another_benchmark_are_refused(
    data_folder: Path, parity_folder: Path, tmp_path: Path
) -> None:
    samples = open_replay(parity_folder / f"{PARITY[2][0]}.samples.jsonl.gz")
    benchmark = benchmarks.load("humaneval+-mini", data=DataFolders(data_folder, tmp_path))
    assert "399 of 399" in refusal(lambda: samples.samples(benchmark))
    assert "try -b mbpp+" in refusal(lambda: samples.samples(benchmark))
