"""What takes too long for every change: `make verify`. Writes docs/verified/<date>.md.

    the tests marked `verify`: all published verdict sets, MBPP+ whole beside evalplus, 20 kills
    the ground truth of both benchmarks, three times in a row, also beside two busy loops
    every cheat on every problem of both benchmarks, in every profile
    2,000 attacks in random order in each sandbox, and nothing that piles up

Needs HARNESS_DATA and HARNESS_PARITY. Exits with 1 where a figure misses; the page is written all
the same, with what was seen.
"""

import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import harness
from harness import benchmarks
from harness.benchmarks.data import DataFolders
from harness.grading import PROFILES, Judge, Submission, profile_named
from harness.records import Benchmark, Status
from sandboxes.process import ProcessSandbox, environment_digest
from tests.sandboxes.attacks.loader import CHEATS

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("humaneval+", "mbpp+")
FAMILIES = ("lying_", "frame", "heap_walker", "exit_", "patched_")
"""The cheats that pass with evalplus, or that a model thinks of first. All others run on all
problems of `sanity` in the tests."""
NUM_SOAKED = 2000


NOT_DONE = """
Stopped before its end: what is not in the table was not verified on this day.
"""


class Row(NamedTuple):
    """One line of the page."""

    what: str
    figure: str
    ok: bool
    elapsed_s: float


def main() -> None:
    started = time.monotonic()
    rows: list[Row] = []
    page = ROOT / "docs" / "verified" / f"{datetime.now(UTC):%Y-%m-%d}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        for row in chain(_soaks(), _cheats(cache), _ground_truth(cache), _tests()):
            print(f"{'ok    ' if row.ok else 'MISSED'} {row.what}: {row.figure}", flush=True)
            rows.append(row)
            page.write_text(_page(rows, time.monotonic() - started, done=False))
    page.write_text(_page(rows, time.monotonic() - started, done=True))
    print(page.relative_to(ROOT))
    sys.exit(0 if all(row.ok for row in rows) else 1)


def _tests() -> Iterator[Row]:
    started = time.monotonic()
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "verify", "--timeout", "7200", "tests"],
        cwd=ROOT,
        env=os.environ | {"CI": "true"},
        capture_output=True,
        text=True,
    )
    lines = [line for line in tests.stdout.splitlines() if line.strip()]
    figure = lines[-1].strip("= ") if lines else "no output"
    if tests.returncode:
        print(tests.stdout[-20_000:], flush=True)
    yield Row("tests marked `verify`", figure, tests.returncode == 0, time.monotonic() - started)


def _ground_truth(folder: Path) -> Iterator[Row]:
    wanted = {
        ("evalplus-0.3.1", "humaneval+"): 163,
        ("evalplus-0.3.1", "mbpp+"): 378,
        ("evalplus-master", "humaneval+"): 164,
    }
    for (profile, name), num_wanted in wanted.items():
        benchmark = benchmarks.load(name, data=DataFolders.from_env())
        for load, busy in (("quiet", 0), ("two busy loops beside", 2)):
            started = time.monotonic()
            with _busy(busy):
                counts = [_num_passed(benchmark, profile, folder) for _ in range(3)]
            yield Row(
                f"canonical solutions of {name}, `{profile}`, {load}, three times",
                ", ".join(f"{count}/{len(benchmark)}" for count in counts),
                counts == [num_wanted] * 3,
                time.monotonic() - started,
            )


def _num_passed(benchmark: Benchmark, profile: str, folder: Path) -> int:
    with _judge(profile, folder) as judge:
        judge.prepare(benchmark.problems)
        submissions = [Submission(problem, problem.solution) for problem in benchmark]
        return sum(verdict.passed for verdict in judge.grade(judge.slowest_first(submissions)))


@contextmanager
def _judge(profile: str, folder: Path) -> Generator[Judge]:
    workers = os.cpu_count() or 1
    with Judge.open(
        ProcessSandbox("namespaces"), profile_named(profile), cache=folder, num_workers=workers
    ) as judge:
        yield judge


@contextmanager
def _busy(num_loops: int) -> Generator[None]:
    loops = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(num_loops)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.join()


def _spin() -> None:
    while True:
        pass


def _soaks() -> Iterator[Row]:
    for sandbox in ("namespaces", "container"):
        started = time.monotonic()
        soak = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.soak",
                "--sandbox",
                sandbox,
                "--attacks",
                f"{NUM_SOAKED}",
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = soak.stdout.splitlines()
        if soak.returncode:
            print(soak.stdout[-20_000:], flush=True)
        yield Row(
            f"{NUM_SOAKED} attacks in random order, {sandbox}",
            lines[-1] if lines else "no output",
            soak.returncode == 0,
            time.monotonic() - started,
        )


def _cheats(folder: Path) -> Iterator[Row]:
    cheats = [cheat for cheat in CHEATS if cheat.name.startswith(FAMILIES)]
    for profile in PROFILES:
        for name in NAMES:
            started = time.monotonic()
            benchmark = benchmarks.load(name, data=DataFolders.from_env())
            submissions = [
                Submission(problem, cheat.program(problem.entry_point), index)
                for problem in benchmark
                for index, cheat in enumerate(cheats)
            ]
            with _judge(profile, folder) as judge:
                judge.prepare(benchmark.problems)
                verdicts = list(judge.grade(judge.slowest_first(submissions)))
            passed = [verdict for verdict in verdicts if verdict.passed]
            unscored = sum(verdict.status == Status.UNSCORED for verdict in verdicts)
            which = ", ".join(
                sorted({f"{cheats[v.index].name} on {v.problem_id}" for v in passed})[:5]
            )
            yield Row(
                f"{len(cheats)} cheats on the {len(benchmark)} problems of {name}, `{profile}`",
                f"{len(passed)} of {len(verdicts)} passed, {unscored} unscored {which}".strip(),
                not passed and not unscored and len(verdicts) == len(submissions),
                time.monotonic() - started,
            )


def _page(rows: list[Row], elapsed_s: float, *, done: bool) -> str:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    table = "\n".join(
        f"| {row.what} | {row.figure} | {'yes' if row.ok else '**no**'} | {row.elapsed_s:.0f} |"
        for row in rows
    )
    return f"""# Verified on {datetime.now(UTC):%Y-%m-%d}

`make verify`, {elapsed_s / 60:.0f} minutes; harness {harness.__version__}, {commit},
{environment_digest()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}.

| what | figure | as it must be | seconds |
|---|---|---|---|
{table}
{"" if done else NOT_DONE}"""


if __name__ == "__main__":
    main()
