"""BigCodeBench as problems: its names, its file in the forms that it comes in, its lists."""

import gzip
import json
from pathlib import Path

import pytest

from harness.benchmarks import BUILT_IN, DataFolders, bigcodebench, load
from harness.benchmarks.bigcodebench import NAMES, Variant, parse
from harness.config import BenchmarkSettings
from harness.errors import ConfigError, DataError, UnknownName, UserError
from harness.models.replay import open_replay
from harness.prompts import INSTRUCTION_PREFIX, STOPS, Style
from harness.records import Benchmark


@pytest.fixture(scope="module")
def folders(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> DataFolders:
    return DataFolders(data_folder, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def full(folders: DataFolders) -> Benchmark:
    return load("bigcodebench", data=folders)


def test_every_name_is_known_and_says_what_it_is():
    assert len(NAMES) == 8 and len(set(NAMES) & set(BUILT_IN)) == 4
    for name, variant in NAMES.items():
        assert parse(name) == variant and variant.name == name
    assert parse("bigcodebench-hard@v0.1.0_hf") == Variant(is_hard=True, version="v0.1.0_hf")


def test_settings_choose_a_form_and_other_benchmarks_have_none(folders: DataFolders):
    instruct = BenchmarkSettings(form="instruct", calibrated=False)
    loaded = load("BigCodeBench_Hard", data=folders, options=instruct)
    assert loaded.name == "bigcodebench-hard-instruct-uncalibrated"
    with pytest.raises(ConfigError, match="humaneval\\+ has one form alone"):
        load("humaneval+", data=folders, options=instruct)


def test_the_whole(full: Benchmark):
    assert len(full) == 1140
    assert (full.default_profile, full.environment) == ("bigcodebench-0.2", "bigcodebench")
    assert {problem.entry_point for problem in full} == {"task_func"}
    first = full.problems[0]
    assert first.solution == f"{first.prompt}\n{first.solution.partition(first.prompt)[2][1:]}"
    assert first.preamble.endswith("\n    pass\n")
    assert sum(len(problem.suites[0]) for problem in full) == 6419
    known = [problem.task_id for problem in full if problem.known_failure]
    assert known == [f"BigCodeBench/{n}" for n in (101, 169, 176, 180, 314, 590, 1005, 1012)]


def test_forms_of_one_task_share_their_truth(folders: DataFolders, full: Benchmark):
    others = [load(name, data=folders) for name in NAMES if name != "bigcodebench"]
    task = full.by_task_id["BigCodeBench/13"]
    for other in others:
        same = other.by_task_id["BigCodeBench/13"]
        assert same.truth_key == task.truth_key and same.sha256 not in ("", same.truth_key)
        assert (same.sha256 == task.sha256) == (other.name == "bigcodebench-hard")
        assert other.hash != full.hash


def test_versions_differ_in_ten_tasks(folders: DataFolders, full: Benchmark):
    old = load("bigcodebench@v0.1.0_hf", data=folders)
    changed = [
        int(new.task_id.rpartition("/")[2])
        for new, before in zip(full, old, strict=True)
        if new.sha256 != before.sha256
    ]
    # 760's change is in its prompt alone, and so on: what is asked, or what is tested.
    assert changed == [16, 37, 178, 211, 215, 241, 267, 760, 1005, 1006]
    with pytest.raises(UnknownName, match="v0.1.4"):
        load("bigcodebench@v9", data=folders)


def test_the_lists_are_the_publishers(data_folder: Path, full: Benchmark):
    published = json.loads((data_folder / "BigCodeBench-Hard-ids.json").read_text())
    assert bigcodebench.hard_ids() == set(published) and len(published) == 148
    of_tasks = json.loads((data_folder / "BigCodeBench-task2domain.json").read_text())
    for problem in full:
        domains = problem.slices["domain"]
        assert sorted(domains) == sorted(set(of_tasks[problem.task_id]))


def test_the_publishers_own_file_is_the_same_benchmark(
    data_folder: Path, full: Benchmark, tmp_path: Path
):
    """Other bytes: not compressed, keys in another order, fields that nobody needs."""
    text = gzip.decompress((data_folder / "BigCodeBench-v0.1.4.jsonl.gz").read_bytes()).decode()
    rows = [json.loads(line) for line in text.split("\n") if line]
    lines = [json.dumps(dict(sorted(row.items())) | {"more": 1}) for row in rows]
    (tmp_path / "BigCodeBench-v0.1.4.jsonl").write_text("\n".join(lines) + "\n")
    theirs = load("bigcodebench", data=DataFolders(tmp_path, tmp_path))
    assert theirs.hash == full.hash


def test_samples_of_all_tasks_may_be_graded_on_the_hard_ones(folders: DataFolders, tmp_path: Path):
    path = tmp_path / "samples.jsonl"
    ids = [f"BigCodeBench/{number}" for number in range(1140)]
    rows = [json.dumps({"task_id": task_id, "solution": "x = 1"}) for task_id in ids]
    path.write_text("\n".join(rows))
    found = open_replay(path).samples(load("bigcodebench-hard", data=folders))
    assert len(found.samples) == 148 and not found.unknown and not found.missing


def test_what_is_wrong_is_said(tmp_path: Path):
    folders = DataFolders(None, tmp_path)
    with pytest.raises(DataError, match="load_dataset"):
        load("bigcodebench", data=folders)
    path = tmp_path / "BigCodeBench-v0.1.4.jsonl"
    path.write_text('{"task_id": "BigCodeBench/0"}\n')
    with pytest.raises(DataError, match=r"jsonl:1: a task of BigCodeBench has .*complete_prompt"):
        load("bigcodebench", data=folders)
    path.write_text(json.dumps(dict.fromkeys(bigcodebench._FIELDS, "class TestCases:\n x = 1")))
    with pytest.raises(DataError, match="has 1 tasks"):
        load("bigcodebench", data=folders)


def test_prompts(folders: DataFolders, full: Benchmark):
    complete = full.problems[0]
    instruct = load("bigcodebench-instruct", data=folders).problems[0]
    asked = Style("messages").prompt(complete).messages[0]["content"]
    assert asked == f"{INSTRUCTION_PREFIX}\n```\n{complete.prompt.strip()}\n```\n"
    asked = Style("messages").prompt(instruct).messages[0]["content"]
    assert asked == f"{INSTRUCTION_PREFIX}\n{instruct.prompt.strip()}\n"
    assert Style("base").prompt(complete).text == f"{complete.prompt.strip()}\n"
    with pytest.raises(UserError, match="takes a chat"):
        Style("base").prompt(instruct)

    class Template:
        chat_template = "x"

        def apply_chat_template(self, conversation: list[dict[str, str]], **_: bool) -> str:
            return f"<{conversation[0]['content']}>"

    prefilled = Style("prefill").prompt(complete, Template())
    assert prefilled.stops == STOPS  # no closing fence: see prompts.py


def test_a_completion_goes_on_from_code_in_both_forms(folders: DataFolders, tmp_path: Path):
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps({"task_id": "BigCodeBench/0", "completion": "    return 1\n"}))
    codes = [
        open_replay(path).samples(load(name, data=folders)).samples[0].code
        for name in ("bigcodebench", "bigcodebench-instruct")
    ]
    assert codes[0] == codes[1]
    assert codes[0].startswith("import itertools") and codes[0].endswith("return 1\n")
