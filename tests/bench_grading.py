"""Time grading beside the installed evalplus, in one run: `make bench`.

Both grade the canonical solutions of HumanEval+ and MBPP+ (and the recorded output of real models
where HARNESS_PARITY names it), with expected values computed before, two processes at a time, in
turn, `--repeat` times. Quote ratios: single times of a shared machine say little.

Prints one row a work: median seconds of wall and CPU, and the ratio evalplus / ours.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from harness import benchmarks
from harness.benchmarks.data import DataFolders
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


class Cost(NamedTuple):
    wall_s: float
    cpu_s: float


def cost_of(work: Callable[[], object]) -> Cost:
    """Wall and CPU seconds of the child processes that `work` waits for."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    work()
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(ended - started, cpu_s)


def run_ours(dataset: Dataset, samples: Path, folder: Path) -> None:
    environment = os.environ | {"HARNESS_CACHE": str(folder / "cache")}
    subprocess.run(
        [
            *(sys.executable, "-m", "harness", "--home", str(folder / "home"), "-q"),
            *("--set", "sandbox.workers=2"),
            *("eval", str(samples), "-b", NAMES[dataset], "--fresh", "--json"),
        ],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def canonical_samples(dataset: Dataset, target: Path) -> Path:
    benchmark = benchmarks.load(NAMES[dataset], data=DataFolders.from_env())
    rows = [{"task_id": p.task_id, "solution": p.solution} for p in benchmark]
    target.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return target


def compare(dataset: Dataset, what: str, samples: Path, folder: Path, repeat: int) -> None:
    problems = folder / f"{dataset}.problems.jsonl"

    def theirs() -> object:
        return run_evalplus(dataset, problems, samples, folder)

    def ours() -> None:
        run_ours(dataset, samples, folder)

    theirs()  # warm: expected values
    ours()
    pairs = [(cost_of(theirs), cost_of(ours)) for _ in range(repeat)]
    wall = median(a.wall_s for a, _ in pairs), median(b.wall_s for _, b in pairs)
    cpu = median(a.cpu_s for a, _ in pairs), median(b.cpu_s for _, b in pairs)
    print(
        f"{dataset}+  {what:<20}  wall {wall[0]:6.1f} s {wall[1]:6.1f} s  x{wall[0] / wall[1]:4.1f}"
        f"   CPU {cpu[0]:6.1f} s {cpu[1]:6.1f} s  x{cpu[0] / cpu[1]:4.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time grading beside the installed evalplus.")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dataset", choices=list(FILES), action="append")
    arguments = parser.parse_args()
    data = Path(os.environ["HARNESS_DATA"])
    parity = os.environ.get("HARNESS_PARITY")
    print("each pair: evalplus 0.3.1 --parallel 2, then ours with 2 workers; medians", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for dataset in arguments.dataset or list(FILES):
            source = data / FILES[dataset]
            ids = {json.loads(line)["task_id"] for line in read_lines(source)}
            cut(source, folder / f"{dataset}.problems.jsonl", ids)
            samples = canonical_samples(dataset, folder / f"{dataset}.canonical.jsonl")
            compare(dataset, "canonical solutions", samples, folder, arguments.repeat)
            if parity:
                recorded = folder / f"{dataset}.recorded.jsonl"
                cut(Path(parity) / RECORDED[dataset], recorded, ids)
                compare(dataset, "a real model's", recorded, folder, arguments.repeat)


if __name__ == "__main__":
    main()
