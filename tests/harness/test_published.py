"""Published results as runs: what is read, what stays unknown, what is refused."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders
from harness.errors import DataError
from harness.published import UNKNOWN, Imported, import_results
from harness.records import PUBLISHED, Status
from harness.store import Store
from harness.summary import summary
from leaderboards.compare import compare

EVALPLUS = {
    "date": "2024-09-24 21:14",
    "hash": "0123456789abcdef0123456789abcdef",
    "eval": {
        "HumanEval/0": [
            {
                "task_id": "HumanEval/0",
                "solution": "def f(): ...\n",
                "base_status": "fail",
                "plus_status": "pass",
                "base_fail_tests": [[[1, 2], 0.5], [[], 0.1]],
                "plus_fail_tests": [],
            },
            {
                "task_id": "HumanEval/0",
                "solution": "def f(): pass\n",
                "base_status": "pass",
                "plus_status": "timeout",
                "base_fail_tests": [],
                "plus_fail_tests": [],
            },
        ],
        "HumanEval/1": [
            {"task_id": "HumanEval/1", "base_status": "pass", "plus_status": "pass"},
        ],
    },
}
TRACEBACK = (
    'Traceback (most recent call last):\n  File "t.py", line 9, in m\nValueError: no\n  + x\n'
)
BIGCODEBENCH = {
    "date": "2024-12-25 02:52",
    "eval": {
        "BigCodeBench/4": [
            {
                "task_id": "BigCodeBench/4",
                "solution": "def task_func(): ...\n",
                "status": "fail",
                "details": {"test_case_1": TRACEBACK},
            }
        ],
        "BigCodeBench/5": [
            {
                "task_id": "BigCodeBench/5",
                "solution": "def task_func(): ...\n",
                "status": "pass",
                "details": {},
            }
        ],
    },
}


def write(path: Path, content: object) -> Path:
    text = json.dumps(content)
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def imported(tmp_path: Path, content: object, name: str = "m_eval_results.json", **how) -> Imported:
    return import_results(write(tmp_path / name, content), store=Store(tmp_path / "home"), **how)


def rates(found: Imported) -> dict[str, tuple[float, int]]:
    return {
        suite: (round(100 * rate.value, 1), rate.num_problems)
        for suite, rate in summary(found.run).pass_at[1].items()
    }


def test_results_of_evalplus(tmp_path: Path):
    found = imported(tmp_path, EVALPLUS)
    run = found.run
    assert found.is_new and run.id.startswith("m.humaneval+.")
    assert (len(run), run.num_unscored, run.config.num_problems) == (3, 0, 2)
    first, second = run["humaneval+/HumanEval/0"]
    assert first.suites["base"].status == Status.FAILED
    failure = first.suites["base"].failure
    assert failure is not None
    assert (failure.test, failure.input) == (None, "([1, 2], 0.5)")
    assert (failure.expected, failure.got) == (UNKNOWN, UNKNOWN)
    assert not first.passed  # its base failed, whatever plus says
    assert second.suites["plus"].status == Status.TIMEOUT
    assert rates(found) == {"base": (75.0, 2), "plus": (50.0, 2)}


def test_results_of_bigcodebench(tmp_path: Path):
    found = imported(tmp_path, BIGCODEBENCH, "m--bigcodebench-instruct--vllm_eval_results.json")
    assert found.run.config.benchmark == "bigcodebench-hard-instruct"  # two tasks are no full set
    (verdict,) = found.run["bigcodebench-hard-instruct/BigCodeBench/4"]
    result = verdict.suites["base"]
    assert result.failure is not None
    assert (result.failure.input, result.failure.got) == ("test_case_1", "ValueError: no")
    assert verdict.stderr == f"test_case_1: {TRACEBACK}"
    assert rates(found) == {"base": (50.0, 2)}


def test_what_a_file_lacks_is_unknown_and_not_zero(tmp_path: Path):
    run = imported(tmp_path, BIGCODEBENCH).run
    config = run.config
    assert config.profile == PUBLISHED
    assert config.checkpoint.kind == "published"
    assert config.generation is None
    for field in ("extraction", "grader_version", "environment", "benchmark_hash"):
        assert getattr(config, field) == UNKNOWN
    for verdict in run:
        result = verdict.suites["base"]
        assert (result.num_tests, result.num_run, result.num_passed) == (None, None, None)
        assert verdict.level == UNKNOWN
    assert summary(run).as_json()["seconds"] is None


def test_a_file_is_one_run_however_it_is_called(tmp_path: Path):
    first = imported(tmp_path, EVALPLUS)
    again = imported(tmp_path, EVALPLUS)
    packed = imported(tmp_path, EVALPLUS, "renamed_eval_results.json.gz")
    assert first.run.id == again.run.id == packed.run.id
    assert (first.is_new, again.is_new, packed.is_new) == (True, False, False)
    assert any("imported before, as m" in note for note in packed.notes)
    assert len(Store(tmp_path / "home").runs()) == 1
    verdicts = Path(first.run.path) / "verdicts.jsonl"
    assert len(verdicts.read_text().splitlines()) == 3


def test_an_import_that_was_killed_goes_on(tmp_path: Path):
    first = imported(tmp_path, EVALPLUS)
    verdicts = Path(first.run.path) / "verdicts.jsonl"
    lines = verdicts.read_text().splitlines(keepends=True)
    verdicts.write_text(lines[0] + lines[1][:30])
    again = imported(tmp_path, EVALPLUS)
    assert dict(again.run.verdicts) == dict(first.run.verdicts)


def test_samples_beside_it_add_programs_and_replies(tmp_path: Path):
    rows = [
        {"task_id": "HumanEval/0", "solution": "ignored", "raw_solution": "Sure: ..."},
        {"task_id": "HumanEval/1", "solution": "def g(): ...\n"},
    ]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = imported(tmp_path, EVALPLUS).run
    first = run.samples["humaneval+/HumanEval/0", 0]
    assert (first.code, first.reply) == ("def f(): ...\n", "Sure: ...")  # their program counts
    assert run.samples["humaneval+/HumanEval/1", 0].code == "def g(): ...\n"


def test_the_names_that_are_given_count(tmp_path: Path):
    found = imported(tmp_path, BIGCODEBENCH, benchmark="bigcodebench", name="ours")
    assert found.run.id.startswith("ours.bigcodebench.")
    assert found.notes == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], "has no results by task under `eval`"),
        ({"eval": []}, "has no results by task under `eval`"),
        ({"eval": {}}, "holds no result"),
        ({"eval": {"HumanEval/0": {}}}, "HumanEval/0: is not a list"),
        ({"eval": {"HumanEval/0": ["pass"]}}, "HumanEval/0 #0: is not an object but str"),
        ({"eval": {"HumanEval/0": [{}]}}, "has neither status nor base_status"),
        ({"eval": {"Other/0": [{"status": "pass"}]}}, "tasks of Other: which benchmark"),
        ({"eval": {"BigCodeBench/0": [{"status": "PASS"}]}}, "'PASS' is none of pass, fail"),
    ],
)
def test_what_is_no_published_file_is_refused(tmp_path: Path, content: object, complaint: str):
    with pytest.raises(DataError, match=complaint):
        imported(tmp_path, content)
    assert not (tmp_path / "home").exists()  # nothing is left behind


def test_what_is_no_json_is_refused(tmp_path: Path):
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        import_results(tmp_path / "m.json", store=Store(tmp_path / "home"))


PUBLISHED_RATES: Mapping[str, tuple[int, dict[str, float]]] = {
    "qwen25coder-1.5b-instruct.humanevalplus-v0.1.10": (164, {"base": 59.8, "plus": 53.0}),
    "qwen25coder-7b-base.humanevalplus-v0.1.9": (164, {"base": 61.6, "plus": 53.0}),
    "qwen25coder-7b-base.mbppplus-v0.1.0": (399, {"base": 76.9, "plus": 62.9}),
    "qwen25coder-7b-base.bigcodebench-complete-v0.1.0_hf": (1140, {"base": 45.9}),
    "qwen25coder-7b-instruct.bigcodebench-complete-v0.1.2": (1140, {"base": 49.6}),
}


@pytest.mark.parametrize("name", PUBLISHED_RATES)
def test_the_published_rates_come_out(tmp_path: Path, parity_folder: Path, name: str):
    path = parity_folder / f"{name}.verdicts.json.gz"
    found = import_results(path, store=Store(tmp_path))
    num_problems, expected = PUBLISHED_RATES[name]
    assert rates(found) == {suite: (rate, num_problems) for suite, rate in expected.items()}
    content = json.loads(gzip.decompress(path.read_bytes()))
    for task_id, results in content["eval"].items():
        benchmark = found.run.config.benchmark
        statuses = [verdict.passed for verdict in found.run[f"{benchmark}/{task_id}"]]
        theirs = [
            {row["base_status"], row["plus_status"]} == {"pass"}
            if "base_status" in row
            else row["status"] == "pass"
            for row in results
        ]
        assert statuses == theirs


def test_a_file_that_names_the_hash_of_our_benchmark_notes_its_problems(
    tmp_path: Path, parity_folder: Path, data_folder: Path
):
    store, data = Store(tmp_path), DataFolders(data_folder, tmp_path)
    known, old = (
        import_results(parity_folder / f"{name}.verdicts.json.gz", store=store, data=data).run
        for name in list(PUBLISHED_RATES)[:2]
    )
    assert len(known.problems) == 164  # v0.1.10 is what we have
    assert not old.problems  # v0.1.9 is not
    found = compare(known, old)
    assert found.paired_by == "task ID"
    assert found.sentence.startswith("Of 164, B fixes 29 and breaks 29: 0.0 points")


def test_flips_of_the_parity_sets_are_those_of_their_files(tmp_path: Path, parity_folder: Path):
    """Every one of the 58, by a reading of the two files that shares no code with the import."""
    store = Store(tmp_path)
    passed: list[dict[str, bool]] = []
    runs = []
    for name in list(PUBLISHED_RATES)[:2]:
        path = parity_folder / f"{name}.verdicts.json.gz"
        rows = json.loads(gzip.decompress(path.read_bytes()))["eval"]
        passed.append(
            {
                task: row["base_status"] == row["plus_status"] == "pass"
                for task, (row,) in rows.items()
            }
        )
        runs.append(import_results(path, store=store).run)
    found = compare(*runs)
    a, b = passed
    assert {flip.task_id for flip in found.fixed} == {task for task in a if b[task] > a[task]}
    assert {flip.task_id for flip in found.broken} == {task for task in a if b[task] < a[task]}
    assert len(found.flips) == 58
