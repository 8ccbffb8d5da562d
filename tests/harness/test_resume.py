"""kill -9 of a real `harness eval` at random moments, and resume: the same run as undisturbed.

Also held: no sample and no verdict is recorded twice, and five seconds after a kill no process
of the killed one is left, whichever namespaces it was in.
"""

import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.benchmarks import sanity
from sandboxes.engine import LABEL, connect
from tests.engine import engine_environment, engine_in_sight, why_no_docker

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()"]
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_S = 5.0

Statuses = dict[tuple[str, int], tuple[str, ...]]
"""The status of each suite, by problem and number of the sample."""


class Undisturbed(NamedTuple):
    """A run that nobody killed."""

    statuses: Statuses
    elapsed_s: float


def write_samples(path: Path, num_samples: int) -> Path:
    """One right program a problem; what follows is wrong, raises, or says nothing."""
    with path.open("w") as file:
        for number, problem in enumerate(sanity.load()):
            name = problem.entry_point
            others = (
                f"def {name}(*arguments):\n    return 'wrong'\n",
                f"def {name}(*arguments):\n    raise ValueError\n",
                "",
            )
            codes = [problem.solution, *(others[(number + i) % 3] for i in range(num_samples - 1))]
            for code in codes:
                file.write(json.dumps({"task_id": problem.task_id, "solution": code}) + "\n")
    return path


def read(home: Path) -> Statuses:
    """The verdicts of the one run in `home`; nothing may be there twice."""
    (run,) = (home / "runs").iterdir()
    keys: list[tuple[str, int]] = []
    statuses: Statuses = {}
    for line in (run / "verdicts.jsonl").read_text().splitlines():
        verdict = json.loads(line)
        key = verdict["problem_id"], verdict["index"]
        keys.append(key)
        statuses[key] = tuple(result["status"] for result in verdict["suites"].values())
    assert len(keys) == len(statuses), "a verdict was made twice"
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    assert len(samples) == len({(row["problem_id"], row["index"]) for row in samples})
    return statuses


class Bench:
    """Runs `harness eval` on one file of samples, and kills it."""

    def __init__(
        self, samples: Path, words: tuple[str, ...], cache: Path, sandbox: str = "auto"
    ) -> None:
        self._samples = samples
        self._words = words
        found = engine_environment() if sandbox == "container" else os.environ
        self._environment = {
            name: value
            for name, value in found.items()
            if not name.startswith("HARNESS_") or name.startswith("HARNESS_SANDBOX__")
        } | {
            "HARNESS_SANDBOX__KIND": sandbox,
            "HARNESS_CACHE": str(cache),
            # Our own programs: on a machine without namespaces they may run all the same.
            "HARNESS_SANDBOX__ALLOW_PLAIN": "true",
        }

    def start(self, home: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*COMMAND, "--home", str(home), "-q", "eval", str(self._samples), *self._words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            cwd=home.parent,
            start_new_session=True,
        )

    def undisturbed(self, home: Path) -> Undisturbed:
        started = time.monotonic()
        assert self.start(home).wait() == 0
        return Undisturbed(read(home), time.monotonic() - started)

    def kill_and_resume(self, folder: Path, num_kills: int, expected: Undisturbed) -> int:
        """Kills a run so often, at random moments; a new one where one gets through alive.

        Returns the kills that tore a run with some verdicts recorded and some owed.
        """
        moments = random.Random(num_kills)
        num_torn, num_homes, done = 0, 0, 0
        home = folder / "killed-0"
        while done < num_kills:
            process = self.start(home)
            # Also before there is a run at all, and while the views are written.
            with suppress(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0.1, 1.0) * expected.elapsed_s)
            if process.poll() is None:
                kill(process)
                done += 1
                num_torn += 0 < self._num_recorded(home) < len(expected.statuses)
            elif process.returncode == 0:
                assert read(home) == expected.statuses
                num_homes += 1
                home = folder / f"killed-{num_homes}"
            else:
                pytest.fail(f"exit {process.returncode}")
        assert self.start(home).wait() == 0
        assert read(home) == expected.statuses
        return num_torn

    def _num_recorded(self, home: Path) -> int:
        return sum(path.read_bytes().count(b"\n") for path in home.glob("runs/*/verdicts.jsonl"))


def kill(process: "subprocess.Popen[bytes]") -> None:
    """kill -9 of the harness alone, as the out-of-memory killer does it; then all must go."""
    with orphans_come_here():
        before = children()
        process.kill()
        process.wait()
        deadline = time.monotonic() + _GRACE_S
        while orphans := children() - before:
            for orphan in orphans:
                with suppress(ChildProcessError):
                    os.waitpid(orphan, os.WNOHANG)
            if time.monotonic() > deadline:
                left = [command_of(orphan) for orphan in orphans]
                for orphan in orphans:
                    with suppress(ProcessLookupError):
                        os.kill(orphan, signal.SIGKILL)
                pytest.fail(f"left behind for {_GRACE_S} s: {left}")
            time.sleep(0.01)
        while left := containers_of(process.pid):
            if time.monotonic() > deadline:
                pytest.fail(f"containers left for {_GRACE_S} s: {left}")
            time.sleep(0.1)


def containers_of(pid: int) -> list[str]:
    """Those that run or ran, by their label; none where no engine answers.

    One that was made and not yet started when the harness died runs nothing, and is removed by the
    next harness: tests/sandboxes/test_container.py.
    """
    if why_no_docker():
        return []
    with engine_in_sight(), closing(connect()) as engine:
        rows = engine.containers(all=True, filters={"label": LABEL})
    return [
        row["Id"]
        for row in rows
        if f"/{pid}/" in row["Labels"][LABEL] and row["State"] != "created"
    ]


@contextmanager
def orphans_come_here() -> Generator[None]:
    """Makes this process the parent of what its children leave behind, as init would be."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def children() -> set[int]:
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        found |= {int(pid) for pid in path.read_text().split()}
    return found


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
    return "?"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With all expected values in it, so that kills come while programs are graded."""
    folder = tmp_path_factory.mktemp("prepared")
    samples = write_samples(folder / "samples.jsonl", 1)
    Bench(samples, (), folder / "cache").undisturbed(folder / "home")
    return folder / "cache"


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("num_kills", [2, pytest.param(10, marks=pytest.mark.verify)])
def test_killed_while_containers_run(tmp_path: Path, num_kills: int):
    """And five seconds after a kill there is no container."""
    bench = Bench(write_samples(tmp_path / "samples.jsonl", 3), (), tmp_path / "cache", "container")
    bench.undisturbed(tmp_path / "prepared")
    expected = bench.undisturbed(tmp_path / "undisturbed")
    bench.kill_and_resume(tmp_path, num_kills, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_kills", "words"),
    [
        pytest.param(3, (), id="3"),
        pytest.param(3, ("-n", "2"), id="3 of two samples each"),
        pytest.param(20, (), id="20", marks=pytest.mark.verify),
        pytest.param(20, ("-n", "2"), id="20 of two samples each", marks=pytest.mark.verify),
    ],
)
def test_killed_at_random_and_resumed(
    tmp_path: Path, cache: Path, num_kills: int, words: tuple[str, ...]
):
    bench = Bench(write_samples(tmp_path / "samples.jsonl", 3), words, cache)
    expected = bench.undisturbed(tmp_path / "undisturbed")
    assert len(expected.statuses) == 68 * (2 if words else 3)
    num_torn = bench.kill_and_resume(tmp_path, num_kills, expected)
    assert num_torn or num_kills < 10, "no kill came between two verdicts: the test shows nothing"
