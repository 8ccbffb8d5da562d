"""Time grading beside the installed evalplus, in one run: `make bench-grading`.

All grade the canonical solutions of HumanEval+ and MBPP+, and the recorded output of real models
where HARNESS_PARITY names it, with expected values computed before, two programs at a time, in turn,
`--repeat` times. The floor is one process that only calls: no sandbox, no comparison. Quote ratios:
single times of a shared machine say little.

Prints a row a work: medians of wall and CPU seconds and of peak memory without the candidates, and
what evalplus takes as a multiple of each; then empty jobs a second.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from harness import benchmarks
from harness.benchmarks import DataFolders
from sandboxes.agent import codec
from sandboxes.process import ProcessSandbox
from sandboxes.protocol import Bundle, Job, Limits, Sandbox
from tests.costs import Cost, containers_s, cost_of
from tests.engine import docker_sandbox, engine_environment, hide_engine, why_no_docker
from tests.evalplus_oracle import Dataset, cut, read_lines, run_evalplus

FILES: dict[Dataset, str] = {
    "humaneval": "HumanEvalPlus-v0.1.10.jsonl.gz",
    "mbpp": "MbppPlus-v0.2.0.jsonl.gz",
}
NAMES: dict[Dataset, str] = {"humaneval": "humaneval+", "mbpp": "mbpp+"}
RECORDED: dict[Dataset, str] = {
    "humaneval": "qwen25coder-1.5b-instruct.humanevalplus-v0.1.10.samples.jsonl.gz",
    "mbpp": "qwen25coder-7b-base.mbppplus-v0.1.0.samples.jsonl.gz",
}
_CANDIDATE_DEPTH = {"evalplus": 3, "namespaces": 5, "container": 9}
"""Below this process: evalplus, its pool, candidates; the harness, who starts a worker, supervisor,
zygote, candidates. Those in containers are not below us."""


def run_ours(dataset: Dataset, samples: Path, folder: Path, sandbox: str) -> None:
    environment = engine_environment() | {"HARNESS_CACHE": str(folder / "cache")}
    subprocess.run(
        [
            *(sys.executable, "-m", "harness", "--home", str(folder / "home"), "-q"),
            *("--set", "sandbox.workers=2"),
            *("eval", str(samples), "-b", NAMES[dataset], "--fresh", "--json"),
            *("--sandbox", sandbox),
        ],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def floor(dataset: Dataset) -> None:
    """Only the calls: `python -m tests.bench_grading --floor humaneval`, in a process of its own."""
    for problem in benchmarks.load(NAMES[dataset], data=DataFolders.from_env()):
        namespace: dict[str, object] = {}
        exec(problem.solution, namespace)
        function = namespace[problem.entry_point]
        assert callable(function)
        for suite in problem.suites:
            for arguments in suite.inputs:
                function(*copy.deepcopy(arguments))


def canonical_samples(dataset: Dataset, target: Path) -> Path:
    benchmark = benchmarks.load(NAMES[dataset], data=DataFolders.from_env())
    rows = [{"task_id": p.task_id, "solution": p.solution} for p in benchmark]
    target.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return target


def compare(
    dataset: Dataset, what: str, samples: Path, folder: Path, repeat: int, sandboxes: list[str]
) -> None:
    problems = folder / f"{dataset}.problems.jsonl"
    works: dict[str, Callable[[], object]] = {
        "evalplus": lambda: run_evalplus(dataset, problems, samples, folder)
    }
    for sandbox in sandboxes:
        works[sandbox] = lambda sandbox=sandbox: run_ours(dataset, samples, folder, sandbox)
    for work in works.values():
        work()  # warm: expected values, image
    if what.startswith("canonical"):
        command = [sys.executable, "-m", "tests.bench_grading", "--floor", dataset]
        works["floor"] = lambda: subprocess.run(command, check=True)
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, work in works.items():
            costs[name].append(cost_of(work, _CANDIDATE_DEPTH.get(name, 9)))
    medians = {name: Cost(*map(median, zip(*rows, strict=True))) for name, rows in costs.items()}
    theirs = medians["evalplus"]
    for name, cost in medians.items():
        print(
            f"{dataset}+  {what:<20} {name:<10}  wall {cost.wall_s:6.1f} s"
            f" x{theirs.wall_s / cost.wall_s:4.1f}   CPU {cost.cpu_s:6.1f} s"
            f" x{theirs.cpu_s / cost.cpu_s:4.1f}   memory {cost.memory_mb:6.0f} MB"
            f" x{theirs.memory_mb / cost.memory_mb:4.1f}",
            flush=True,
        )


def empty_jobs(name: str, num_jobs: int = 3000) -> None:
    """Jobs that do nothing: what the sandbox itself costs."""
    sandbox: Sandbox = (
        docker_sandbox()
        if name == "container"
        else ProcessSandbox("plain" if name == "plain" else "namespaces", allow_plain=True)
    )
    bundle, limits = Bundle.of([codec.encode((1,))]), Limits(wall_s=10, cpu_s=10)

    def jobs(count: int) -> Iterator[Job]:
        return (Job(str(n), "def f(x): return x", "f", bundle, limits) for n in range(count))

    with sandbox.open("python", 2) as workers:
        list(workers.run(jobs(50)))
        rates: list[float] = []
        cpu_s = containers_s()
        for _ in range(3):
            started = time.monotonic()
            list(workers.run(jobs(num_jobs // 3)))
            rates.append(num_jobs / 3 / (time.monotonic() - started))
        inside_ms = (containers_s() - cpu_s) / num_jobs * 1000
    inside = f", {inside_ms:.2f} CPU ms a job inside" if name == "container" else ""
    print(f"empty jobs, 2 workers, {name}: {median(rates):.0f} a second{inside}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time grading beside the installed evalplus.")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dataset", choices=list(FILES), action="append")
    parser.add_argument("--floor", choices=list(FILES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.floor:
        floor(arguments.floor)
        return
    hide_engine()
    data = Path(os.environ["HARNESS_DATA"])
    parity = os.environ.get("HARNESS_PARITY")
    sandboxes = ["namespaces"] if why_no_docker() else ["namespaces", "container"]
    for name in ["plain", *sandboxes]:
        empty_jobs(name)
    print(
        "in turn, medians; x: evalplus 0.3.1 --parallel 2 takes so many times as much", flush=True
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for dataset in arguments.dataset or list(FILES):
            source = data / FILES[dataset]
            ids = {json.loads(line)["task_id"] for line in read_lines(source)}
            cut(source, folder / f"{dataset}.problems.jsonl", ids)
            samples = canonical_samples(dataset, folder / f"{dataset}.canonical.jsonl")
            works = [("canonical solutions", samples)]
            if parity:
                recorded = folder / f"{dataset}.recorded.jsonl"
                works.append(
                    ("a real model's", cut(Path(parity) / RECORDED[dataset], recorded, ids))
                )
            for what, file in works:
                compare(dataset, what, file, folder, arguments.repeat, sandboxes)


if __name__ == "__main__":
    main()
