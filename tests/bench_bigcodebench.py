"""Two hundred canonical solutions of BigCodeBench: the released evaluator's time, and ours.

    HARNESS_TEST_ENVIRONMENTS=… HARNESS_DATA=… python -m tests.bench_bigcodebench [tasks]

One paired run on this machine, one after the other, two programs at a time, both on the environment that
`harness doctor --build-env bigcodebench` has built, as an ordinary user and without network. The
evaluator (0.2.5) is fetched by pip without its dependencies; what it imports and does not use here
(clients of services, model providers) is replaced by empty modules. Its ground truth is left out, and
ours is made before. Ours is timed with its workers' start, and again when they are warm.

Says seconds of wall and CPU, and the most memory that all processes held together. Exits with 1 where
the aims are missed: 2.5 times less wall, 3 times less CPU.
"""

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from harness.benchmarks import DataFolders, load
from sandboxes import environments
from tests.bigcodebench import canonical, judging
from tests.sandboxes.jobs import descendants

VERSION = "0.2.5"
NUM_TASKS = 200
WALL_AIM, CPU_AIM = 2.5, 3.0
_EMPTY = (
    "gradio_client",
    "e2b",
    "httpx",
    "datasets",
    "tempdir",
    "wget",
    "appdirs",
    "pqdm.processes",
)
_NAMES = {
    "gradio_client": "Client = handle_file = None",
    "e2b": "Sandbox = None",
    "httpx": "class ReadTimeout(Exception): pass",
    "datasets": "load_dataset = None",
    "tempdir": "TempDir = None",
    "wget": "download = None",
    "appdirs": "import tempfile\nfolder = tempfile.mkdtemp()\ndef user_cache_dir(name): return folder",
    "pqdm.processes": "pqdm = None",
}
_PROVIDERS = "bigcodebench/generate.py"


class Cost(NamedTuple):
    wall_s: float
    cpu_s: float
    peak_mb: float
    num_passed: int


def main() -> None:
    num_tasks = int(sys.argv[1]) if sys.argv[1:] else NUM_TASKS
    built = Path(os.environ["HARNESS_TEST_ENVIRONMENTS"])
    data = Path(os.environ["HARNESS_DATA"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        theirs = _theirs(folder, data, built, num_tasks)
        print(_said("bigcodebench 0.2.5, --parallel 2", theirs, num_tasks), flush=True)
        ours, warm = _ours(folder, data, built, num_tasks)
        print(_said("code-harness, 2 workers, cold", ours, num_tasks))
        print(_said("code-harness, 2 workers, warm", warm, num_tasks))
    wall, cpu = theirs.wall_s / ours.wall_s, theirs.cpu_s / ours.cpu_s
    print(f"cold: {wall:.1f} times less wall, {cpu:.1f} times less CPU")
    print(f"warm: {theirs.wall_s / warm.wall_s:.1f} and {theirs.cpu_s / warm.cpu_s:.1f}")
    sys.exit(0 if wall >= WALL_AIM and cpu >= CPU_AIM else 1)


def _chosen(num_tasks: int) -> list[int]:
    """Spread over all tasks, whatever they wait for."""
    return [number * 1140 // num_tasks for number in range(num_tasks)]


def _ours(folder: Path, data: Path, built: Path, num_tasks: int) -> tuple[Cost, Cost]:
    benchmark = load("bigcodebench", data=DataFolders(data, folder))
    problems = [benchmark.problems[number] for number in _chosen(num_tasks)]
    with judging(built, folder / "truth") as judge:
        judge.prepare(problems)
    submissions = canonical(problems)

    def cold() -> int:
        with judging(built, folder / "truth") as judge:
            judge.prepare(problems)
            return sum(v.passed for v in judge.grade(judge.slowest_first(submissions)))

    cold_cost = _measured(cold)
    with judging(built, folder / "truth") as judge:
        judge.prepare(problems)
        in_order = judge.slowest_first(submissions)
        list(judge.grade(in_order))
        started = time.monotonic()
        verdicts = list(judge.grade(in_order))
        wall_s = time.monotonic() - started
    cpu_s = sum(verdict.cpu_s for verdict in verdicts)  # the workers live, and count at their end
    return cold_cost, Cost(wall_s, cpu_s, 0.0, sum(verdict.passed for verdict in verdicts))


def _theirs(folder: Path, data: Path, built: Path, num_tasks: int) -> Cost:
    package = _evaluator(folder)
    environment = environments.find("bigcodebench", built)
    text = gzip.decompress((data / "BigCodeBench-v0.1.4.jsonl.gz").read_bytes()).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    rows = [rows[number] for number in _chosen(num_tasks)]
    problems, samples = folder / "problems.jsonl", folder / "work" / "samples.jsonl"
    samples.parent.mkdir()
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    samples.write_text(
        "".join(
            json.dumps(
                {
                    "task_id": row["task_id"],
                    "solution": f"{row['complete_prompt']}\n{row['canonical_solution']}",
                }
            )
            + "\n"
            for row in rows
        )
    )
    for each in (samples.parent, samples):
        os.chown(each, 65534, 65534) if os.geteuid() == 0 else None
    shared = {name: str(path) for name, path in environment.shared.items()}
    packages = str(environment.path / "packages")
    variables = environments.variables(packages, shared, environment.python) | {
        "PYTHONPATH": f"{package}:{packages}",
        "BIGCODEBENCH_OVERRIDE_PATH": str(problems),
        "HOME": str(samples.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    program = (
        "from bigcodebench.evaluate import evaluate\n"
        f"evaluate('complete', 'full', samples={str(samples)!r}, execution='local', "
        "calibrated=False, parallel=2, no_gt=True, save_pass_rate=False, pass_k='1')\n"
    )
    alone = ["unshare", "--net", "--pid", "--fork", "--mount-proc"] if os.geteuid() == 0 else []
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if alone else []

    def work() -> int:
        subprocess.run(
            [*alone, *nobody, environment.python, "-c", program],
            env=variables,
            cwd=samples.parent,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        results = json.loads(samples.with_name("samples_eval_results.json").read_text())
        return sum(r[0]["status"] == "pass" for r in results["eval"].values())

    return _measured(work)


def _evaluator(folder: Path) -> Path:
    """The package, with empty modules in place of what it imports and does not use here."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)),
            f"bigcodebench=={VERSION}",
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    target = folder / "evaluator"
    with zipfile.ZipFile(next(folder.glob("bigcodebench-*.whl"))) as wheel:
        wheel.extractall(target)
    (target / _PROVIDERS).write_text("run_codegen = None\n")
    for name in _EMPTY:
        path = target / (name.replace(".", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(_NAMES[name] + "\n")
    for each in target.rglob("*"):
        each.chmod(0o755 if each.is_dir() else 0o644)
    return target


def _measured(work: Callable[[], int]) -> Cost:
    """Children count when they have ended and were waited for."""
    peak, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.5):
            peak = max(peak, sum(map(_pss_mb, descendants())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    before, started = _cpu_s(), time.monotonic()
    try:
        num_passed = work()
        wall_s, cpu_s = time.monotonic() - started, _cpu_s() - before
    finally:
        done.set()
        watcher.join()
    return Cost(wall_s, cpu_s, peak, num_passed)


def _cpu_s() -> float:
    both = (resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _pss_mb(pid: int) -> float:
    """Memory of a process, what it shares divided by those that share it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            rows = (line.split() for line in rollup)
            return next(int(row[1]) for row in rows if row[0] == "Pss:") / 1024
    except (OSError, StopIteration):
        return 0.0


def _said(what: str, cost: Cost, num_tasks: int) -> str:
    return (
        f"{what}: {cost.wall_s:.1f} s wall, {cost.cpu_s:.1f} CPU s, {cost.peak_mb:.0f} MB at most, "
        f"{cost.num_passed} of {num_tasks} passed"
    )


if __name__ == "__main__":
    main()
