"""Things die while jobs run: `python -m tests.faults --sandbox container --victim supervisor`.

For each round one victim gets kill -9 at a random moment: a job, a zygote, a supervisor, a whole
container, or the Docker engine, which is then started again. Every job must come to its right end,
exactly once, and five seconds after the sandbox is closed nothing of it may be left.

The kill -9 of the harness itself is a test of its own: tests/harness/test_resume.py.
"""

import argparse
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sandboxes.engine import connect
from sandboxes.protocol import End, Workers
from tests.engine import engine_in_sight
from tests.sandboxes import leftovers
from tests.sandboxes.jobs import below, descendants, job, sandbox_named, values

VICTIMS = ("job", "zygote", "supervisor", "container", "engine")
_DEPTH = {"supervisor": 1, "zygote": 2, "job": 3}
"""Below the process that we started; in a container, one less below its first."""
CODE = "import time\ndef f(x): time.sleep(0.02); return x"


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill this and that while jobs run.")
    parser.add_argument("--sandbox", choices=["namespaces", "container"], default="namespaces")
    parser.add_argument("--victim", choices=VICTIMS, action="append")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=10)
    arguments = parser.parse_args()
    failed = False
    for victim in arguments.victim or VICTIMS:
        if arguments.sandbox == "namespaces" and victim in ("container", "engine"):
            continue
        started = time.monotonic()
        wrong = trouble(arguments.sandbox, victim, arguments.jobs, arguments.kills)
        elapsed_s = time.monotonic() - started
        print(
            f"{arguments.sandbox}, {arguments.kills} x kill -9 of {victim} during "
            f"{arguments.jobs} jobs: {'; '.join(wrong) or 'all right'} ({elapsed_s:.0f} s)",
            flush=True,
        )
        failed |= bool(wrong)
    sys.exit(failed)


def trouble(sandbox: str, victim: str, num_jobs: int, num_kills: int, seed: int = 0) -> list[str]:
    """What went wrong, in words; nothing if all is well."""
    before = leftovers.look()
    wrong: list[str] = []
    with sandbox_named(sandbox).open("python", 2) as workers:
        killer = Killer(sandbox, victim, num_kills, random.Random(seed))
        ends = _run(workers, num_jobs, killer)
    counts = Counter(job_id for job_id, _, _ in ends)
    twice = [job_id for job_id, count in counts.items() if count > 1]
    if twice or len(counts) != num_jobs:
        wrong.append(f"{len(counts)} of {num_jobs} jobs ended, {len(twice)} of them twice")
    bad = [
        f"{job_id}: {end} {got}"
        for job_id, end, got in ends
        if end != End.COMPLETED or got != [int(job_id), int(job_id) + 1]
    ]
    if bad:
        wrong.append(f"{len(bad)} wrong ends, such as {bad[:3]}")
    if killer.num_done < num_kills:
        wrong.append(f"only {killer.num_done} of {num_kills} kills hit")
    gc.collect()  # the client of an engine that was away leaves its socket to it
    if left := leftovers.left_over(before, within_s=5.0):
        wrong.append(f"left over: {left}")
    return wrong


def _run(workers: Workers, num_jobs: int, killer: "Killer") -> list[tuple[str, End, list[object]]]:
    """All jobs, and more of them while there is killing to be done."""
    ends: list[tuple[str, End, list[object]]] = []
    with killer:
        for execution in workers.run(
            job(CODE, inputs=[(n,), (n + 1,)], id=str(n)) for n in range(num_jobs)
        ):
            ends.append((execution.job_id, execution.end, values(execution)))
            killer.progress = len(ends) / num_jobs
    return ends


class Killer:
    """A thread that kills a victim at random points of the work."""

    def __init__(self, sandbox: str, victim: str, num_kills: int, rng: random.Random) -> None:
        self._kill: Callable[[], bool] = {
            "container": self._kill_container,
            "engine": self._kill_engine,
        }.get(victim, lambda: self._kill_process(sandbox, victim))
        self._points = sorted(rng.uniform(0.02, 0.9) for _ in range(num_kills))
        self.progress = 0.0
        self.num_done = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        for point in self._points:
            while self.progress < point:
                if self._over.wait(0.005):
                    return
            while not self._kill():
                if self._over.wait(0.005):
                    return
            self.num_done += 1

    def _kill_process(self, sandbox: str, victim: str) -> bool:
        if sandbox == "container":
            with engine_in_sight():
                engine = connect()
            try:
                roots = leftovers.first_processes(leftovers.look().containers)
            finally:
                engine.close()
            depth = _DEPTH[victim] - 1
        else:
            roots = [pid for pid in descendants() if below(pid, 2)][:4]
            depth = _DEPTH[victim]
        pids = [pid for root in roots if (pid := below(root, depth))]
        for pid in pids[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def _kill_container(self) -> bool:
        with engine_in_sight():
            engine = connect()
        try:
            for container in sorted(leftovers.look().containers):
                with suppress(Exception):
                    engine.remove_container(container, force=True)
                    return True
        finally:
            engine.close()
        return False

    def _kill_engine(self) -> bool:
        """kill -9, and up again, as a supervisor of services would have it."""
        pid_file = Path("/var/run/docker.pid")
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGKILL)
        while os.path.exists(f"/proc/{pid}/cmdline") and _is_alive(pid):
            time.sleep(0.05)
        deadline = time.monotonic() + 90
        pid_file.unlink(missing_ok=True)
        while time.monotonic() < deadline:
            if not pid_file.exists():  # the first may find the socket of containerd taken
                subprocess.run(
                    ["setsid", "--fork", "dockerd"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                time.sleep(1)
            with suppress(Exception), engine_in_sight():
                connect().close()
                return True
            time.sleep(0.5)
        raise RuntimeError("the engine does not come back")


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


if __name__ == "__main__":
    main()
