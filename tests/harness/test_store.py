"""Run directories under kills, full disks, two writers and other people's files."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, RunMismatch, StorageError, UnknownName, UserError
from harness.queries import find_verdicts, runs_table
from harness.records import (
    Checkpoint,
    Failure,
    ProblemNote,
    RunConfig,
    Sample,
    Status,
    SuiteResult,
    Verdict,
    utc_now,
)
from harness.stats import estimate_pass_at_k
from harness.store import EVAL_RESULTS, RunWriter, Store

ROOT = Path(__file__).parents[2]
PASSED, WRONG, UNSCORED = Status.PASSED, Status.WRONG_ANSWER, Status.UNSCORED


def make_config(
    *,
    name: str = "demo",
    identity: str = "ab" * 32,
    benchmark: str = "humaneval+",
    profile: str = "strict",
    command: str = "harness eval demo.jsonl",
) -> RunConfig:
    return RunConfig(
        checkpoint=Checkpoint(kind="replay", name=name, source="demo.jsonl", identity=identity),
        benchmark=benchmark,
        benchmark_hash="cd" * 16,
        profile=profile,
        extraction="none",
        grader_version="1",
        environment="ef" * 32,
        num_problems=164,
        suites=("base", "plus"),
        command=command,
    )


def make_sample(number: int = 0, index: int = 0, code: str = "pass") -> Sample:
    return Sample(problem_id=f"humaneval+/HumanEval/{number}", index=index, code=code)


def make_verdict(sample: Sample, base: Status = PASSED, plus: Status = PASSED) -> Verdict:
    failure = Failure(test=0, input="(1,)", expected="2", got="3")
    suites = {
        name: SuiteResult(
            status=status,
            num_tests=1,
            num_run=1,
            num_passed=int(status == PASSED),
            failure=failure if status == WRONG else None,
        )
        for name, status in (("base", base), ("plus", plus))
    }
    return Verdict(
        problem_id=sample.problem_id,
        index=sample.index,
        suites=suites,
        profile="strict",
        grader_version="1",
    )


def record(run: RunWriter, number: int, *statuses: Status, index: int = 0) -> Verdict:
    sample = make_sample(number, index)
    verdict = make_verdict(sample, *statuses)
    run.append_sample(sample)
    run.append_verdict(verdict)
    return verdict


def small_run(home: Path, num_samples: int = 3) -> Path:
    with Store(home).open_run(make_config()) as run:
        for number in range(num_samples):
            record(run, number)
    return run.path


# Making and resuming


def test_a_run_is_a_directory_of_five_files(home: Path):
    with Store(home).open_run(make_config()) as run:
        assert not run.resumed
        verdict = record(run, 0)
        run.log("graded\nin two lines \ud800")
        run.finish({"scored": 1}, {EVAL_RESULTS: {"eval": {}}})
    assert run.path == home / "runs" / f"demo.humaneval+.{make_config().identity()[:8]}"
    names = {path.name for path in run.path.iterdir()}
    logs = {"log.txt", "lock"}
    views = {"summary.json", "eval_results.json"}
    assert names == {"config.json", "samples.jsonl", "verdicts.jsonl"} | logs | views
    assert json.loads((run.path / "summary.json").read_text()) == {"scored": 1}
    assert RunConfig.model_validate_json((run.path / "config.json").read_bytes()) == run.config
    line = (run.path / "verdicts.jsonl").read_text()
    assert line.endswith("\n")
    assert Verdict.model_validate_json(line) == verdict


def test_the_same_identity_resumes_and_keeps_the_first_config(home: Path):
    first = make_config()
    small_run(home)
    with Store(home).open_run(make_config(command="harness eval other.jsonl -v")) as run:
        assert run.resumed
        assert len(run.samples) == len(run.verdicts) == 3
        assert run.config.command == first.command
        assert run.owed == []


def test_unscored_and_missing_verdicts_are_owed_and_the_latest_counts(home: Path):
    store = Store(home)
    with store.open_run(make_config()) as run:
        record(run, 0)
        record(run, 1, PASSED, UNSCORED)
        run.append_sample(make_sample(2))
        owed = [make_sample(1).key, make_sample(2).key]
        assert run.owed == owed
    with store.open_run(make_config()) as run:
        assert run.owed == owed
        run.append_verdict(make_verdict(make_sample(1), PASSED, WRONG))
    loaded = store.load("last")
    assert loaded["humaneval+/HumanEval/1"][0].status == WRONG
    assert (len(loaded), loaded.num_scored, loaded.num_unscored) == (3, 2, 1)


def test_a_verdict_without_its_sample_is_our_bug(home: Path):
    with Store(home).open_run(make_config()) as run, pytest.raises(AssertionError):
        run.append_verdict(make_verdict(make_sample()))


def test_a_sample_is_recorded_once_and_never_replaced(home: Path):
    with Store(home).open_run(make_config()) as run:
        for _ in range(2):
            run.append_sample(make_sample())
        with pytest.raises(AssertionError, match="about another"):
            run.append_sample(make_sample(code="other"))
    assert (run.path / "samples.jsonl").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize(
    "name, benchmark, run_id",
    [
        ("nightly", "mbpp+", "nightly.mbpp+"),
        ("org/model@main", "jsonl:/data/my problems.jsonl", "org--model@main.my-problems"),
        ("../..", "sanity", "unnamed.sanity"),
        (".hidden\n", "jsonl:x/../y.v2.jsonl", "hidden.y.v2"),
        ("é" * 300, "sanity", "unnamed.sanity"),
        ("n" * 300, "sanity", "n" * 80 + ".sanity"),
    ],
)
def test_names_are_safe_on_any_file_system(name: str, benchmark: str, run_id: str):
    config = make_config(benchmark=benchmark, name=name)
    assert Store.run_id(config, name) == run_id
    assert Store.run_id(config) == f"{run_id}.{config.identity()[:8]}"


def test_a_named_run_of_another_identity_is_refused_with_both_commands(home: Path):
    store = Store(home)
    store.open_run(make_config(), name="nightly").close()
    asked = make_config(
        name="other", identity="12" * 32, profile="evalplus-0.3.1", command="harness eval o.jsonl"
    )
    with pytest.raises(RunMismatch) as caught:
        store.open_run(asked, name="nightly")
    assert str(caught.value) == (
        "cannot resume nightly.humaneval+: profile strict → evalplus-0.3.1, "
        "checkpoint demo (abababab) → other (12121212). "
        "Start fresh with harness eval o.jsonl --fresh, "
        "or repeat the original: harness eval demo.jsonl"
    )


def test_fresh_moves_aside_and_deletes_nothing(home: Path):
    store = Store(home)
    path = small_run(home)
    before = (path / "verdicts.jsonl").read_bytes()
    for _ in range(2):
        with store.open_run(make_config(), fresh=True) as run:
            assert not run.resumed
            record(run, 7)
    old = sorted((home / "runs" / ".old").iterdir())
    assert [aside.name.startswith(f"{path.name}.2") for aside in old] == [True, True]
    assert (old[0] / "verdicts.jsonl").read_bytes() == before
    assert [found.path for found in store.runs()] == [path]


def test_fresh_mends_a_run_whose_config_is_unreadable(home: Path):
    path = small_run(home)
    (path / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json: .*--fresh starts anew"):
        Store(home).open_run(make_config())
    Store(home).open_run(make_config(), fresh=True).close()
    (path / "config.json").unlink()
    with pytest.raises(DataError, match=r"has samples but no config\.json"):
        Store(home).open_run(make_config())


# Torn and malformed files


@pytest.mark.parametrize("name", ["samples.jsonl", "verdicts.jsonl"])
def test_a_file_cut_at_any_byte_of_its_last_line_loses_that_line_alone(home: Path, name: str):
    path = small_run(home) / name
    whole = path.read_bytes()
    last_line = whole[:-1].rfind(b"\n") + 1
    for size in range(last_line, len(whole)):
        path.write_bytes(whole[:size])
        assert len(Store(home).load("last").verdicts) == 2, "readers pass over it"
        assert path.stat().st_size == size, "and change nothing"
        with Store(home).open_run(make_config()) as run:
            assert path.read_bytes() == whole[:last_line]
            if name == "samples.jsonl":
                run.append_sample(make_sample(2))
            assert len(run.samples) == 3
            run.append_verdict(make_verdict(make_sample(2)))
        if name == "samples.jsonl":
            assert path.read_bytes() == whole
    assert "bytes of a torn line off" in (path.parent / "log.txt").read_text()


def test_a_tail_of_zeros_after_a_power_cut_is_torn_too(home: Path):
    path = small_run(home) / "verdicts.jsonl"
    with path.open("ab") as file:
        file.write(b"\0" * 4096)
    assert len(find_verdicts(Store(home), "last")) == 3
    with Store(home).open_run(make_config()) as run:
        assert len(run.verdicts) == 3
    assert b"\0" not in path.read_bytes()


@pytest.mark.parametrize(
    "line, said",
    [
        (b"garbage", r"verdicts\.jsonl:2: not a verdict: Invalid JSON"),
        (b"{}", r"verdicts\.jsonl:2: not a verdict: problem_id: Field required"),
        (b"\xff\xfe", r"verdicts\.jsonl:2: not a verdict: "),
    ],
)
def test_a_malformed_line_in_the_middle_names_file_and_line(home: Path, line: bytes, said: str):
    path = small_run(home) / "verdicts.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], line + b"\n", *lines[1:]]))
    with pytest.raises(DataError, match=said):
        Store(home).load("last")
    with pytest.raises(DataError, match=said):
        Store(home).open_run(make_config())
    (row,) = runs_table(Store(home))
    assert row.num_scored == 3, "a list of runs does not fail because of one of them"


def test_lone_surrogates_and_line_separators_in_a_reply_survive(home: Path):
    codes = ["a = '\ud800'", "b = '\u2028\r\x85'", "c = '\0'", "d = '😀'"]
    with Store(home).open_run(make_config()) as run:
        for number, code in enumerate(codes):
            run.append_sample(make_sample(number, code=code))
            run.append_verdict(make_verdict(make_sample(number)))
    assert [sample.code for sample in Store(home).load("last").samples.values()] == codes
    (row,) = runs_table(Store(home))
    assert (row.num_samples, row.num_scored) == (4, 4)


# Kills

WRITER = """
import sys
from pathlib import Path
from harness.records import RunConfig, Sample, SuiteResult, Verdict
from harness.queries import find_verdicts, runs_table
from harness.store import Store

config = RunConfig.model_validate_json(sys.argv[2])
with Store(Path(sys.argv[1])).open_run(config) as run:
    for number in range(len(run.samples), 10**9):
        run.append_sample(Sample(problem_id=f"p/{number}", index=0, code=str(number) * 2_000))
        suite = SuiteResult(status="passed", num_tests=1, num_run=1, num_passed=1)
        run.append_verdict(Verdict(problem_id=f"p/{number}", index=0, suites={"base": suite},
                                   stderr="x" * 1_000, profile="strict", grader_version="1"))
        print(number, flush=True)
"""


def start_writer(home: Path, config: RunConfig) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home), config.model_dump_json()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_kill_9_at_random_moments_loses_no_recorded_line(home: Path):
    config, clock = make_config(), random.Random(0)
    num_acknowledged = 0
    for _ in range(5):
        with start_writer(home, config) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            try:
                writer.wait(timeout=clock.random() / 8)
            except subprocess.TimeoutExpired:
                writer.kill()
            acknowledged = writer.stdout.read().split()
        assert writer.returncode == -signal.SIGKILL
        num_acknowledged = max([num_acknowledged, *(int(number) + 1 for number in acknowledged)])
        loaded = Store(home).load("last")
        (row,) = runs_table(Store(home))
        with Store(home).open_run(config) as run:
            assert num_acknowledged <= len(run.verdicts) <= len(run.samples)
            assert len(run.samples) <= num_acknowledged + 1, "one was in flight"
            assert loaded.samples == run.samples
            assert loaded.verdicts == run.verdicts
            assert (row.num_samples, row.num_scored) == (len(run.samples), len(run.verdicts))
            for key in run.owed:
                run.append_verdict(make_verdict(run.samples[key]))
            for name in ("samples.jsonl", "verdicts.jsonl"):
                assert (run.path / name).read_bytes().endswith(b"}\n")
    assert num_acknowledged > 5


def test_a_second_writer_is_refused_and_a_killed_one_leaves_no_lock(home: Path):
    config = make_config()
    with start_writer(home, config) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        for fresh in (False, True):
            with pytest.raises(UserError, match=f"written by process {writer.pid} on "):
                Store(home).open_run(config, fresh=fresh)
        writer.kill()
        writer.stdout.read()
    with Store(home).open_run(config) as run:
        assert run.resumed
        with pytest.raises(UserError, match=f"written by process {os.getpid()} on "):
            Store(home).open_run(config)
    Store(home).open_run(config).close()


# Disks


@contextmanager
def mounted(folder: Path, options: str) -> Generator[None]:
    """A small file system of its own; skips where this user may not mount one."""
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True) if mount else None
    if done is None or done.returncode != 0:
        pytest.skip(f"can't mount a tmpfs: {done.stderr.splitlines()[0] if done else 'no mount'}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(run: RunWriter) -> tuple[int, StorageError]:
    """Records until the disk is full; how many went in, and what was said then."""
    num_whole = len(run.verdicts)
    try:
        for number in range(num_whole, 1000):
            sample = make_sample(number, code="x" * 3000)
            run.append_sample(sample)
            run.append_verdict(make_verdict(sample, PASSED, WRONG))
            num_whole += 1
    except StorageError as error:
        return num_whole, error
    raise AssertionError("the disk was never full")


def test_a_full_disk_is_one_line_and_what_is_there_stays_readable(home: Path):
    with mounted(home, "size=64k"):
        store = Store(home)
        with store.open_run(make_config()) as run:
            ballast = home / "ballast"
            ballast.write_bytes(b"x" * 8192)
            num_verdicts, error = fill(run)
            assert str(error).startswith(f"cannot write {run.path}/")
            assert str(error).endswith(
                f": No space left on device; {len(run.samples)} samples and {num_verdicts} "
                "verdicts are kept; mend that, then repeat: harness eval demo.jsonl"
            )
            with pytest.raises(StorageError, match=r"summary\.json: No space left"):
                run.finish({"text": "x" * 9000})
            assert not (run.path / "summary.json").exists()
            for name in ("samples.jsonl", "verdicts.jsonl"):
                assert (run.path / name).read_bytes().endswith(b"}\n"), "no torn tail is left"
        assert store.load("last").verdicts == run.verdicts
        assert len(find_verdicts(store, "last", failed=True)) == num_verdicts > 5
        with store.open_run(make_config()) as run:
            ballast.unlink()
            assert len(run.verdicts) == num_verdicts
            for key in run.owed:
                run.append_verdict(make_verdict(run.samples[key]))
            assert fill(run)[0] > num_verdicts, "once there is room, the same writer goes on"


def limited_writer(home: str) -> None:
    """Runs in a child: files may grow to 20 kB and no more, and a write past that is short."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    with Store(Path(home)).open_run(make_config()) as run:
        num_verdicts, error = fill(run)
    print(json.dumps([num_verdicts, str(error)]))


def test_a_short_write_is_taken_back(home: Path):
    script = "import runpy, sys; runpy.run_path(sys.argv[1])['limited_writer'](sys.argv[2])"
    command = [sys.executable, "-c", script, __file__, str(home)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    num_verdicts, said = json.loads(done.stdout)
    assert "samples.jsonl: File too large; 6 samples and 6 verdicts are kept" in said
    loaded = Store(home).load("last")
    assert len(loaded.samples) == len(loaded.verdicts) == num_verdicts == 6
    assert Path(loaded.path, "samples.jsonl").read_bytes().endswith(b"}\n")


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Root is not stopped by permissions, so it has the folder's file system made read-only."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield
        return
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in (*files, *folders):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in (*folders, *files):
            path.chmod(0o755)


@contextmanager
def own_file_system(folder: Path) -> Generator[None]:
    if os.geteuid() == 0:
        with mounted(folder, "size=1m"):
            yield
    else:
        yield


def test_a_read_only_home_can_be_read_and_not_written(home: Path):
    with own_file_system(home):
        store = Store(home)
        small_run(home)
        with read_only(home):
            assert store.load("last").num_scored == 3
            assert [row.num_scored for row in runs_table(store)] == [3]
            for config in (make_config(), make_config(name="another")):
                with pytest.raises(StorageError, match=r"(Read-only|Permission).*--home") as caught:
                    store.open_run(config)
                assert "\n" not in str(caught.value)


def test_a_home_that_is_a_file_is_a_storage_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Not a directory"):
        Store(tmp_path / "file").open_run(make_config())


# Finding


def test_runs_are_found_by_last_id_prefix_and_hex(home: Path):
    store = Store(home)
    configs = [make_config(name=name) for name in ("alpha", "beta", "beta2")]
    paths = {config.checkpoint.name: store.open_run(config).path for config in configs}
    for order, path in enumerate(paths.values()):
        os.utime(path / "config.json", (order, order))
        for name in ("samples.jsonl", "verdicts.jsonl"):
            os.utime(path / name, (order, order))
    assert store.find("last") == paths["beta2"]
    assert store.find("a") == paths["alpha"]
    assert store.find(f"beta.humaneval+.{configs[1].identity()[:8]}") == paths["beta"]
    with pytest.raises(UserError, match=r"'beta' is ambiguous: it may be beta\.h.*, beta2\.h"):
        store.find("beta")
    with pytest.raises(UnknownName, match="unknown run 'gamma'"):
        store.find("gamma")


def test_the_hex_of_the_identity_is_enough(home: Path):
    path = small_run(home)
    assert Store(home).find(make_config().identity()[:4]) == path


def test_a_home_without_runs_says_what_to_type(home: Path):
    with pytest.raises(UserError, match=r"there are no runs in .*harness eval"):
        Store(home).find("last")
    assert Store(home / "absent").runs() == []
    assert runs_table(Store(home / "absent")) == []


def test_runs_of_several_homes_are_told_apart(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    small_run(here)
    small_run(there)
    store = Store(here, also=[there, here])
    assert len(store.runs()) == len(runs_table(store)) == 2
    with pytest.raises(UserError, match=rf"ambiguous: it may be {here}.*, {there}"):
        store.load("demo")


# Queries


def test_the_table_counts_what_is_there(home: Path):
    with Store(home).open_run(make_config()) as run:
        record(run, 0, PASSED, PASSED)
        record(run, 0, PASSED, WRONG, index=1)
        record(run, 1, WRONG, PASSED)
        record(run, 2, PASSED, UNSCORED)
        run.append_sample(make_sample(3))
    (row,) = runs_table(Store(home))
    assert (row.run, row.path) == (run.id, run.path)
    assert (row.checkpoint, row.benchmark, row.profile) == ("demo", "humaneval+", "strict")
    assert (row.num_samples, row.num_scored, row.num_unscored) == (5, 3, 2)
    assert row.pass_at_1 == {
        "base": estimate_pass_at_k([(2, 2), (1, 0)], 1),
        "plus": estimate_pass_at_k([(2, 1), (1, 0)], 1),
    }
    assert abs((utc_now() - row.modified).total_seconds()) < 60


def test_a_suite_that_a_verdict_lacks_has_not_passed(home: Path):
    with Store(home).open_run(make_config()) as run:
        verdict = record(run, 0)
        base_alone = {"base": verdict.suites["base"]}
        run.append_verdict(verdict.model_copy(update={"suites": base_alone}))
    (row,) = runs_table(Store(home))
    assert {suite: rate.value for suite, rate in row.pass_at_1.items()} == {"base": 1, "plus": 0}


def test_the_table_bears_torn_empty_missing_and_foreign_files(tmp_path: Path):
    home = tmp_path / "brackets [1] and *"
    small_run(home)
    runs = home / "runs"
    for name in ("only-config", "torn", "empty", "huge", "broken-config"):
        Store(home).open_run(make_config(), name=name).close()
    for path in (runs / "only-config.humaneval+").glob("*.jsonl"):
        path.unlink()
    sample = make_sample()
    line = make_verdict(sample).model_dump_json()
    for name in ("samples.jsonl", "verdicts.jsonl"):
        (runs / "torn.humaneval+" / name).write_text(f"{line}\n{line[: len(line) // 2]}")
    huge = make_sample(code="x" * (17 << 20)).model_dump_json()
    (runs / "huge.humaneval+" / "samples.jsonl").write_text(f"{huge}\n")
    (runs / "broken-config.humaneval+" / "config.json").write_text("{")
    (runs / "no-run").mkdir()
    (runs / "a file").touch()
    counts = {
        row.run.partition(".")[0]: (row.num_samples, row.num_scored, row.profile)
        for row in runs_table(Store(home))
    }
    assert counts == {
        "demo": (3, 3, "strict"),
        "only-config": (0, 0, "strict"),
        "torn": (1, 1, "strict"),
        "empty": (0, 0, "strict"),
        "huge": (1, 0, "strict"),
        "broken-config": (0, 0, "?"),
    }


def test_verdicts_are_selected_by_status_and_problem(home: Path):
    store = Store(home)
    with store.open_run(make_config()) as run:
        passed = record(run, 0)
        record(run, 1, WRONG, Status.TIMEOUT)
        timeout = record(run, 2, PASSED, Status.TIMEOUT)
        unscored = record(run, 10, WRONG, UNSCORED)
        second = record(run, 0, WRONG, PASSED, index=1)
        retried = make_verdict(make_sample(1), PASSED, WRONG)
        run.append_verdict(retried)
    assert find_verdicts(store, "last") == [passed, timeout, unscored, second, retried]
    assert find_verdicts(store, "last", failed=True) == [timeout, second, retried]
    assert find_verdicts(store, "last", status=Status.UNSCORED) == [unscored]
    assert find_verdicts(store, "last", status=Status.TIMEOUT, failed=True) == [timeout]
    assert find_verdicts(store, "last", problem="HumanEval/0") == [passed, second]
    assert find_verdicts(store, "last", problem="humaneval+/HumanEval/1") == [retried]
    assert find_verdicts(store, "last", problem="umanEval/0") == []
    for path in run.path.glob("*.jsonl"):
        path.unlink()
    assert find_verdicts(store, "last") == []


HISTORIES = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 2),
        st.none() | st.tuples(*[st.sampled_from([PASSED, WRONG, UNSCORED])] * 2),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=25)
@given(HISTORIES)
def test_duckdb_and_the_records_agree(
    history: Sequence[tuple[int, int, tuple[Status, ...] | None]],
):
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        with store.open_run(make_config()) as run:
            for number, index, statuses in history:
                sample = make_sample(number, index)
                run.append_sample(sample)
                if statuses is not None:
                    run.append_verdict(make_verdict(sample, *statuses))
        loaded = store.load("last")
        assert loaded.verdicts == run.verdicts
        (row,) = runs_table(store)
        assert row.num_samples == len(loaded)
        assert row.num_scored == loaded.num_scored
        assert row.num_unscored == loaded.num_unscored == len(run.owed)
        scored = [verdict for verdict in loaded if verdict.scored]
        problems = {verdict.problem_id for verdict in scored}
        counts = [
            (len(mine), sum(verdict.passed for verdict in mine))
            for problem in problems
            if (mine := [verdict for verdict in scored if verdict.problem_id == problem])
        ]
        assert row.pass_at_1.get("plus") == (
            pytest.approx(estimate_pass_at_k(counts, 1)) if counts else None
        )
        for status in (PASSED, WRONG, UNSCORED):
            chosen = find_verdicts(store, "last", status=status)
            assert {verdict.key for verdict in chosen} == {
                key for key, verdict in loaded.verdicts.items() if verdict.status == status
            }


def test_what_problems_are_is_noted_once_and_older_runs_have_no_notes(tmp_path: Path):
    store = Store(tmp_path)
    noted = {"sanity/add": ProblemNote(sha256="0" * 64, type="arith_expr")}
    with store.open_run(make_config()) as run:
        run.note_problems({})
        assert not (run.path / "problems.json").exists()
        run.note_problems(noted)
        run.note_problems({"sanity/add": ProblemNote(sha256="1" * 64)})
        path, run_id = run.path / "problems.json", run.id
    assert store.load(run_id).problems == noted
    path.write_text("{")
    with pytest.raises(DataError, match=r"problems\.json: .*remove it"):
        store.load(run_id)
    path.unlink()
    assert store.load(run_id).problems == {}
