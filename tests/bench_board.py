"""Time the leaderboard: in the terminal, as a page, and the page in a real Chromium.

    make bench-board                    (a few minutes; 6 GB of disk for the large store)
    python -m tests.bench_board --small

Two stores, written for the purpose: 50 checkpoints on 1,140 problems, one sample each, and 200 with
ten samples. Each command runs as a process of its own, start-up included; memory is its peak.
Exits with 1 where the small store is over its limits: a terminal board under 2 s, a page in under
5 s and 10 MB, its first interaction under 1 s.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.browser import chromium, ready, why_no_chromium
from tests.stores import write_store

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()"]
MEASURE = (
    "import resource, subprocess, sys, time; started = time.monotonic();"
    "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
    "print(time.monotonic() - started, "
    "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, done.returncode)"
)


class Taken(NamedTuple):
    wall_s: float
    memory_mb: float


def taken(*words: str) -> Taken:
    """A command's wall seconds and peak memory, in a process whose only child it is."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *COMMAND, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    wall_s, memory_mb, code = done.stdout.split()
    assert code == "0", done.stderr
    return Taken(float(wall_s), float(memory_mb))


def best_of(times: int, *words: str) -> Taken:
    found = [taken(*words) for _ in range(times)]
    return min(found)


class Opened(NamedTuple):
    load_s: float
    """Until the table can be read and the script has run."""
    interaction_s: float
    """A click on the second column's head, until the rows stand anew and are painted."""


def in_chromium(file: Path) -> Opened:
    with chromium() as browser:
        page = browser.new_context(offline=True).new_page()
        started = time.monotonic()
        page.goto(file.as_uri())
        ready(page)
        load_s = time.monotonic() - started
        interaction_s = page.evaluate(
            """async () => {
                const started = performance.now();
                document.querySelector(".ranking:not([hidden]) [data-sort=name]").click();
                await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
                return (performance.now() - started) / 1000;
            }"""
        )
        return Opened(load_s, interaction_s)


def line(name: str, text: str, ok: bool | None = None) -> bool:
    mark = {None: " ", True: "✓", False: "✗"}[ok]
    print(f"{mark} {name:<44} {text}", flush=True)
    return ok is not False


def small(folder: Path) -> bool:
    home, file = folder / "small", folder / "board.html"
    write_store(home, 50, 1140)
    terminal = best_of(3, "--home", str(home), "board")
    page = best_of(3, "--home", str(home), "-q", "board", "--html", str(file))
    megabytes = file.stat().st_size / 1e6
    print("50 checkpoints × 1,140 problems × 1 sample")
    fine = [
        line("terminal", f"{terminal.wall_s:.2f} s, {terminal.memory_mb:.0f} MB", terminal.wall_s < 2),
        line("page", f"{page.wall_s:.2f} s, {page.memory_mb:.0f} MB", page.wall_s < 5),
        line("size of the page", f"{megabytes:.1f} MB", megabytes < 10),
    ]  # fmt: skip
    why = why_no_chromium()
    if why:
        line("Chromium", why)
    else:
        opened = min((in_chromium(file) for _ in range(3)), key=sum)
        seconds = f"{opened.load_s:.2f} s to open, then {opened.interaction_s:.2f} s to sort"
        fine.append(line("first interaction in Chromium", seconds, sum(opened) < 1))
    return all(fine)


def large(folder: Path) -> None:
    home, file = folder / "large", folder / "large.html"
    write_store(home, 200, 1140, 10)
    gigabytes = sum(path.stat().st_size for path in home.rglob("*.jsonl")) / 1e9
    terminal = taken("--home", str(home), "board")
    page = taken("--home", str(home), "-q", "board", "--html", str(file))
    print(f"200 checkpoints × 1,140 problems × 10 samples, {gigabytes:.1f} GB")
    line("terminal", f"{terminal.wall_s:.1f} s, {terminal.memory_mb:.0f} MB")
    line("page", f"{page.wall_s:.1f} s, {page.memory_mb:.0f} MB")
    line("size of the page", f"{file.stat().st_size / 1e6:.1f} MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="only 50 checkpoints, one sample")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="board.") as folder:
        fine = small(Path(folder))
        if not arguments.small:
            large(Path(folder))
    return 0 if fine else 1


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
