"""The installed evalplus as an oracle: its own `evaluate`, in a process of its own."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

Dataset: TypeAlias = Literal["humaneval", "mbpp"]
Verdicts: TypeAlias = Mapping[str, list[tuple[bool, bool]]]
"""Task id → for each sample whether base and plus passed."""


def read_lines(path: Path) -> list[str]:
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as file:
        return [line for line in file.read().splitlines() if line]


def cut(source: Path, target: Path, task_ids: Collection[str]) -> Path:
    """The lines of these tasks, in a plain file: evalplus wants every problem of its dataset."""
    wanted = [line for line in read_lines(source) if json.loads(line)["task_id"] in task_ids]
    target.write_text("\n".join(wanted) + "\n")
    return target


def run_evalplus(
    dataset: Dataset, problems: Path, samples: Path, cache: Path, *, parallel: int = 2
) -> Verdicts:
    """What `evalplus.evaluate` says of a plain samples file, on a plain dataset file."""
    environment = os.environ | {
        f"{dataset.upper()}_OVERRIDE_PATH": str(problems),
        "XDG_CACHE_HOME": str(cache),
        "HOME": str(cache),
    }
    results = samples.with_name(samples.name.replace(".jsonl", "_eval_results.json"))
    results.unlink(missing_ok=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "evalplus.evaluate", "--dataset", dataset),
            *("--samples", str(samples), "--parallel", str(parallel)),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return read_results(results)


def read_results(path: Path) -> Verdicts:
    """A result file in EvalPlus's format: ours, theirs or a published one."""
    return {
        task_id: [(row["base_status"] == "pass", row["plus_status"] == "pass") for row in rows]
        for task_id, rows in json.loads("\n".join(read_lines(path)))["eval"].items()
    }


def differences(ours: Verdicts, theirs: Verdicts) -> dict[str, str]:
    """Tasks on which two sets of verdicts differ, among those that both have."""
    return {
        task_id: f"ours {ours[task_id]}, theirs {theirs[task_id]}"
        for task_id in ours
        if task_id in theirs and ours[task_id] != theirs[task_id]
    }
