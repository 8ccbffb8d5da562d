"""docs/training.md: its commands and its script are run as they stand, on few steps."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainers.problems import write

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text("utf-8")
COMMANDS = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)).splitlines()
(SCRIPT,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)

FEW = {
    "HARNESS_TRAIN__STEPS": "2",
    "HARNESS_TRAIN__RL__NUM_PROMPTS": "4",
    "HARNESS_TRAIN__RL__NUM_GENERATIONS": "2",
    "HARNESS_TRAIN__RL__MAX_NEW_TOKENS": "16",
    "HARNESS_SAMPLING__MAX_TOKENS": "16",
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    write(folder / "problems.jsonl", 12)
    return folder


def run(words: list[str], work: Path) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
    env |= FEW | {"PATH": path, "HARNESS_CACHE": str(work / "cache")}
    return subprocess.run(words, cwd=work, env=env, capture_output=True, text=True, timeout=400)


def test_the_page_has_commands() -> None:
    assert [line.split()[1] for line in COMMANDS] == ["init", "train", "train", "train", "eval"]


@pytest.mark.torch
@pytest.mark.slow
def test_the_commands_of_the_page_and_its_script(work: Path) -> None:
    for line in COMMANDS:
        done = run(["bash", "-c", line], work)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout, line
    assert (work / "out" / "policy" / "checkpoint.json").is_file()

    (work / "mine.py").write_text(SCRIPT)
    done = run([sys.executable, "mine.py"], work)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\[\d\.\d+\]$", done.stdout, re.M), done.stdout
    assert list((work / "harness-out" / "runs").glob("*training*step-2*")), "measured in the middle"
