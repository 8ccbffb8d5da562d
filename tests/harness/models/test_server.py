"""The vLLM server that we start: a real one on this CPU, and stand-ins for its ways to die.

The stand-in is a process that spawns a child and sleeps, as vLLM does while it loads: what has to
hold of the guard is the same, and takes a second.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness.benchmarks import sanity
from harness.config import EvalSettings, ModelSettings, SamplingSettings, Settings
from harness.errors import UserError
from harness.evaluation import Observer, evaluate
from harness.models import guard
from harness.models.checkpoints import locate
from harness.models.local import LocalModel
from harness.models.server import VllmModel, VllmServer
from harness.models.tokens import Tokens
from harness.records import Sample
from harness.store import RunWriter
from tests import tiny
from tests.agreement import partings

BENCHMARK = sanity.load()
KEYS = [(problem.id, 0) for problem in BENCHMARK]

SPAWN = """
import subprocess, sys, time, signal
if len(sys.argv) > 1: signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(done: Callable[[], bool], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# The guard


@pytest.mark.parametrize("stubborn", [False, True])
def test_all_goes_when_we_are_killed(tmp_path: Path, stubborn: bool):
    """kill -9 of the process that started the guard: its server and the server's child go."""
    program = tmp_path / "spawn.py"
    program.write_text(SPAWN)
    words = [sys.executable, str(program), *(["stubborn"] if stubborn else [])]
    starter = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, {str(Path(guard.__file__))!r}, *{words!r}],"
        " stdin=subprocess.PIPE, start_new_session=True)\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    us = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE)
    assert us.stdout is not None
    guard_pid, grandchild = int(us.stdout.readline()), int(us.stdout.readline())
    assert is_alive(guard_pid) and is_alive(grandchild)
    us.kill()
    us.wait()
    us.stdout.close()
    wait_until(lambda: not is_alive(grandchild) and not is_alive(guard_pid))


def test_what_a_server_leaves_behind_goes_with_it(tmp_path: Path):
    program = tmp_path / "spawn.py"
    program.write_text(SPAWN.replace("time.sleep(600)\n", "sys.exit(3)\n", 2).replace(
        '"import time; sys.exit(3)\n', '"import time; time.sleep(600)\n'))  # fmt: skip
    done = subprocess.Popen(
        [sys.executable, guard.__file__, sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert done.stdout is not None and done.stdin is not None
    grandchild = int(done.stdout.readline())
    assert done.wait() == 3
    done.stdout.close()
    done.stdin.close()
    assert not is_alive(grandchild)


@pytest.mark.vllm
def test_a_server_that_cannot_start_says_why_in_a_line(tmp_path: Path):
    server = VllmServer(
        ["--model", str(tmp_path / "nothing")],
        model_name="model",
        log=tmp_path / "log",
        start_timeout_s=120,
        on_stage=lambda stage, elapsed_s: None,
    )
    with pytest.raises(UserError, match="vLLM does not start: ") as raised:
        server.ensure()
    server.close()
    assert "\n" not in str(raised.value)


# The real one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("models") / "tiny", steps=60)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("work")
    return Settings(
        home=folder / "home",
        cache=folder / "cache",
        model=ModelSettings(cpu_cache_gb=1, concurrency=16),
        sampling=SamplingSettings(max_tokens=96),
    )


class Stages(list[str]):
    def __call__(self, stage: str, elapsed_s: float) -> None:
        if stage not in self:
            self.append(stage)


@pytest.fixture(scope="module")
def stages() -> Stages:
    return Stages()


@pytest.fixture(scope="module")
def model(folder: Path, settings: Settings, stages: Stages) -> Iterator[VllmModel]:
    located = locate(str(folder), cache=settings.cache)
    with VllmModel(located, settings, stages) as model:
        yield model


def server_processes(model: VllmModel) -> set[int]:
    """All processes below the guard."""
    assert model.server.pid is not None
    return processes_below(model.server.pid)


def processes_below(pid: int) -> set[int]:
    found: set[int] = set()
    to_do = [pid]
    while to_do:
        pid = to_do.pop()
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                children = {int(word) for word in (task / "children").read_text().split()}
                to_do += children
                found |= children
    return found


def memory_mb(pids: set[int]) -> float:
    total = 0.0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                total += int(line.split()[1]) / 1024 if line.startswith("Pss:") else 0
    return total


@pytest.mark.vllm
@pytest.mark.slow
def test_vllm_and_local_agree_greedily_in_fp32(
    folder: Path, settings: Settings, model: VllmModel, stages: Stages
):
    assert model.generation.dtype == "float32"
    theirs = list(model.replies(model.requests(BENCHMARK, KEYS)))
    located = locate(str(folder), cache=settings.cache)
    local = LocalModel(located, settings)
    ours = list(local.replies(local.requests(BENCHMARK, KEYS)))
    assert {reply.key for reply in ours} == {reply.key for reply in theirs} == set(KEYS)
    tokens = Tokens(located)
    prompts = {
        request.key: tokens.encode(request.prompt, local.style)
        for request in local.requests(BENCHMARK, KEYS)
    }
    parted = partings(folder, prompts, ours, theirs, tokens.eos)
    memory = memory_mb(server_processes(model))
    print(
        f"\nvLLM ready after {model.server.start_s:.0f} s, {memory:.0f} MB; {len(parted)} of "
        f"{len(KEYS)} greedy replies part: {[round(p.gap, 6) for p in parted]}; stages: {stages}"
    )
    assert all(parting.gap < 1e-3 and parting.are_best for parting in parted)
    assert len(stages) >= 3 and "ready" not in stages[:-1]


@pytest.mark.vllm
@pytest.mark.slow
def test_kill_9_of_the_server_loses_nothing(settings: Settings, model: VllmModel):
    class Killer(Observer):
        killed: set[int]

        def __init__(self) -> None:
            self.killed = set()
            self.keys: list[tuple[str, int]] = []

        def written(self, run: RunWriter, sample: Sample, num_unwritten: int) -> None:
            self.keys.append(sample.key)
            if len(self.keys) == 30:
                self.killed = server_processes(model)
                for pid in self.killed:
                    os.kill(pid, signal.SIGKILL)

    killer = Killer()
    chosen = settings.model_copy(update={"eval": EvalSettings(num_samples=2)})
    run = evaluate(
        str(model.checkpoint.source), "sanity", settings=chosen, observer=killer, model=model
    )
    assert len(killer.killed) >= 2 and not any(map(is_alive, killer.killed))
    assert len(run) == 136 and run.num_unscored == 0
    assert len(killer.keys) == len(set(killer.keys)) == 136, "a sample was made twice"
    lines = (Path(run.path) / "samples.jsonl").read_text().splitlines()
    assert len(lines) == 136


@pytest.mark.vllm
@pytest.mark.slow
def test_kill_9_of_the_harness_takes_the_real_server_along(tmp_path: Path, folder: Path):
    """While it starts, which is when most of its processes are busy: the engine's are there."""
    words = ["--home", str(tmp_path / "home"), "--set", "model.cpu_cache_gb=1"]
    words += ["eval", str(folder), "-b", "sanity", "--engine", "vllm", "--generate-only"]
    us = subprocess.Popen(
        [sys.executable, "-c", "from harness.cli import main; main()", *words],
        env={k: v for k, v in os.environ.items() if not k.startswith("HARNESS_")}
        | {"HARNESS_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # The guard, the server, its engine: three at least.
        wait_until(lambda: len(processes_below(us.pid)) >= 3, timeout_s=240)
        below = processes_below(us.pid)
    finally:
        us.kill()
        us.wait()
    wait_until(lambda: not any(map(is_alive, below)), timeout_s=15)
