"""The verbs that make data, as a person types them, with real sandboxes."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness import cli, datasets
from harness.benchmarks import DataFolders, load
from harness.records import Checkpoint, RunConfig, Sample, Status, SuiteResult, Verdict
from harness.store import Store

FAKE = "tests.fake_teacher:FakeTeacher"
UNGUARDED = ("--without", "humaneval+,mbpp+,bigcodebench,sanity,sanity-unittest")
ROOT = Path(__file__).resolve().parents[2]


class Typed(NamedTuple):
    code: int
    out: str
    err: str


TypeIn = Callable[..., Typed]


@pytest.fixture
def type_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> TypeIn:
    for variable in os.environ:
        if variable.startswith("HARNESS_") and variable not in ("HARNESS_DATA", "HARNESS_PARITY"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_SANDBOX__ALLOW_PLAIN", "true")
    monkeypatch.chdir(tmp_path)

    def type_in(*words: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exited:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Typed(exited.value.code, out, err)  # type: ignore[arg-type]

    return type_in


def generate(type_in: TypeIn, *words: str) -> Typed:
    return type_in("generate", "--teacher", FAKE, "--processes", "1", *UNGUARDED, *words)


def test_rows_are_made_looked_at_and_listed(type_in: TypeIn, tmp_path: Path):
    made = generate(type_in, "--types", "list_array=12,sort_order=5")
    assert made.code == 0, made.err
    assert "list_array    12      12" in made.out
    assert "held against NO evaluation problem" in made.out
    assert "rows are not held against mbpp+; the manifest says so" in made.err
    (found,) = datasets.datasets(tmp_path / "home")
    assert f"next: harness show {found.name} 0" in made.out
    assert found.name in type_in("ls", "datasets").out
    shown = type_in("show", found.name, "0")
    row = next(datasets.rows(found))
    assert row.id in shown.out and row.tests[0] in shown.out and row.style in shown.out
    assert json.loads(type_in("show", "dataset:last", row.id, "--json").out)["id"] == row.id
    assert "17 rows of" in type_in("show", "dataset:last").out
    manifest = json.loads(type_in("show", "dataset:last", "--json").out)["manifest"]
    assert manifest["num_rows"] == 17


def test_the_round_after_is_typed_as_the_first_one(type_in: TypeIn, tmp_path: Path):
    first = generate(type_in, "--types", "list_array=12", "--json")
    name = json.loads(first.out)["dataset"]
    again = generate(type_in, "--types", "list_array=12", "--json")
    assert json.loads(again.out)["dataset"] == name
    after = generate(type_in, "--types", "list_array=12", "--after", name, "--json")
    manifest = json.loads(after.out)["manifest"]
    assert manifest["parents"] == [name]
    assert manifest["rejected"]["duplicate meaning"] >= 12


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--types", "list_aray=3"), "unknown problem type 'list_aray': did you mean list_array?"),
        (("--types", "list_array"), "write it as type=rows, as in dp=200"),
        (("--plan", "none.json"), "`harness plan RUN -o none.json` writes one"),
        ((), "one of --plan, --types and --benchmark"),
        (("--types", "list_array=3", "--benchmark", "synthetic-dev"), "one of --plan"),
        (("--benchmark", "synthetic-best"), "unknown synthetic benchmark"),
        (("--types", "list_array=3", "--without", "mbpp"), "did you mean mbpp+?"),
        (("--types", "list_array=3", "--after", "zz"), "there are no datasets in"),
        (("--types", "list_array=3", "--also", "jsonl:none.jsonl"), "none.jsonl: can't be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(type_in: TypeIn, words: tuple[str, ...], said: str):
    typed = generate(type_in, *words)
    assert typed.code == 2
    assert said in typed.err.splitlines()[-1]
    assert typed.out == ""


def test_a_missing_benchmark_file_is_refused_with_both_ways_out(
    type_in: TypeIn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    typed = type_in("generate", "--types", "list_array=3", "--teacher", FAKE)
    assert typed.code == 2
    assert "harness data pull humaneval+" in typed.err
    assert "--without humaneval+" in typed.err


def test_a_synthetic_benchmark_is_made_graded_and_guarded(type_in: TypeIn, tmp_path: Path):
    made = generate(type_in, "--benchmark", "synthetic-dev", "--per-type", "8")
    assert made.code == 0, made.err
    assert "synthetic-dev: 24 problems" in made.out
    path = tmp_path / "home" / "benchmarks" / "synthetic-dev" / "problems.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 24
    samples = tmp_path / "samples.jsonl"
    samples.write_text(
        "".join(
            json.dumps({"task_id": row["id"], "solution": row["solution"]}) + "\n" for row in rows
        )
    )
    graded = type_in("eval", "samples.jsonl", "-b", "synthetic-dev", "--json")
    assert graded.code == 0, graded.err
    (run,) = json.loads(graded.out)["runs"]
    assert run["pass@1"]["base"]["value"] == 1.0
    other = generate(type_in, "--benchmark", "synthetic-test@2", "--per-type", "4")
    assert other.code == 0, other.err
    again = tmp_path / "home" / "benchmarks" / "synthetic-test@2" / "problems.jsonl"
    ids = {json.loads(line)["id"] for line in again.read_text().splitlines()}
    assert len(ids) == 12
    rows_made = generate(type_in, "--types", "list_array=5", "--json")
    assert json.loads(rows_made.out)["manifest"]["guarded"] == {
        "synthetic-dev": 24,
        "synthetic-test@2": 12,
    }
    unmade = type_in("eval", "samples.jsonl", "-b", "synthetic-rest")
    assert unmade.code == 2


def record(home: Path, data_folder: Path, parity_folder: Path) -> None:
    """A run with the official verdicts on MBPP+."""
    benchmark = load("mbpp+", data=DataFolders(data_folder, home))
    file = parity_folder / "qwen25coder-7b-base.mbppplus-v0.1.0.verdicts.json.gz"
    results = json.loads(gzip.decompress(file.read_bytes()))["eval"]
    config = RunConfig(
        checkpoint=Checkpoint(kind="replay", name="7b", source="s", identity="7b"),
        benchmark=benchmark.name,
        benchmark_hash=benchmark.hash,
        profile=benchmark.default_profile,
        extraction="none",
        grader_version="1",
        environment="official",
        num_problems=len(benchmark),
        suites=("base", "plus"),
    )
    with Store(home).open_run(config, name="7b") as run:
        for task_id, (first, *_) in results.items():
            if task_id not in benchmark.by_task_id:
                continue
            name = benchmark.by_task_id[task_id].id
            passed = first["base_status"] == first["plus_status"] == "pass"
            status = Status.PASSED if passed else Status.WRONG_ANSWER
            result = SuiteResult(status=status, num_tests=1, num_run=1, num_passed=int(passed))
            run.append_sample(Sample(problem_id=name, index=0, code=first["solution"]))
            run.append_verdict(
                Verdict(
                    problem_id=name,
                    index=0,
                    suites={"base": result, "plus": result},
                    profile="evalplus-0.3.1",
                    grader_version="1",
                )
            )


@pytest.mark.data
@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
def test_a_plan_from_a_real_run_and_the_rows_that_it_asks_for(
    type_in: TypeIn, tmp_path: Path, data_folder: Path, parity_folder: Path
):
    record(tmp_path / "home", data_folder, parity_folder)
    planned = type_in("plan", "7b.mbpp+", "--teacher", FAKE, "--budget", "60", "-o", "plan.json")
    assert planned.code == 0, planned.err
    assert "60 rows by failure" in planned.out
    assert "FakeTeacher@1 can't write these" in planned.out
    assert "number_theory" in planned.out
    assert "next: harness generate --plan plan.json" in planned.out
    plan = json.loads((tmp_path / "plan.json").read_text())
    by_type = {weakness["type"]: weakness for weakness in plan["weaknesses"]}
    lost = {name: w["num_problems"] * (1 - w["rate"]) for name, w in by_type.items()}
    shares = {each["type"]: each["share_of_failures"] for each in plan["uncovered"]}
    assert shares["tuple"] == pytest.approx(lost["tuple"] / sum(lost.values()), abs=1e-4)
    assert sum(quota["num_rows"] for quota in plan["quotas"]) == 60
    made = type_in("generate", "--plan", "plan.json", *UNGUARDED, "--json")
    assert made.code == 0, made.err
    manifest = json.loads(made.out)["manifest"]
    assert manifest["rows_by_type"] == {q["type"]: q["num_rows"] for q in plan["quotas"]}
    assert type_in("plan", "7b.mbpp+", "--rule", "failures").code == 2


def without_times(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_kill_9_and_again_gives_the_same_dataset(tmp_path: Path):
    command = [sys.executable, "-c", "from harness.cli import main; main()"]
    words = ["generate", "--teacher", FAKE, "--types", "list_array=256,set_unique=40"]
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("HARNESS_")},
        "HARNESS_CACHE": str(tmp_path / "cache"),
        "HARNESS_SANDBOX__ALLOW_PLAIN": "true",
        "PYTHONPATH": str(ROOT),
    }

    def start(home: str, processes: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*command, *words, "--processes", processes, *UNGUARDED],
            env=environment | {"HARNESS_HOME": str(tmp_path / home)},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    assert start("whole", "1").wait(120) == 0
    killed = start("killed", "2")
    folder = tmp_path / "killed" / "datasets"
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in folder.glob(".part-*/journal.jsonl")):
        assert killed.poll() is None, "done before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not datasets.datasets(tmp_path / "killed")
    assert start("killed", "2").wait(120) == 0
    (whole,) = datasets.datasets(tmp_path / "whole")
    (resumed,) = datasets.datasets(tmp_path / "killed")
    assert without_times(whole.path) == without_times(resumed.path)
    assert not list(folder.glob(".part-*"))
