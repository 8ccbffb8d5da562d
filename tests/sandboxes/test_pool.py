"""Which job runs when: sleepers free a core, a second try is alone, inputs are loaded once."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sandboxes.pool import _Cores  # pyright: ignore[reportPrivateUsage]
from sandboxes.protocol import End, Job, Workers
from tests.sandboxes.jobs import answer, eventually, job, marked, sandbox_named, values, witness

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=marked("namespaces", "container"))
def one(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """One core."""
    with sandbox_named(request.param).open("python", 1) as opened:
        yield opened


def test_while_a_job_sleeps_others_run(one: Workers):
    sleeper = job("import time\ndef f(): time.sleep(3); return 'slept'", id="sleeper")
    others = [job("def f(): return 1", id=str(n)) for n in range(20)]
    ended: list[str] = []
    for execution in one.run([sleeper, *others]):
        assert execution.end == End.COMPLETED
        ended.append(execution.job_id)
    assert sorted(ended) == sorted(["sleeper", *(str(n) for n in range(20))])
    assert ended[-1] == "sleeper"


def test_while_a_job_works_others_wait(one: Workers):
    worker = job(
        "import time\ndef f():\n end = time.process_time() + 1.5\n"
        " while time.process_time() < end: pass",
        id="worker",
    )
    others = [job("def f(): return 1", id=str(n)) for n in range(3)]
    ended = [execution.job_id for execution in one.run([worker, *others])]
    assert ended[0] == "worker"


def test_two_sleepers_of_one_core_sleep_at_a_time(one: Workers):
    code = "import time\ndef f(): time.sleep(2)"
    started = time.monotonic()
    executions = list(one.run([job(code, id=str(n)) for n in range(2)]))
    assert all(execution.end == End.COMPLETED for execution in executions)
    assert time.monotonic() - started < 3.9


def test_a_fat_parent_leaves_a_job_its_memory(one: Workers):
    """An absolute limit on a child of a process that holds much already would fail every program."""
    code = "import numpy\ndef f(x): return len(bytearray(24 << 20)) + len(x) * 0"
    inputs = [("x" * (64 << 20),)]
    assert answer(one, code, inputs=inputs, memory_mb=32) == 24 << 20
    tight = code.replace("24 <<", "40 <<")
    (execution,) = one.run([job(tight, inputs=inputs, memory_mb=32)])
    assert execution.end == End.OUT_OF_MEMORY


def test_a_killed_job_runs_again_and_a_suicide_is_its_own(one: Workers):
    suicide = "import os\ndef f(): os.kill(os.getpid(), 9)"
    (execution,) = one.run([job(suicide)])
    assert (execution.end, execution.detail) == (End.KILLED, "SIGKILL")
    # Seen by the program itself only: the second time it finds nothing of the first.
    left = "import os\ndef f():\n open('/tmp/mark', 'x').close()\n os.kill(os.getpid(), 9)"
    (execution,) = one.run([job(left)])
    assert execution.end == End.KILLED
    witness(one)


def test_inputs_stay_where_they_are(one: Workers):
    """Jobs of one problem in a row find their inputs loaded: the 2nd to 20th cost next to nothing."""
    inputs = [(list(range(200_000)),)]
    started = time.monotonic()
    list(one.run([job("def f(x): return len(x)", inputs=inputs)]))
    first_s = time.monotonic() - started
    started = time.monotonic()
    jobs = [job("def f(x): return len(x)", inputs=inputs, id=str(n)) for n in range(20)]
    assert {tuple(values(e)) for e in one.run(jobs)} == {(200_000,)}
    assert (time.monotonic() - started) / 20 < first_s


def test_one_alone_waits_for_all_others_and_holds_them_off():
    cores, stop = _Cores(2), threading.Event()
    order: list[str] = []
    inside = threading.Event()

    def work(name: str, alone: bool, until: threading.Event) -> None:
        with cores.one(stop, alone=alone) as core:
            assert core
            order.append(f"{name} in")
            inside.set()
            until.wait(5)
            order.append(f"{name} out")

    finish, at_once = threading.Event(), threading.Event()
    at_once.set()
    first = threading.Thread(target=work, args=("first", False, finish))
    first.start()
    inside.wait(5)
    lonely = threading.Thread(target=work, args=("lonely", True, at_once))
    lonely.start()
    time.sleep(0.05)  # it waits, and from now on nobody else begins
    late = threading.Thread(target=work, args=("late", False, at_once))
    late.start()
    time.sleep(0.05)
    assert order == ["first in"]
    finish.set()
    for thread in (first, lonely, late):
        thread.join(5)
    assert order == ["first in", "first out", "lonely in", "lonely out", "late in", "late out"]


def test_who_waits_for_a_core_hears_that_it_is_over():
    cores, stop = _Cores(1), threading.Event()
    with cores.one(stop, alone=False):
        heard: list[object] = []

        def wait() -> None:
            for alone in (False, True):
                with cores.one(stop, alone=alone) as core:
                    heard.append(core)

        thread = threading.Thread(target=wait)
        thread.start()
        stop.set()
        thread.join(5)
        assert heard == [None, None]


def test_a_worker_that_is_used_up_is_replaced_meanwhile(
    one: Workers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sandboxes.worker._MAX_JOBS", 5)
    jobs = [job("def f(x): return x", inputs=[(n,)], id=str(n)) for n in range(40)]
    assert sorted(values(e)[0] for e in one.run(jobs)) == list(range(40))  # type: ignore[type-var]
    witness(one)


def test_a_job_for_each_thread_of_the_machine():
    """More workers than cores is a setting like any other."""
    with sandbox_named("namespaces").open("python", 5) as workers:
        jobs: list[Job] = [job("def f(x): return x", inputs=[(n,)], id=str(n)) for n in range(50)]
        assert len(list(workers.run(jobs))) == 50
        num_threads = len([t for t in threading.enumerate() if "sandbox-worker" in t.name])
    assert num_threads <= 10
    assert eventually(lambda: not [t for t in threading.enumerate() if "sandbox-" in t.name])


def test_loading_the_agent_leaves_nothing_to_do_after_a_fork():
    """Hooks cost half of an empty job: the zygote keeps those of what it preloads back."""
    script = (
        "import os, sys\n"
        "hooks = []\n"
        "os.register_at_fork = lambda **each: hooks.append(each)\n"
        "from sandboxes.agent import namespaces, supervisor, zygote\n"
        "assert not hooks, hooks\n"
        "zygote.preload()\n"
        "assert not hooks and zygote._after_fork\n"
    )
    subprocess.run([sys.executable, "-S", "-c", script], check=True, cwd=ROOT)


def test_workers_that_died_in_their_sleep_cost_no_job_a_try(one: Workers):
    """An engine's restart, say: all that idled are dead, and nobody was told."""
    pool = cast(Any, one)
    for _ in range(3):
        witness(one)
        for worker in list(pool._idle):
            worker._kill()
        for execution in one.run([job("def f(): return 1", id=str(n)) for n in range(3)]):
            assert (execution.end, execution.detail) == (End.COMPLETED, "")


def test_a_run_that_is_dropped_leaves_no_dead_worker_behind(one: Workers):
    for _ in range(10):
        executions = one.run(job("def f(): return 1", id=str(n)) for n in range(10**6))
        for _, _ in zip(range(5), executions, strict=False):
            pass
        executions.close()  # type: ignore[attr-defined]
        witness(one)
