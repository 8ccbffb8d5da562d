"""What takes too long for every change: `make verify`. Writes docs/verified/<date>.md.

    soak     2,000 attacks in random order in each sandbox, and nothing that piles up
    faults   kill -9 of jobs, zygotes, supervisors, containers and the engine, ten times each
    mutants  each rule of the sandbox broken on purpose, and noticed by a test
    flips    the published sets with 1, 2 and 4 workers beside two busy loops, against a quiet run
    cheats   those that pass with evalplus, on every problem of both benchmarks, in every profile
    truth    the ground truth of both benchmarks, three times in a row, also beside two busy loops
    bigcodebench   all 1,140 tasks: ground truth, both published sets, cheats on sixty tasks
    tests    the tests marked `verify`: published verdicts, MBPP+ whole beside evalplus, 20 kills

`python -m tests.verify flips soak` runs only these. Each run adds its table to the page of its day.
Needs HARNESS_DATA and HARNESS_PARITY, for bigcodebench HARNESS_TEST_ENVIRONMENTS too. Exits with 1 where a figure misses; the page is written all
the same, with what was seen.
"""

import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import harness
from harness import benchmarks
from harness.benchmarks.data import DataFolders
from harness.config import Settings
from harness.evaluation import evaluate
from harness.grading import PROFILES, Judge, Submission, profile_named
from harness.records import Benchmark, Status
from sandboxes.process import ProcessSandbox, environment_digest
from tests import bigcodebench as bcb
from tests.faults import VICTIMS
from tests.sandboxes.attacks.loader import CHEATS
from tests.sandboxes.test_unittests import ATTACKS as UNITTEST_ATTACKS
from tests.sandboxes.test_unittests import SLOW as SLOW_ATTACKS

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("humaneval+", "mbpp+")
FAMILIES = (
    "lying_builtin",
    "lying_metaclass",
    "lying_inside_containers",
    "frame",
    "heap_walker",
    "exit_at_load[SystemExit(0)]",
    "exit_by_exception[SystemExit(0)]",
    "exit_without_unwinding",
    "patched_builtins",
    "patched_comparisons",
    "patched_numpy",
    "patched_interpreter[main]",
)
"""The cheats that pass with evalplus, or that a model thinks of first. All others run on all
problems of `sanity` in the tests."""
NUM_SOAKED = 2000


NOT_DONE = """
Stopped before its end: what is not in the table was not verified in this run.
"""


class Row(NamedTuple):
    """One line of the page."""

    what: str
    figure: str
    ok: bool
    elapsed_s: float


def main() -> None:
    wanted = sys.argv[1:] or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        sys.exit(f"no such section: {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")
    started = time.monotonic()
    rows: list[Row] = []
    page = ROOT / "docs" / "verified" / f"{datetime.now(UTC):%Y-%m-%d}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    before = page.read_text() + "\n" if page.exists() else ""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        for row in chain.from_iterable(SECTIONS[name](cache) for name in wanted):
            print(f"{'ok    ' if row.ok else 'MISSED'} {row.what}: {row.figure}", flush=True)
            rows.append(row)
            page.write_text(before + _page(rows, time.monotonic() - started, done=False))
    page.write_text(before + _page(rows, time.monotonic() - started, done=True))
    print(page.relative_to(ROOT))
    sys.exit(0 if all(row.ok for row in rows) else 1)


def _tests(folder: Path) -> Iterator[Row]:
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


def _bigcodebench(folder: Path) -> Iterator[Row]:
    data, parity = Path(os.environ["HARNESS_DATA"]), Path(os.environ["HARNESS_PARITY"])
    built = Path(os.environ["HARNESS_TEST_ENVIRONMENTS"])
    for name in bcb.SETS:
        benchmark = bcb.benchmark_of(name, data, folder)
        with bcb.judging(built, folder) as judge:
            started = time.monotonic()
            judge.prepare(benchmark.problems)
            known = judge.known_failures(benchmark)
            verdicts = list(judge.grade(judge.slowest_first(bcb.canonical(benchmark.problems))))
            num_passed = sum(verdict.passed for verdict in verdicts)
            flags = [v.problem_id for v in verdicts if v.flags or v.status == Status.FORBIDDEN]
            yield Row(
                f"canonical solutions of {benchmark.name}, offline, three times; flagged",
                f"{num_passed}/{len(benchmark)} and {len(known)} known failures; {len(flags)}",
                num_passed + len(known) == len(benchmark) and not flags,
                time.monotonic() - started,
            )
            started = time.monotonic()
            found = bcb.agreement(name, bcb.published(name, benchmark, parity), judge)
            yield Row(
                f"published verdicts of {name}: equal, explained, others, passes flagged",
                f"{found.num_equal}, {len(found.explained)}, {sorted(found.different)}, "
                f"{found.flagged}",
                100 * len(found.different) <= len(benchmark) and not found.flagged,
                time.monotonic() - started,
            )
            if name == "7b-instruct":
                yield _cheats_of_bigcodebench(benchmark, judge)


def _cheats_of_bigcodebench(benchmark: Benchmark, judge: Judge) -> Row:
    started = time.monotonic()
    problems = [p for p in benchmark if bcb.number_of(p.task_id) % 19 == 3]
    attempts = [
        Submission(problem, attack.program(problem.entry_point), index)
        for problem in problems
        for index, (name, attack) in enumerate(UNITTEST_ATTACKS.items())
        if name not in SLOW_ATTACKS
    ]
    passed = [v for v in judge.grade(attempts) if v.status in (Status.PASSED, Status.UNSCORED)]
    names = list(UNITTEST_ATTACKS)
    return Row(
        f"{len(attempts)} cheats on {len(problems)} tasks of {benchmark.name}: passed or unscored",
        f"{[(v.problem_id, names[v.index]) for v in passed]}",
        not passed,
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


def _script(what: str, *words: str) -> Row:
    """A script of ours, whose last line is its figure."""
    started = time.monotonic()
    script = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    lines = script.stdout.splitlines()
    if script.returncode:
        print(script.stdout[-20_000:], flush=True)
    figure = lines[-1] if lines else "no output"
    return Row(what, figure, script.returncode == 0, time.monotonic() - started)


def _soaks(folder: Path) -> Iterator[Row]:
    for sandbox in ("namespaces", "container"):
        words = ("tests.soak", "--sandbox", sandbox, "--attacks", f"{NUM_SOAKED}")
        yield _script(f"{NUM_SOAKED} attacks in random order, {sandbox}", *words)


def _faults(folder: Path) -> Iterator[Row]:
    for sandbox in ("namespaces", "container"):
        for victim in VICTIMS:
            if sandbox == "container" or victim not in ("container", "engine"):
                words = ("tests.faults", "--sandbox", sandbox, "--victim", victim)
                yield _script(f"{sandbox}: {victim} killed ten times in 500 jobs", *words)


def _mutants(folder: Path) -> Iterator[Row]:
    yield _script("each rule of the sandbox broken on purpose", "tests.mutants")


def _flips(folder: Path) -> Iterator[Row]:
    """Verdicts of recorded samples on a busy machine, against those of a quiet one."""
    parity = Path(os.environ["HARNESS_PARITY"])
    settings = Settings(data=Path(os.environ["HARNESS_DATA"]), cache=folder, home=folder / "quiet")
    for name, benchmark in (
        ("qwen25coder-1.5b-instruct.humanevalplus-v0.1.10", "humaneval+"),
        ("qwen25coder-7b-base.humanevalplus-v0.1.9", "humaneval+"),
        ("qwen25coder-7b-base.mbppplus-v0.1.0", "mbpp+"),
    ):
        samples = str(parity / f"{name}.samples.jsonl.gz")
        started = time.monotonic()
        quiet = _passed(samples, benchmark, settings)
        flipped: Counter[str] = Counter()
        for num_workers in (1, 2, 4):
            sandbox = settings.sandbox.model_copy(update={"workers": num_workers})
            with _busy(2):
                for number in range(3):
                    home = folder / f"busy-{num_workers}-{number}"
                    changed = {"sandbox": sandbox, "home": home}
                    busy = _passed(samples, benchmark, settings.model_copy(update=changed))
                    flipped.update(key for key in quiet | busy if quiet.get(key) != busy.get(key))
        said = ", ".join(f"{key} {count} times" for key, count in flipped.items())
        yield Row(
            f"{name}: 9 runs with 1, 2 and 4 workers beside two busy loops, against a quiet run",
            f"{len(quiet)} verdicts each, {flipped.total()} flips {said}".strip(),
            not flipped,
            time.monotonic() - started,
        )
    yield from _fragile(folder)


def _passed(samples: str, benchmark: str, settings: Settings) -> dict[str, tuple[bool, ...]]:
    """Of each problem, which suites its sample passed; an unscored one is none of them."""
    run = evaluate(samples, benchmark, settings=settings, fresh=True)
    return {
        verdict.problem_id: tuple(
            result.status == Status.PASSED for result in verdict.suites.values()
        )
        for verdict in run
        if verdict.scored
    }


FRAGILE = {"humaneval+": (15, 36, 130, 139), "mbpp+": (255, 599)}
"""Task numbers whose references come near their limits, in time or in size."""


def _fragile(folder: Path, num_times: int = 20) -> Iterator[Row]:
    for name, numbers in FRAGILE.items():
        started = time.monotonic()
        benchmark = benchmarks.load(name, data=DataFolders.from_env())
        problems = [p for p in benchmark if int(p.task_id.partition("/")[2]) in numbers]
        num_passed = 0
        for _ in range(num_times):
            with _busy(2), _judge("evalplus-0.3.1", folder) as judge:
                judge.prepare(problems)
                verdicts = judge.grade([Submission(p, p.solution) for p in problems])
                num_passed += sum(verdict.passed for verdict in verdicts)
        yield Row(
            f"canonical solutions of the fragile {', '.join(p.id for p in problems)}, "
            f"{num_times} times beside two busy loops",
            f"{num_passed}/{num_times * len(problems)}",
            num_passed == num_times * len(problems),
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


SECTIONS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "soak": _soaks,
    "faults": _faults,
    "mutants": _mutants,
    "flips": _flips,
    "cheats": _cheats,
    "truth": _ground_truth,
    "bigcodebench": _bigcodebench,
    "tests": _tests,
}


if __name__ == "__main__":
    main()
